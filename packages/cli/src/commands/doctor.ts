// stochseg doctor: what works on this machine.
import type { Command } from 'commander'
import type { CommandIo } from '../io'

/** Adds the verb. */
export function addDoctor(program: Command, io: CommandIo): void {
  program
    .command('doctor')
    .description('Say which training backends and ONNX providers work here, and why the others do not.')
    .option('--json', 'print the result as JSON')
    .action(async (flags: { readonly json?: true }) => {
      const { doctorVerb } = await import('../doctor/doctor-verb')
      await doctorVerb(flags, io)
    })
}
