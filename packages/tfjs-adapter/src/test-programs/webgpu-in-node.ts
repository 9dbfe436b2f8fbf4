// Test support, run in a process of its own: training on Dawn, WebGPU for Node. Writes what it finds as JSON.
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import { openBackend } from '../backend'
import { backendMatrix } from '../index'
import { composedDropout, dropout } from '../operations/dropout'
import { runShader } from '../webgpu/shader'
import { convolutionFindings, manyWorkgroups } from './convolutions-on-device'
import { crossings, engineFindings } from './engine-on-device'
import { fewSteps } from './few-steps'
import { firstVoxelFindings } from './first-voxel'
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

const drop = { rate: 0.3, key: '1/2/node' }
const [masked, asElsewhere] = [dropout, composedDropout].map((run) => run(tf.fill([70, 110], 3), drop))
const sameMask = String(await masked!.data()) === String(await asElsewhere!.data())

const shader = { inputs: {}, shape: [4], code: 'fn compute(index : i32) { let x: i32 = 1.5; }' }
const wrongTensor = tf.engine().makeTensorFromTensorInfo(runShader(tf.backend() as never, shader))
const invalid = await outcome(wrongTensor.data())
const { device } = tf.backend() as WebGPUBackend
const longest = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize) / 4
const tooLarge = await outcome(tf.max(tf.fill([longest + 64], 1)).data())
const afterwards = await outcome(tf.add(tf.ones([4]), 1).data())
const steps = { 2: flat.losses, 3: volume.losses }
const updates = await updateFindings()
const refused = await refusedUpdates()
const engine = await engineFindings()
const firstVoxel = await firstVoxelFindings()
const goingOn = { lossOfNaN: await lossOfNaN(), crossings: await crossings() }

// The last that this process does with its device.
const [first, second] = [tf.ones([4]), tf.ones([5])].map((tensor) => tf.exp(tf.exp(tensor)))
device.destroy()
const lost = [
  await outcome(first!.data()),
  await outcome(second!.data()),
  await outcome(openBackend({ backend })),
]
console.log(
  JSON.stringify({
    ...{
      name: flat.name,
      losses,
      convolutions,
      many,
      wrong,
      sameMask,
      steps,
      leaked,
      invalid,
      tooLarge,
      afterwards,
    },
    ...{ updates, refused, engine, firstVoxel, ...goingOn, lost },
  }),
)
