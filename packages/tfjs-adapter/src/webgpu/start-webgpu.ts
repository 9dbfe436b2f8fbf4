// Starting TF.js' webgpu backend: on the browser's WebGPU, or in Node on Dawn through the package `webgpu`.
import { RuntimeUnavailableError } from '@stochseg/core'
import { notLoaded } from '../not-loaded'

/** Version of the package `webgpu` that this adapter is checked against. */
const DAWN = '0.6.2'

/** Kept where the garbage collector finds it in use: Dawn does not survive its loss. */
let dawn: GPU | undefined

/** What WebGPU runs on here. */
export interface Adapter {
  /** Its name, e.g. `SwiftShader driver 5.0.0`. */
  readonly adapter: string
  /** Whether it is no GPU but a program on the CPU: allowed, but said. */
  readonly software: boolean
}

/**
 * Makes `navigator.gpu` exist, which TF.js' backend looks for as it is imported, and describes its adapter.
 *
 * @throws RuntimeUnavailableError where there is no WebGPU, or no adapter.
 */
export async function provideWebgpu(): Promise<Adapter> {
  const gpu = globalThis.navigator?.gpu ?? (await startDawn())
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter) {
    throw new RuntimeUnavailableError('WebGPU', {
      found: 'no adapter',
      expected: 'a GPU whose driver has Vulkan, Metal or Direct3D 12',
      remedy: "Install the GPU's driver and, on Linux, the Vulkan loader (libvulkan1), or use 'wasm'",
    })
  }
  return describeAdapter(adapter.info)
}

function describeAdapter({ vendor, architecture, description, isFallbackAdapter }: GPUAdapterInfo): Adapter {
  const adapter = description || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter'
  const software = isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|software|basic render/i.test(adapter)
  return { adapter, software }
}

/** In Node: Dawn, where a browser's would be. */
async function startDawn(): Promise<GPU> {
  if (dawn) return dawn
  if (typeof process === 'undefined' || process.versions?.node === undefined) {
    throw new RuntimeUnavailableError('WebGPU', {
      found: 'a browser without navigator.gpu',
      expected: 'one that has WebGPU, on a page from https or localhost',
      remedy: "Use a current browser, or 'wasm'",
    })
  }
  const { create, globals } = await importDawn()
  Object.assign(globalThis, globals)
  dawn = create([])
  const navigator = globalThis.navigator ?? {}
  Object.defineProperty(navigator, 'gpu', { value: dawn, configurable: true })
  // Node has no navigator before version 21.
  if (globalThis.navigator === undefined) {
    Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true })
  }
  return dawn
}

async function importDawn(): Promise<typeof import('webgpu')> {
  // Not by a literal: bundlers for browsers need not find it.
  const name = 'webgpu'
  try {
    return await import(/* webpackIgnore: true */ /* @vite-ignore */ name)
  } catch (cause) {
    throw new RuntimeUnavailableError(`package '${name}'`, {
      found: notLoaded(name, cause),
      expected: `version ${DAWN}: WebGPU for Node`,
      remedy: `Run: npm install @tensorflow/tfjs-backend-webgpu@4.22.0 webgpu@${DAWN}`,
      cause,
    })
  }
}
