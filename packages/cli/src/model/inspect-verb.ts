// stochseg inspect: what a model is, as its file says. It is loaded too, so that a damaged one is noticed.
import { headNodes, networkCost, networkDiagram, networkTable, paddedSize } from '@stochseg/backbones'
import { ModelError } from '@stochseg/core'
import type { CommandIo } from '../io'
import { formatNumber, textList } from '../table'
import { onnxFileOf } from './open-model'

/** Flags of `stochseg inspect`. */
export interface InspectFlags {
  readonly json?: true
  readonly table?: true
  readonly diagram?: true
  /** Image size that the cost is counted for. */
  readonly size?: readonly number[]
}

/** Runs the verb. */
export async function inspectVerb(path: string, flags: InspectFlags, io: CommandIo): Promise<void> {
  const file = await onnxFileOf(path)
  const { OnnxSegmenter } = await import('@stochseg/onnx-adapter')
  const segmenter = await OnnxSegmenter.load(file, { signal: io.signal })
  await segmenter.dispose()
  const { head, properties, network: spec, ...network } = segmenter.metadata
  const size = flags.size ?? paddedSize(network, Array(network.dimensions).fill(128))
  const cost = spec && networkCost({ spec, head }, size)
  if (flags.table || flags.diagram) {
    if (!spec || !cost) throw noNetwork(file)
    if (flags.table) io.stdout.write(networkTable(cost))
    if (flags.diagram)
      io.stdout.write(networkDiagram({ ...spec, nodes: [...spec.nodes, ...headNodes(spec, head)] }))
    return
  }
  if (flags.json) {
    const parameters =
      properties.parameters === undefined ? {} : { parameters: Number(properties.parameters) }
    const description = { file, head: head.kind, classes: head.classes, rank: head.rank }
    const { nodes: _, ...total } = cost ?? { nodes: [] }
    const counted = cost ? { cost: { size, ...total } } : {}
    const result = {
      ...description,
      epsilon: head.epsilon,
      ...network,
      ...parameters,
      ...counted,
      properties,
    }
    io.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
    return
  }
  const sizes = (perAxis: readonly number[]): string => perAxis.join(' × ')
  const mebibytes = (bytes: number): string => `${formatNumber(bytes / 2 ** 20, 3)} MiB`
  const { parameters, ...others } = properties
  const count = cost?.parameters.toLocaleString('en') ?? parameters
  io.stdout.write(
    textList([
      ['file', file],
      ['head', head.kind === 'low-rank' ? `low-rank, rank ${head.rank}` : head.kind],
      ['classes', head.classes === 1 ? '1 (binary, sigmoid)' : String(head.classes)],
      ['backbone', network.backbone],
      [
        'input',
        `${network.channels} ${network.channels === 1 ? 'channel' : 'channels'}, ${network.dimensions}D`,
      ],
      [
        'sizes',
        network.fixedSize
          ? `${sizes(network.minimumSize)} only`
          : `${sizes(network.minimumSize)}, larger by multiples of ${sizes(network.multipleOf)}`,
      ],
      ...(network.fixedBatch === undefined ? [] : [['batch', `${network.fixedBatch} only`] as const]),
      ['receptive field', sizes(network.receptiveField)],
      ...(count === undefined ? [] : [['parameters', count] as const]),
      ...(cost
        ? ([
            [`at ${sizes(size)}`, `${formatNumber(cost.multiplyAdds / 1e9, 3)} G multiply-adds an image`],
            [
              '',
              `${mebibytes(cost.inferenceBytes)} of activations at one time, ${mebibytes(cost.trainingBytes)} in all`,
            ],
          ] as const)
        : []),
      ...Object.entries(others),
    ]),
  )
}

function noNetwork(path: string): ModelError {
  return new ModelError(`'${path}'`, {
    found: 'no description of the network in the file',
    expected: 'a file that this version of stochseg exported',
    remedy: 'Export the run again: stochseg export DIR --out M.onnx',
  })
}
