// Where a model can run, and in which order that is tried.
import { ValueError } from '@stochseg/core'
import { node } from '../node'

/** ONNX Runtime's execution providers that are used: native ones in Node (`cpu`, `cuda`, `webgpu`), `webgpu` and `wasm` in browsers. */
export type Device = 'cpu' | 'cuda' | 'webgpu' | 'wasm'

/** A device, or the best that works. */
export type DeviceChoice = Device | 'auto'

/** What came of trying a device. */
export interface DeviceAttempt {
  readonly device: Device
  readonly works: boolean
  /** Why it does not work. */
  readonly reason?: string
  /** What can be done about it: the line that installs what is missing. */
  readonly remedy?: string
}

/** Every device, in the order in which reports name them. */
export const DEVICES: readonly Device[] = ['cpu', 'cuda', 'webgpu', 'wasm']

/**
 * The devices to try, best first.
 *
 * `auto` is `cuda`, `cpu` in Node, where ONNX Runtime does not say whether WebGPU is a graphics card or a (slow) piece of
 * software; and `webgpu`, `wasm` in browsers, which do say it. Throws {@link ValueError} for a name that is none.
 */
export function devicesToTry(choice: DeviceChoice): readonly Device[] {
  if (choice === 'auto') return node ? ['cuda', 'cpu'] : ['webgpu', 'wasm']
  if (!DEVICES.includes(choice)) {
    throw new ValueError('device', {
      found: `'${choice}'`,
      expected: `'auto', ${DEVICES.map((device) => `'${device}'`).join(', ')}`,
      remedy: 'Leave it out to use the best that works',
    })
  }
  return [choice]
}
