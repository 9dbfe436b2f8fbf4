// stochseg doctor: what works on this machine.
import { type Command, Option } from 'commander'
import type { DoctorFlags } from '../doctor/doctor-verb'
import { PARTS } from '../doctor/part'
import type { CommandIo } from '../io'
import { MODEL_HELP } from './help'

/** Adds the verb. */
export function addDoctor(program: Command, io: CommandIo): void {
  program
    .command('doctor')
    .summary('Say what works here: training backends and ONNX providers.')
    .description(
      'Say which training backends and ONNX providers work here, and why the others do not. On each backend, every operation that a network can use is tried, forward and gradient.',
    )
    .addOption(
      new Option('--only <part>', 'try one training backend, or inference, and nothing else').choices(PARTS),
    )
    .addOption(
      new Option('--model <path>', `try the ONNX providers with this model: ${MODEL_HELP}`).conflicts('only'),
    )
    .option('--matrix', 'print the table of all operations; try those of GPUs in software too (a minute)')
    .option('--json', 'print the result as JSON')
    .action(async (flags: DoctorFlags) => {
      const { doctorVerb } = await import('../doctor/doctor-verb')
      await doctorVerb(flags, io)
    })
}
