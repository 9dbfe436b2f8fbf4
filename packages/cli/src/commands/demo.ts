// stochseg demo: the whole path on generated data, in minutes.
import type { Command } from 'commander'
import type { DemoFlags } from '../demo/demo-verb'
import type { CommandIo } from '../io'
import { wholeNumber } from './values'

/** Adds the verb. */
export function addDemo(program: Command, io: CommandIo): void {
  program
    .command('demo')
    .description('Train, export, evaluate, sample and report, on generated data whose best score is known.')
    .option('--out <dir>', 'folder for runs and report', 'stochseg-demo')
    .option('--steps <n>', 'training steps of each model', wholeNumber(2), 800)
    .option('--json', 'print the result as JSON')
    .action(async (flags: DemoFlags) => {
      const { demoVerb } = await import('../demo/demo-verb')
      await demoVerb(flags, io)
    })
}
