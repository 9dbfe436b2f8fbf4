// Browsers without a graphics card may give a WebGPU that is a program on the CPU: right, but slower than WebAssembly.

/** Why WebGPU is no gain in this browser; undefined where it is one. */
export async function whyNotWebgpu(): Promise<string | undefined> {
  const adapter = await globalThis.navigator?.gpu?.requestAdapter()
  if (!adapter) return 'this browser offers no WebGPU adapter'
  if (!isSoftware(adapter.info)) return undefined
  return `its adapter is software (${adapter.info.architecture || adapter.info.description}), slower than WebAssembly`
}

function isSoftware({ isFallbackAdapter, architecture, description }: GPUAdapterInfo): boolean {
  return isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|software/i.test(`${architecture} ${description}`)
}
