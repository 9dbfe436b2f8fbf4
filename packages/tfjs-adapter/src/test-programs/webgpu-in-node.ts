// Test support, run in a process of its own: training on Dawn, WebGPU for Node. Writes what it finds as JSON.
import * as tf from '@tensorflow/tfjs-core'
import { openBackend } from '../backend'
import { backendMatrix } from '../index'
import { runShader } from '../webgpu/shader'
import { convolutionFindings, manyWorkgroups } from './convolutions-on-device'
import { crossings, engineFindings } from './engine-on-device'
import { fewSteps } from './few-steps'
import { lossFindings, lossOfNaN } from './losses-on-device'
import { refusedUpdates, updateFindings } from './updates-on-device'

const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'right',
    (error: Error) => `${error.name}: ${error.message}`,
  )

const backend = 'webgpu'
await openBackend({ backend })
const losses = await lossFindings()
const convolutions = await convolutionFindings()
const many = await manyWorkgroups()
const reports = await backendMatrix({ backend })
const wrong = reports.filter(({ forward, gradient }) => forward !== 'right' || gradient !== 'right')

const tensors = tf.memory().numTensors
const [flat, volume] = [await fewSteps(backend, 2), await fewSteps(backend, 3)]
const leaked = tf.memory().numTensors - tensors

const shader = { inputs: {}, shape: [4], code: 'fn compute(index : i32) { let x: i32 = 1.5; }' }
const wrongTensor = tf.engine().makeTensorFromTensorInfo(runShader(tf.backend() as never, shader))
const invalid = await outcome(wrongTensor.data())
const afterwards = await outcome(tf.add(tf.ones([4]), 1).data())
const steps = { 2: flat.losses, 3: volume.losses }
const updates = await updateFindings()
const refused = await refusedUpdates()
const engine = await engineFindings()
console.log(
  JSON.stringify({
    ...{ name: flat.name, losses, lossOfNaN: await lossOfNaN(), convolutions, many, wrong },
    ...{ steps, leaked, invalid, afterwards, updates, refused, engine, crossings: await crossings() },
  }),
)
