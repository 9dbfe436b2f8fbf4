// The toy problem, 10,000 iterations of both models, beside the same in PyTorch, whose time is scaled up from fewer.
// Run: npx tsx bench/toy.ts
import { type ToyHead, trainToy } from '@stochseg/core/toy'
import { machine, peer, report } from './harness'

/** Contestants take turns so many times. */
const ROUNDS = 5
const ITERATIONS = 10_000
const PEER_ITERATIONS = 500
const SAMPLES = 200

async function milliseconds(head: ToyHead): Promise<number> {
  const start = performance.now()
  await trainToy({ head, iterations: ITERATIONS, samples: SAMPLES, learningRate: 1e-3 })
  return performance.now() - start
}

const middle = (times: number[]): number | undefined => times.sort((a, b) => a - b)[times.length >> 1]

console.log(machine())
const scale = ITERATIONS / PEER_ITERATIONS
const heads = ['lowRank', 'diagonal'] as const
type Times = Record<(typeof heads)[number], number[]>
const ours: Times = { lowRank: [], diagonal: [] }
/** By number of threads less one: so small a problem may be slower on two. */
const theirs: Times[] = [1, 2].map(() => ({ lowRank: [], diagonal: [] }))
for (let round = 0; round < ROUNDS; round++) {
  ours.lowRank.push(await milliseconds('low-rank'))
  ours.diagonal.push(await milliseconds('diagonal'))
  for (const [index, times] of theirs.entries()) {
    const torch = peer('toy.py', { samples: SAMPLES, iterations: PEER_ITERATIONS, threads: index + 1 })
    for (const head of heads) if (torch) times[head].push(scale * torch[head]!)
  }
}
for (const head of heads) {
  const torch = theirs.map((times) => middle(times[head]))
  const yardstick = torch[0] && torch[1] && Math.min(torch[0], torch[1])
  report(
    `Toy, ${head === 'lowRank' ? 'low rank' : 'diagonal'}: ${ITERATIONS} iterations, ${SAMPLES} samples a label map; yardstick: the faster PyTorch`,
    yardstick,
    [
      ...torch.map((milliseconds, index) => ({
        name: `PyTorch float64, threads: ${index + 1}, scaled up from ${PEER_ITERATIONS} iterations`,
        milliseconds,
      })),
      { name: 'stochseg, 1 thread', milliseconds: middle(ours[head]) },
    ],
  )
}
