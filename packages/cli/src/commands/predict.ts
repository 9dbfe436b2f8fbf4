// stochseg predict: images in; mean label map, samples and entropy out.
import { type Command, Option } from 'commander'
import type { CommandIo } from '../io'
import type { PredictFlags } from '../prediction/predict-verb'
import { DEVICES, LAYOUT_HELP, MODEL_HELP } from './help'
import { classScale, positiveNumber, shard, wholeNumber, wholeNumberList } from './values'

/** Adds the verb. */
export function addPredict(program: Command, io: CommandIo): void {
  program
    .command('predict')
    .description('Segment images: mean label map, samples and entropy, in the format and space of the input.')
    .requiredOption('--model <path>', MODEL_HELP)
    .requiredOption(
      '--input <image...>',
      'PNG images; numpy arrays [channels, height, width] or [channels, depth, height, width] as .npy; NIfTI files, those of one image with commas between them; or folders of patients',
    )
    .requiredOption('--out <dir>', 'folder for the results')
    .option('--mask <image...>', 'region of interest of each input; outside, labels are 0')
    .option('--layout <file>', LAYOUT_HELP)
    .addOption(
      new Option('--normalisation <name>', 'of NIfTI intensities, as in training').choices([
        'none',
        'z-score',
      ]),
    )
    .option('--samples <n>', 'samples drawn for each image', wholeNumber(1), 16)
    .option('--seed <n>', 'seed of the samples', wholeNumber(0), 0)
    .option('--temperature <t>', 'scale of the standard deviation', positiveNumber)
    .option('--class-scale <c=w>', "scale of class c's part of the noise (repeatable)", classScale)
    .option(
      '--tile <list>',
      'predict in tiles of at most this size, e.g. 140 or 110,140,140',
      wholeNumberList,
    )
    .option('--overlap <list>', 'voxels that neighbouring tiles share, at least', (text) =>
      text.split(',').map(wholeNumber(0)),
    )
    .addOption(
      new Option('--storage <type>', 'of factor and deviation; float16 halves the memory')
        .choices(['float32', 'float16'])
        .default('float32'),
    )
    .option('--shard <i/n>', 'only the i-th of n parts of the inputs, for clusters', shard)
    .addOption(new Option('--device <name>').choices(DEVICES).default('auto'))
    .option('--resume', 'leave out images that have results of the same settings, newer than the model')
    .option('--json', 'print the result as JSON')
    .action(async (flags: PredictFlags) => {
      const { predictVerb } = await import('../prediction/predict-verb')
      await predictVerb(flags, io)
    })
}
