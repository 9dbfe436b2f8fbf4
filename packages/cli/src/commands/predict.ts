// stochseg predict: images in; mean label map, samples and entropy out.
import { type Command, Option } from 'commander'
import type { CommandIo } from '../io'
import type { PredictFlags } from '../prediction/predict-verb'
import { DEVICES, MODEL_HELP } from './help'
import { classScale, positiveNumber, shard, wholeNumber } from './values'

/** Adds the verb. */
export function addPredict(program: Command, io: CommandIo): void {
  program
    .command('predict')
    .description('Segment images: mean label map, samples and entropy, in the format and size of the input.')
    .requiredOption('--model <path>', MODEL_HELP)
    .requiredOption('--input <image...>', 'PNG images')
    .requiredOption('--out <dir>', 'folder for the results')
    .option('--samples <n>', 'samples drawn for each image', wholeNumber(1), 16)
    .option('--seed <n>', 'seed of the samples', wholeNumber(0), 0)
    .option('--temperature <t>', 'scale of the standard deviation', positiveNumber)
    .option('--class-scale <c=w>', "scale of class c's part of the noise (repeatable)", classScale)
    .option('--shard <i/n>', 'only the i-th of n parts of the inputs, for clusters', shard)
    .addOption(new Option('--device <name>').choices(DEVICES).default('auto'))
    .option('--json', 'print the result as JSON')
    .action(async (flags: PredictFlags) => {
      const { predictVerb } = await import('../prediction/predict-verb')
      await predictVerb(flags, io)
    })
}
