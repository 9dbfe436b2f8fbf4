// stochseg wrap: somebody else's network in, an ONNX file with an SSN head out.
import { type Command, Option } from 'commander'
import type { CommandIo } from '../io'
import type { WrapFlags } from '../wrapping/wrap-verb'
import { BACKEND_HELP, BACKENDS, DATA_HELP, LAYOUT_HELP } from './help'
import { finiteNumber, finiteNumberList, positiveNumber, wholeNumber } from './values'

/** Adds the verb. */
export function addWrap(program: Command, io: CommandIo): void {
  program
    .command('wrap')
    .description("Put a stochastic head on somebody else's network and, given data, train that head alone.")
    .requiredOption(
      '--model <file>',
      "any segmentation network, ONNX or TF.js' model.json, or a wrapped one whose head is to be trained",
    )
    .requiredOption('--out <file>', 'the ONNX file with the head')
    .option('--classes <n>', "the network's logits; 1 is binary, sigmoid", wholeNumber(1))
    .option('--rank <n>', 'columns of the covariance factor (default 10)', wholeNumber(0))
    .option(
      '--output <name>',
      "the output to wrap, where there are several; of TF.js' graph models any tensor, what comes behind it is left out",
    )
    .addOption(
      new Option(
        '--depthwise-dilation <answer>',
        "for TF.js' layers models that ask: whether dilated depthwise convolutions are dilated, which TF.js ignores",
      ).choices(['yes', 'no']),
    )
    .option('--features <tensor>', 'what the head reads (default what the last convolution reads)')
    .option('--logits <tensor>', 'scores before softmax or sigmoid (default found from the output)')
    .addOption(
      new Option('--axes <order>', "the input's (default seen from its shape)").choices([
        'planar',
        'channels-last',
      ]),
    )
    .option(
      '--scale <list>',
      'the network reads intensity × scale + shift, one or one a channel',
      finiteNumberList,
    )
    .option('--shift <list>', 'see --scale; stochseg reads bytes as v / 255 − 0.5', finiteNumberList)
    .option('--data <path>', `train the head on its splits train and val: ${DATA_HELP}`)
    .option('--layout <file>', LAYOUT_HELP)
    .option('--steps <n>', 'steps of the training (default 500)', wholeNumber(1))
    .option('--batch-size <n>', '(default 8)', wholeNumber(1))
    .option('--samples <n>', 'Monte-Carlo samples of the loss (default 20)', wholeNumber(1))
    .option('--learning-rate <x>', "Adam's (default 0.01)", positiveNumber)
    .option('--log-diagonal-bias <x>', 'where the log-diagonal starts (default -8)', finiteNumber)
    .option('--factor-scale <x>', "the factor's first standard deviation (default 0.1)", positiveNumber)
    .option('--validation-cases <n>', 'cases of a validation (default 100)', wholeNumber(1))
    .option('--seed <n>', '(default 0)', wholeNumber(0))
    .addOption(new Option('--backend <name>', BACKEND_HELP).choices(BACKENDS))
    .option('--json', 'print the result as JSON')
    .action(async (flags: WrapFlags) => {
      const { wrapVerb } = await import('../wrapping/wrap-verb')
      await wrapVerb(flags, io)
    })
}
