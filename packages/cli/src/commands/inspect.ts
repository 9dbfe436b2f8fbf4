// stochseg inspect: what a model is.
import type { Command } from 'commander'
import type { CommandIo } from '../io'
import type { InspectFlags } from '../model/inspect-verb'

/** Adds the verb. */
export function addInspect(program: Command, io: CommandIo): void {
  program
    .command('inspect')
    .description('Show what a model is: head, classes, rank, geometry, properties.')
    .argument('<path>', 'ONNX file, or the folder of a run')
    .option('--json', 'print the result as JSON')
    .action(async (path: string, flags: InspectFlags) => {
      const { inspectVerb } = await import('../model/inspect-verb')
      await inspectVerb(path, flags, io)
    })
}
