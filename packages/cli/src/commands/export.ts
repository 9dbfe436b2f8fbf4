// stochseg export: a run as an ONNX file.
import { type Command, Option } from 'commander'
import type { CommandIo } from '../io'
import type { ExportFlags } from '../model/export-verb'

/** Adds the verb. */
export function addExport(program: Command, io: CommandIo): void {
  program
    .command('export')
    .description('Write the network of a run, finished or not, as an ONNX file.')
    .argument('<dir>', 'the folder of a run')
    .requiredOption('--out <file>', 'the ONNX file')
    .addOption(new Option('--checkpoint <name>', 'which weights').choices(['best', 'last']).default('best'))
    .action(async (folder: string, flags: ExportFlags) => {
      const { exportVerb } = await import('../model/export-verb')
      await exportVerb(folder, flags, io)
    })
}
