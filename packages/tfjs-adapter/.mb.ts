import * as tf from '@tensorflow/tfjs-core'
import { openBackend } from './src/backend'
import { installKernels } from './src/kernels/install'
await openBackend({ threads: Number(process.argv[2] ?? 1) })
installKernels()
const cpu = () => { const u = process.cpuUsage(); return (u.user + u.system) / 1e3 }
for (const [N, size, k, i, o] of [
  [4, [128, 128], [3, 3], 32, 32], [4, [64, 64], [3, 3], 64, 64], [4, [32,32],[3,3],128,128], [4, [16, 16], [3, 3], 256, 256], [4, [128,128],[3,3],96,64], [4,[32,32],[3,3],384,256],[1, [37, 37, 37], [3, 3, 3], 30, 30], [1, [46,46,46],[3,3,3],40,50], [1,[30,30,30],[1,1,1],150,250]] as any) {
  const d = size.length
  const valid = d === 3
  const out = valid ? size.map((s: number, a: number) => s - k[a] + 1) : size
  const x = tf.randomNormal([N, ...size, i]), dy = tf.randomNormal([N, ...out, o]), f = tf.randomNormal([...k, i, o])
  const pad = valid ? 'valid' : 'same'
  const macs = N * out.reduce((a: number, b: number) => a * b, 1) * k.reduce((a: number, b: number) => a * b, 1) * i * o / 1e6
  const attrs: any = { strides: d === 2 ? 1 : [1, 1, 1], pad, dilations: d === 2 ? 1 : [1, 1, 1], dataFormat: d === 2 ? 'NHWC' : 'NDHWC', filterShape: f.shape, inputShape: x.shape }
  const run = (name: string, inputs: any) => {
    const kern = tf.getKernel(name, 'wasm')!
    let best = 1e9, n = 0, c0 = cpu(), w = performance.now()
    while (n < 3 || (performance.now() - w < 500 && n < 30)) { const c = cpu(); const t = kern.kernelFunc({ inputs, attrs, backend: tf.backend() }) as any; best = Math.min(best, cpu() - c); tf.backend().disposeData(t.dataId); n++ }
    return `${(macs / best).toFixed(0)} (${best.toFixed(1)} ms)`
  }
  const s = d === 2 ? '2D' : '3D', v = d === 2 ? '' : 'V2'
  console.log(`${N}x${size} ${i}->${o}`.padEnd(24), run(d === 2 ? 'Conv2D' : 'Conv3D', { x, filter: f }), ' dX', run(`Conv${s}BackpropInput${v}`, { dy, filter: f }), ' dW', run(`Conv${s}BackpropFilter${v}`, { x, dy }))
  tf.dispose([x, dy, f])
}
process.exit(0)
