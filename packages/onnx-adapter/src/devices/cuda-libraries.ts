// ONNX Runtime's CUDA libraries are a download apart from its package. To try without them prints errors that cannot be
// silenced, so it is looked first.
import { node } from '../node'
import { runtimePath } from '../onnx-runtime'

/** Why CUDA cannot work here; undefined where it is worth a try. */
export function whyNotCuda(): string | undefined {
  if (!node) return 'browsers have no CUDA'
  const { existsSync, readdirSync } = node('node:fs')
  const { dirname, join } = node('node:path')
  const { platform, arch } = globalThis.process
  const bin = join(dirname(runtimePath('onnxruntime-node')), '..', 'bin')
  if (platform !== 'linux' || !existsSync(bin)) return undefined
  const library = join(platform, arch, 'libonnxruntime_providers_cuda.so')
  return readdirSync(bin).some((version) => existsSync(join(bin, version, library)))
    ? undefined
    : 'its CUDA libraries are not installed'
}
