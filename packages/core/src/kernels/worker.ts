// The other side of the pool: a worker thread's whole program. It is embedded as a string (scripts/embed-kernels.mjs), so
// it imports nothing but what makes an instance.
import { type KernelInstance, kernelInstance } from './kernel-instance'
import type { WorkerReply, WorkerRequest } from './worker-messages'

interface Port {
  postMessage(message: WorkerReply, transfer: ArrayBuffer[]): void
  onmessage: ((event: { data: WorkerRequest }) => void) | null
}

const node = globalThis.process?.getBuiltinModule?.('node:worker_threads')?.parentPort
const port = (node ?? globalThis) as unknown as Port
let kernels: KernelInstance | undefined

const receive = ({ module, kernel, buffer, inputBytes, output, outputBytes, bytes }: WorkerRequest): void => {
  kernels ??= kernelInstance(module)
  const memory = kernels.memory(bytes)
  new Uint8Array(memory, kernels.heap).set(new Uint8Array(buffer, 0, inputBytes))
  const written = kernels.run(kernel) ?? outputBytes
  const result = new Uint8Array(memory, kernels.heap + output, written)
  new Uint8Array(buffer, output, written).set(result)
  port.postMessage({ buffer }, buffer instanceof ArrayBuffer ? [buffer] : [])
}
if (node) node.on('message', receive)
else port.onmessage = ({ data }) => receive(data)
