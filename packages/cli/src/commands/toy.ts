// stochseg toy: the paper's section 5.1.
import type { Command } from 'commander'
import type { CommandIo } from '../io'
import type { ToyFlags } from '../toy/toy-verb'
import { positiveNumber, wholeNumber } from './values'

/** Adds the verb. */
export function addToy(program: Command, io: CommandIo): void {
  program
    .command('toy')
    .description("The paper's toy problem: two label maps of 21 pixels, low rank against diagonal.")
    .option('--iterations <n>', 'half of them on the mean alone', wholeNumber(2), 10000)
    .option('--learning-rate <x>', "Adam's; the paper used 0.001", positiveNumber, 5e-3)
    .option('--seed <n>', 'seed of parameters and samples', wholeNumber(0), 0)
    .option('--out <dir>', "draw the paper's figure 2 there, as SVG and PNG")
    .option('--json', 'print the result as JSON')
    .action(async (flags: ToyFlags) => {
      const { toyVerb } = await import('../toy/toy-verb')
      await toyVerb(flags, io)
    })
}
