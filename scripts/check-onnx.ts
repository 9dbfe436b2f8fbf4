// ONNX files as others see them: what this repository exports passes ONNX's own checker, and Python's ONNX Runtime computes
// from it what ours does. Needs Python and, once, PyPI; ends with 77 (skipped) where they are not there.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deepmedic, type NetworkSpec, unet } from '@stochseg/backbones'
import { drawNoise, type SsnHead, ssnHead } from '@stochseg/core'
import {
  type ExportOptions,
  exportGraphModel,
  exportLayersModel,
  exportOnnx,
  type GraphModelArtefacts,
  wrapOnnx,
} from '@stochseg/onnx-adapter'
import { everyOperation, randomImages, randomWeights } from '../packages/onnx-adapter/src/random-network'
import { type RunTensor, runOnnx } from '../packages/onnx-adapter/src/run-onnx'
import { foreignNetwork, node } from '../packages/onnx-adapter/src/wrap-onnx/foreign-network'
import { referenceData } from './reference-data'

const SKIPPED = 77
const PACKAGES = ['onnx', 'onnxruntime', 'numpy']
const root = fileURLToPath(new URL('..', import.meta.url))

/** A Python with the packages, in a folder that git does not see. */
function preparePython(): string | undefined {
  const folder = join(root, 'node_modules', '.cache', 'check-onnx')
  const python = join(folder, 'bin', 'python')
  const run = (command: string, ...args: string[]): boolean =>
    spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 240_000 }).status === 0
  const ready = (): boolean => existsSync(python) && run(python, '-c', `import ${PACKAGES.join(', ')}`)
  if (ready()) return python
  mkdirSync(folder, { recursive: true })
  const install = ['-m', 'pip', 'install', '--quiet', '--retries', '1', '--disable-pip-version-check']
  return run('python3', '-m', 'venv', folder) && run(python, ...install, ...PACKAGES) && ready()
    ? python
    : undefined
}

interface Example {
  readonly name: string
  readonly model: Uint8Array
  readonly inputs: Readonly<Record<string, RunTensor>>
  /** Nobody can compute the same from random noise: only shapes are compared. */
  readonly random?: true
}

function example(
  name: string,
  spec: NetworkSpec,
  head: SsnHead,
  size: readonly number[],
  options: Partial<ExportOptions> = {},
): Example {
  const model = exportOnnx({ spec, head, weights: randomWeights(spec, head, 1), ...options })
  const shape = [2, spec.inputs[0]!.channels, ...size]
  const image = { shape, data: randomImages(2, shape[1]!, size) }
  if (options.sampler?.noise !== 'inputs') {
    return { name, model, inputs: { image }, ...(options.sampler ? { random: true } : {}) }
  }
  const { classes, rank } = head
  const noise = drawNoise({ batch: 2, classes, rank, spatial: size, samples: 3, seed: 0 })
  return {
    ...{ name, model },
    inputs: {
      image,
      z: { shape: [3, 2, rank], data: noise.z },
      epsilon: { shape: [3, 2, classes, ...size], data: noise.epsilon },
    },
  }
}

async function examples(): Promise<Example[]> {
  const head = ssnHead({ classes: 3, rank: 4 })
  const plain = unet({ inputChannels: 1, widths: [4, 8] })
  const volumes = unet({ dimensions: 3, inputChannels: 1, widths: [3, 4], normalisation: 'group', groups: 1 })
  const medical = deepmedic({ inputChannels: 2, widths: [2, 3], jointWidths: [4, 4], featureWidth: 2 })
  const softmax = node('Softmax', ['classifier'], 'probabilities', { axis: { int: 1 } })
  const wrapped = await wrapOnnx(foreignNetwork(plain, 3, [softmax]), { classes: 3, rank: 2 })
  return [
    ...[13, 17, 22].flatMap((operatorSet) => [
      example(`2D-opset${operatorSet}`, everyOperation(2), head, [8, 12], { operatorSet }),
      example(`3D-opset${operatorSet}`, everyOperation(3), head, [6, 9, 7], { operatorSet }),
      example(`sampler-opset${operatorSet}`, plain, head, [8, 6], {
        operatorSet,
        sampler: { noise: 'inputs' },
      }),
    ]),
    example('binary-sampler', plain, ssnHead({ classes: 1, rank: 2 }), [8, 6], {
      sampler: { noise: 'inputs' },
    }),
    example('sampler-3D', volumes, head, [4, 6, 8], { sampler: { noise: 'inputs' } }),
    example('random-sampler', plain, head, [8, 6], { sampler: { noise: 'random', samples: 4 } }),
    example('float16', plain, head, [8, 6], { float16Weights: true }),
    example('fixed', plain, head, [8, 6], { fixed: { batch: 2, spatial: [8, 6] } }),
    example('deepmedic', medical, head, [35, 35, 50]),
    ...published(),
    {
      ...{ name: 'wrapped', model: wrapped },
      inputs: { image: { shape: [2, 1, 8, 6], data: randomImages(2, 1, [8, 6]) } },
    },
  ]
}

/** Networks of TF.js that others trained, where the reference data are there. */
function published(): Example[] {
  const artefactsOf = (folder: string, file: string, weights: string): GraphModelArtefacts => {
    const { modelTopology, signature, weightsManifest } = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    const weightData = new Uint8Array(readFileSync(join(folder, weights)))
    return { modelTopology, signature, weightSpecs: weightsManifest[0].weights, weightData }
  }
  const [meshnet, selfie] = ['meshnet', 'selfie'].map((name) => referenceData(`networks/${name}-tfjs`))
  if (!meshnet || !selfie) return []
  return [
    {
      name: 'meshnet-tfjs',
      model: exportLayersModel(artefactsOf(meshnet, 'model.json', 'group1-shard1of1.bin')),
      inputs: { input: { shape: [1, 1, 12, 10, 8], data: randomImages(1, 1, [12, 10, 8]) } },
    },
    {
      name: 'selfie-tfjs',
      model: exportGraphModel(artefactsOf(selfie, 'selfie.json', 'selfie.bin')),
      inputs: { input_1: { shape: [1, 3, 256, 256], data: randomImages(1, 3, [256, 256]) } },
    },
  ]
}

/** Leaves each example as `<name>.onnx`, and a list of what goes in and comes out with the values in files of their own. */
async function writeExamples(folder: string): Promise<void> {
  const list = []
  for (const { name, model, inputs, random } of await examples()) {
    const write = (tensors: Readonly<Record<string, RunTensor>>): object[] =>
      Object.entries(tensors).map(([tensor, { shape, data }]) => {
        const file = `${name}.${tensor}.bin`
        writeFileSync(join(folder, file), new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
        return { name: tensor, shape, file, type: data instanceof Uint8Array ? 'uint8' : 'float32' }
      })
    writeFileSync(join(folder, `${name}.onnx`), model)
    const outputs = await runOnnx(model, inputs)
    list.push({ name, random: random ?? false, inputs: write(inputs), outputs: write(outputs) })
  }
  writeFileSync(join(folder, 'examples.json'), JSON.stringify(list))
}

const python = preparePython()
if (python === undefined) {
  console.log(`skipped: no Python with ${PACKAGES.join(', ')}, and PyPI cannot be reached for them`)
  process.exit(SKIPPED)
}
const folder = mkdtempSync(join(tmpdir(), 'stochseg-check-onnx-'))
try {
  await writeExamples(folder)
  const { status } = spawnSync(python, [join(root, 'scripts', 'check-onnx.py'), folder], { stdio: 'inherit' })
  process.exitCode = status ?? 1
} finally {
  rmSync(folder, { recursive: true })
}
