// stochseg evaluate: how close a model's samples come to the raters.
import { type Command, Option } from 'commander'
import type { EvaluateFlags } from '../evaluation/evaluate-verb'
import type { CommandIo } from '../io'
import { DATA_HELP, DEVICES, LAYOUT_HELP, MODEL_HELP, SPLITS } from './help'
import { wholeNumber } from './values'

/** Adds the verb. */
export function addEvaluate(program: Command, io: CommandIo): void {
  program
    .command('evaluate')
    .description('Compare samples with the raters: generalised energy distance, Dice and more, per split.')
    .requiredOption('--model <path>', MODEL_HELP)
    .requiredOption('--data <path>', DATA_HELP)
    .option('--layout <file>', LAYOUT_HELP)
    .addOption(new Option('--split <name>').choices(SPLITS).default('test'))
    .option('--samples <n>', 'samples drawn for each case', wholeNumber(1), 100)
    .option('--seed <n>', 'seed of the samples', wholeNumber(0), 0)
    .option('--limit <n>', 'only so many cases, evenly spread over the split', wholeNumber(1))
    .addOption(
      new Option('--baseline <name>', 'evaluate this too: random masks of the train split').choices([
        'image-blind',
      ]),
    )
    .addOption(
      new Option('--storage <type>', 'of factor and deviation; float16 halves the memory')
        .choices(['float32', 'float16'])
        .default('float32'),
    )
    .addOption(new Option('--device <name>').choices(DEVICES).default('auto'))
    .option('--report <file>', 'write an HTML report')
    .option('--json', 'print the result as JSON')
    .action(async (flags: EvaluateFlags) => {
      const { evaluateVerb } = await import('../evaluation/evaluate-verb')
      await evaluateVerb(flags, io)
    })
}
