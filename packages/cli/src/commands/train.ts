// stochseg train: data in, a run folder out.
import { type Command, Option } from 'commander'
import type { CommandIo } from '../io'
import type { TrainFlags } from '../training/train-verb'
import { BACKEND_HELP, BACKENDS, DATA_HELP, LAYOUT_HELP } from './help'
import { finiteNumber, numberList, positiveNumber, wholeNumber, wholeNumberList } from './values'

/** Adds the verb. */
export function addTrain(program: Command, io: CommandIo): void {
  program
    .command('train')
    .description('Train a network on images with several raters.')
    .requiredOption(
      '--out <dir>',
      'run folder: run.json, metrics.ndjson, model.safetensors, model.onnx, checkpoints',
    )
    .option('--data <path>', DATA_HELP)
    .option('--layout <file>', LAYOUT_HELP)
    .option('--classes <n>', 'label values of the data, background included (default 2)', wholeNumber(2))
    .option('--config <file>', 'JSON with the options below in camel case; flags win over it')
    .option('--patch-size <list>', 'train on patches of this size, e.g. 98,98,98', wholeNumberList)
    .option(
      '--patch-foreground <share>',
      'share of the patches centred on the foreground (default 0.5)',
      finiteNumber,
    )
    .option('--patches-per-case <n>', 'in an epoch and in a validation (default 20)', wholeNumber(1))
    .addOption(
      new Option('--augmentation <name>', "the paper's; others by --config").choices(['lidc', 'brats']),
    )
    .option('--resume', 'go on from the last checkpoint of --out')
    .option('--change', 'with --resume: go on with other options, of the same network')
    .option(
      '--backbone <name>',
      'unet, unet-lidc, deepmedic, deepmedic-brats, meshnet, or a package that exports one (default unet)',
    )
    .option('--widths <list>', "channels of the backbone's levels (unet: default 16,32,64)", wholeNumberList)
    .addOption(
      new Option('--head <kind>', '(default low-rank)').choices(['low-rank', 'diagonal', 'deterministic']),
    )
    .option('--rank <n>', 'columns of the covariance factor (default 10)', wholeNumber(1))
    .option(
      '--log-diagonal-bias <x>',
      'where the log-diagonal starts (default -8; 0 for a diagonal head)',
      finiteNumber,
    )
    .option('--factor-scale <x>', "multiplies the factor's first weights (default 0.3)", positiveNumber)
    .option('--steps <n>', '(default 5000)', wholeNumber(1))
    .option(
      '--mean-steps <n>',
      'steps that train the mean alone, at first (default a tenth of --steps)',
      wholeNumber(0),
    )
    .option('--batch-size <n>', '(default 8)', wholeNumber(1))
    .option('--samples <n>', 'Monte-Carlo samples of the loss (default 20)', wholeNumber(1))
    .option('--antithetic', 'draw the samples in mirrored pairs')
    .option('--mean-loss-weight <x>', "adds the mean's cross-entropy to the loss (default 0)", finiteNumber)
    .option(
      '--diagonal-loss-weight <x>',
      'adds the loss without the factor to the loss (default 0)',
      finiteNumber,
    )
    .option('--class-weights <list>', 'of the voxels, by their label (default: all 1)', numberList)
    .addOption(
      new Option('--optimizer <name>', '(default adam; its options by --config)').choices([
        'adam',
        'adamW',
        'rmsProp',
      ]),
    )
    .option('--learning-rate <x>', '(default 0.001)', positiveNumber)
    .addOption(
      new Option('--schedule <name>', 'of the learning rate (default constant)').choices([
        'constant',
        'cosine',
        'steps',
      ]),
    )
    .option('--milestones <list>', 'steps at which the schedule steps lowers the rate', wholeNumberList)
    .option('--decay-factor <x>', 'what it multiplies the rate with (default 0.5)', positiveNumber)
    .option('--warm-up-steps <n>', 'over which the learning rate rises at first (default 0)', wholeNumber(0))
    .option('--gradient-clip <norm>', "largest norm of a step's gradient", positiveNumber)
    .option('--average-decay <x>', "of the weights' moving average, which is then the model", finiteNumber)
    .option('--seed <n>', '(default 0)', wholeNumber(0))
    .option('--validate-every <n>', 'steps between validations and checkpoints (default 500)', wholeNumber(1))
    .option('--validation-cases <n>', 'cases of a validation (default 200)', wholeNumber(1))
    .option('--patience <n>', 'end after so many validations without a better one', wholeNumber(1))
    .addOption(
      new Option('--on-bad-case <what>', 'an image or mask that cannot be used (default stop)').choices([
        'stop',
        'skip',
      ]),
    )
    .option('--minutes <m>', 'time budget: training ends well when it is used up', positiveNumber)
    .addOption(new Option('--backend <name>', BACKEND_HELP).choices(BACKENDS))
    .option('--report <file>', 'write an HTML report of the validation split')
    .option('--json', 'print the result as JSON')
    .action(async (flags: TrainFlags) => {
      const { trainVerb } = await import('../training/train-verb')
      await trainVerb(flags, io)
    })
}
