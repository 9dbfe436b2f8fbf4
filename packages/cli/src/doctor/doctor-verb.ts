// stochseg doctor: tries what could work on this machine, and says why the rest does not.
import { initialWeights, unet } from '@stochseg/backbones'
import { ssnHead } from '@stochseg/core'
import type { EngineOptions } from '@stochseg/tfjs-adapter'
import type { CommandIo } from '../io'
import { textTable } from '../table'

type Network = Pick<EngineOptions, 'spec' | 'head' | 'weights'>

interface Finding {
  readonly task: 'training' | 'inference'
  readonly runtime: string
  readonly works: boolean
  /** The reason why it does not work. */
  readonly reason?: string
}

const BACKENDS = ['wasm', 'cpu', 'tensorflow', 'webgpu'] as const

/** Runs the verb. Succeeds whatever works: it is a report. */
export async function doctorVerb(flags: { readonly json?: true }, io: CommandIo): Promise<void> {
  const findings: Finding[] = []
  for (const backend of BACKENDS) {
    io.signal.throwIfAborted()
    findings.push(await attempt('training', `tfjs ${backend}`, () => trainOn(backend)))
  }
  findings.push(await attempt('inference', 'onnxruntime-node cpu', predictOnOnnxRuntime))
  const marks = findings.map(({ task, runtime, works, reason }) => [
    `${works ? '✓' : '✗'} ${task} on ${runtime}${reason === undefined ? '' : `\n    ${reason}`}`,
  ])
  const machine = `Node ${process.version}, ${process.platform} ${process.arch}`
  io.stdout.write(
    flags.json ? `${JSON.stringify({ machine, findings }, null, 2)}\n` : `${machine}\n${textTable(marks)}`,
  )
}

async function attempt(task: Finding['task'], runtime: string, work: () => Promise<void>): Promise<Finding> {
  try {
    await work()
    return { task, runtime, works: true }
  } catch (error) {
    return { task, runtime, works: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

function smallNetwork(): Network {
  const spec = unet({ inputChannels: 1, widths: [4, 8] })
  const head = ssnHead({ classes: 2, rank: 2 })
  return { spec, head, weights: initialWeights(spec, head, { seed: 0 }) }
}

/** Throws unless the backend starts and passes the gradient self-test. */
async function trainOn(backend: string): Promise<void> {
  const { createTfjsEngine } = await import('@stochseg/tfjs-adapter')
  const engine = await createTfjsEngine({ ...smallNetwork(), backend })
  engine.dispose()
}

async function predictOnOnnxRuntime(): Promise<void> {
  const { exportOnnx, OnnxSegmenter } = await import('@stochseg/onnx-adapter')
  const segmenter = await OnnxSegmenter.load(exportOnnx(smallNetwork()))
  await segmenter.predict(new Float32Array(64), 1, [8, 8])
  await segmenter.dispose()
}
