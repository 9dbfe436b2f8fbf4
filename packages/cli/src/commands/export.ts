// stochseg export: a run as an ONNX file.
import { type Command, Option } from 'commander'
import type { CommandIo } from '../io'
import type { ExportFlags } from '../model/export-verb'
import { wholeNumber, wholeNumberList } from './values'

/** Adds the verb. */
export function addExport(program: Command, io: CommandIo): void {
  program
    .command('export')
    .description('Write the network of a run, finished or not, as an ONNX file.')
    .argument('<dir>', 'the folder of a run')
    .requiredOption('--out <file>', 'the ONNX file')
    .addOption(new Option('--checkpoint <name>', 'which weights').choices(['best', 'last']).default('best'))
    .option('--opset <n>', "ONNX's operator set, 13 to 22 (default 17)", wholeNumber(13))
    .option('--float16', 'store convolution kernels as float16: half the file, arithmetic stays float32')
    .option('--fixed-size <list>', 'an image size that the file is for (default any)', wholeNumberList)
    .option('--fixed-batch <n>', 'a batch size that the file is for (default any)', wholeNumber(1))
    .option(
      '--with-sampler [samples]',
      'draw samples in the graph: from noise given as inputs, or, with a number, so many from noise of the runtime (never the same twice)',
      wholeNumber(1),
    )
    .option('--json', 'print the result as JSON')
    .action(async (folder: string, flags: ExportFlags) => {
      const { exportVerb } = await import('../model/export-verb')
      await exportVerb(folder, flags, io)
    })
}
