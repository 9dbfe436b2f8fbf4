// stochseg doctor: what works on this machine.
import type { Command } from 'commander'
import type { DoctorFlags } from '../doctor/doctor-verb'
import type { CommandIo } from '../io'
import { MODEL_HELP } from './help'

/** Adds the verb. */
export function addDoctor(program: Command, io: CommandIo): void {
  program
    .command('doctor')
    .description('Say which training backends and ONNX providers work here, and why the others do not.')
    .option('--model <path>', `try the providers with this model: ${MODEL_HELP}`)
    .option(
      '--matrix',
      "try every operation that a network can use, forward and gradient, on TF.js' backends",
    )
    .option('--json', 'print the result as JSON')
    .action(async (flags: DoctorFlags) => {
      const { doctorVerb } = await import('../doctor/doctor-verb')
      await doctorVerb(flags, io)
    })
}
