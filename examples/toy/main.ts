// Two experts label one image in two ways. Fits a joint distribution to both, with @stochseg/core alone, and draws from it.
import {
  type LogitDistribution,
  monteCarloNll,
  Optimizer,
  sampleLabelMaps,
  standardNormals,
} from '@stochseg/core'

const experts = [
  `
..............
..####........
.######.......
.######.......
..####........
..............
`,
  `
..............
..####...##...
.###########..
.###########..
..####...##...
..............
`,
].map((drawing) => drawing.trim().split('\n'))

const spatial = [experts[0]!.length, experts[0]![0]!.length]
const voxels = spatial[0]! * spatial[1]!
const labels = Uint8Array.from(experts.flat().join(''), (mark) => (mark === '#' ? 1 : 0))

// What a network would predict: the mean of the logits, one factor column that all voxels share, and variances.
const rank = 1
const mean = new Float32Array(voxels)
const factor = standardNormals(rank * voxels, { seed: 1 }).map((value) => 0.1 * value)
const logVariance = new Float32Array(voxels).fill(-1)

/** The same distribution for `batch` images, one for each label map that the loss compares it with. */
function distribution(batch: number): LogitDistribution {
  const repeated = (array: Float32Array): Float32Array =>
    Float32Array.from({ length: batch * array.length }, (_, index) => array[index % array.length]!)
  const diagonal = repeated(logVariance.map(Math.exp))
  return { batch, classes: 1, rank, spatial, mean: repeated(mean), factor: repeated(factor), diagonal }
}

/** Both images have the same parameters, so their gradients add up. */
const total = (gradient: Float32Array): Float32Array =>
  gradient
    .subarray(0, gradient.length / 2)
    .map((value, index) => value + gradient[gradient.length / 2 + index]!)

const iterations = 1000
const learningRate = 0.05
const meanFirst = new Optimizer({ name: 'adam' })
const everything = new Optimizer({ name: 'adam' })
for (let iteration = 0; iteration < iterations; iteration++) {
  const noise = { samples: 20, seed: 1, stream: 2 * iteration }
  const { loss, gradients } = monteCarloNll(distribution(2), labels, { ...noise, gradients: true })
  const byLogVariance = total(gradients!.diagonal).map(
    (slope, voxel) => slope * Math.exp(logVariance[voxel]!),
  )
  const byMean = total(gradients!.mean)
  if (iteration < iterations / 4) meanFirst.update('mean', mean, byMean, learningRate)
  else {
    everything.update('mean', mean, byMean, learningRate)
    everything.update('factor', factor, total(gradients!.factor), learningRate)
    everything.update('logVariance', logVariance, byLogVariance, learningRate)
  }
  if ((iteration + 1) % 250 === 0) console.log(`iteration ${iteration + 1}: loss ${loss.toFixed(2)}`)
}

console.log(`\nThe best possible loss is ln 2 = ${Math.LN2.toFixed(2)}. Six samples:\n`)
const count = 6
const samples = sampleLabelMaps(distribution(1), { samples: count, seed: 2 })
for (let row = 0; row < spatial[0]!; row++) {
  const lines = Array.from({ length: count }, (_, sample) => {
    const start = sample * voxels + row * spatial[1]!
    return Array.from(samples.subarray(start, start + spatial[1]!), (label) => '.#'[label]).join('')
  })
  console.log(lines.join('   '))
}
