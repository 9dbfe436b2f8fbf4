// stochseg inspect: what a model is.
import type { Command } from 'commander'
import type { CommandIo } from '../io'
import type { InspectFlags } from '../model/inspect-verb'
import { wholeNumberList } from './values'

/** Adds the verb. */
export function addInspect(program: Command, io: CommandIo): void {
  program
    .command('inspect')
    .description('Show what a model is: head, classes, rank, geometry, cost, properties.')
    .argument('<path>', 'ONNX file, or the folder of a run')
    .option(
      '--size <list>',
      'image size that the cost is counted for (default at least 128)',
      wholeNumberList,
    )
    .option('--table', "print the network's nodes as a Markdown table")
    .option('--diagram', 'print the network as a Mermaid flowchart')
    .option('--json', 'print the result as JSON')
    .action(async (path: string, flags: InspectFlags) => {
      const { inspectVerb } = await import('../model/inspect-verb')
      await inspectVerb(path, flags, io)
    })
}
