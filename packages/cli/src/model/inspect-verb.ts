// stochseg inspect: what a model is, as its file says. It is loaded too, so that a damaged one is noticed.
import type { CommandIo } from '../io'
import { textList } from '../table'
import { openModel } from './open-model'

/** Flags of `stochseg inspect`. */
export interface InspectFlags {
  readonly json?: true
}

/** Runs the verb. */
export async function inspectVerb(path: string, flags: InspectFlags, io: CommandIo): Promise<void> {
  const model = await openModel(path, { signal: io.signal })
  await model.dispose()
  const { head, properties, ...network } = model.metadata
  if (flags.json) {
    const parameters =
      properties.parameters === undefined ? {} : { parameters: Number(properties.parameters) }
    const description = { file: model.path, head: head.kind, classes: head.classes, rank: head.rank }
    const result = { ...description, epsilon: head.epsilon, ...network, ...parameters, properties }
    io.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
    return
  }
  const sizes = (perAxis: readonly number[]): string => perAxis.join(' × ')
  io.stdout.write(
    textList([
      ['file', model.path],
      ['head', head.kind === 'low-rank' ? `low-rank, rank ${head.rank}` : head.kind],
      ['classes', head.classes === 1 ? '1 (binary, sigmoid)' : String(head.classes)],
      ['backbone', network.backbone],
      ['input', `${network.channels} channels, ${network.dimensions}D`],
      ['sizes', `${sizes(network.minimumSize)}, larger by multiples of ${sizes(network.multipleOf)}`],
      ['receptive field', sizes(network.receptiveField)],
      ...Object.entries(properties),
    ]),
  )
}
