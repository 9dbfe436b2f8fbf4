// The verbs of `stochseg`. A verb's module holds its options; what does the work is loaded when the verb runs.
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addDemo } from './commands/demo'
import { addDoctor } from './commands/doctor'
import { addEvaluate } from './commands/evaluate'
import { addExport } from './commands/export'
import { addInspect } from './commands/inspect'
import { addPredict } from './commands/predict'
import { addToy } from './commands/toy'
import { addTrain } from './commands/train'
import { addWrap } from './commands/wrap'
import type { CommandIo } from './io'

/** The command line of `stochseg`, writing to `io`. Its parse throws instead of exiting. */
export function stochsegProgram(io: CommandIo): Command {
  const program = new Command('stochseg')
    .description('Coherent samples from segmentation networks: train, evaluate, sample, report.')
    .version(version())
    .exitOverride()
    // Of `--widths 8 16`, the 16 would be left out of account.
    .allowExcessArguments(false)
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    })
    .showHelpAfterError('(add --help for the options)')
  for (const add of [
    addDemo,
    addToy,
    addTrain,
    addEvaluate,
    addPredict,
    addInspect,
    addExport,
    addWrap,
    addDoctor,
  ]) {
    add(program, io)
  }
  return program
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
}
