// A model on the first device that works, with an account of what was tried.
import { ValueError, voxelCount } from '@stochseg/core'
import { node } from '../node'
import { loadOnnxRuntime } from '../onnx-runtime'
import { LocalSession, type OnnxSession } from '../session/onnx-session'
import { deviceUnavailable, sessionError } from '../session/session-errors'
import { type Preparation, prepareForWebgpu } from '../webgpu/prepare-model'
import { whyNotWebgpu } from '../webgpu/software-adapter'
import { type StartWorker, ThreadSession } from '../worker/thread-session'
import { compareWithCpu } from './compare-with-cpu'
import { whyNotCuda } from './cuda-libraries'
import { type Device, type DeviceAttempt, type DeviceChoice, devicesToTry } from './device'
import { runtimeOf } from './runtime-of'

/** What is to be opened, and how. */
export interface OpenRequest {
  /** How messages call the model. */
  readonly name: string
  readonly model: Uint8Array
  readonly device: DeviceChoice
  readonly worker: boolean | StartWorker
  readonly threads?: number | undefined
  /** Whether a device other than the CPU is compared with it. */
  readonly verify: boolean
  /** `[batch, channels, *S]` of an image that the model takes: for the first run. */
  readonly shape: readonly number[]
  readonly signal?: AbortSignal | undefined
}

/** An open model. */
export interface Opened {
  readonly session: OnnxSession
  readonly device: Device
  readonly attempts: readonly DeviceAttempt[]
  readonly preparation: Preparation
  /** Largest relative difference to the CPU's outputs, where that was asked for. */
  readonly differenceToCpu?: number
}

/**
 * Tries devices one by one: loads the model and, where an operator may still be missing, runs it once.
 *
 * Throws what the last device failed with; for `auto` that is the one that needs least.
 */
export async function openSession(request: OpenRequest): Promise<Opened> {
  const attempts: DeviceAttempt[] = []
  const devices = devicesToTry(request.device)
  for (const device of devices) {
    request.signal?.throwIfAborted()
    try {
      if (device === 'cuda') refuse(device, whyNotCuda())
      if (device === 'webgpu' && request.device === 'auto') refuse(device, await whyNotWebgpu())
      const opened = await openOn(device, request)
      attempts.push({ device, works: true })
      return { ...opened, device, attempts }
    } catch (cause) {
      request.signal?.throwIfAborted()
      const error = sessionError(device, request.name, cause)
      attempts.push({ device, works: false, reason: error.found, remedy: error.remedy })
      if (device === devices.at(-1)) throw error
    }
  }
  throw new TypeError('no device to try')
}

function refuse(device: Device, reason: string | undefined): void {
  if (reason !== undefined) throw deviceUnavailable(device, reason)
}

async function openOn(
  device: Device,
  request: OpenRequest,
): Promise<Pick<Opened, 'session' | 'preparation' | 'differenceToCpu'>> {
  const { model, shape, signal } = request
  const unchanged: Preparation = { model, rewritten: [], onCpu: [] }
  const preparation = device === 'webgpu' ? prepareForWebgpu(model) : unchanged
  const session = await start(device, preparation, request)
  try {
    if (request.verify) {
      const cpu = await start(node ? 'cpu' : 'wasm', unchanged, request)
      try {
        return {
          session,
          preparation,
          differenceToCpu: await compareWithCpu(device, session, cpu, shape, signal),
        }
      } finally {
        await cpu.release()
      }
    }
    if (provesByRunning(device)) await session.run(new Float32Array(voxelCount(shape)), shape, signal)
    return { session, preparation }
  } catch (error) {
    await session.release()
    throw error
  }
}

/** The CPU has every operator that it loads; a graphics card may refuse one, or memory, when it is run. */
function provesByRunning(device: Device): boolean {
  return device === 'cuda' || device === 'webgpu'
}

async function start(
  device: Device,
  { model, onCpu }: Preparation,
  { worker, threads }: Pick<OpenRequest, 'worker' | 'threads'>,
): Promise<OnnxSession> {
  const settings = { device, cpuNodes: onCpu, ...(threads === undefined ? {} : { threads }) }
  const runtime = runtimeOf(device)
  if (worker === false) return LocalSession.create(await loadOnnxRuntime(runtime), model, settings)
  if (!node && worker === true) {
    throw new ValueError('worker', {
      found: 'true, in a browser',
      expected: 'a function that starts a worker: pages load ONNX Runtime in ways that a package cannot know',
      remedy: 'See docs/devices.md for the two lines that it takes',
    })
  }
  return ThreadSession.create(runtime, model, settings, typeof worker === 'function' ? worker : undefined)
}
