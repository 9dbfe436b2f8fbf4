// For the run folder's tests, in a process of its own: trains in the folder it is given, from the last checkpoint on if there
// is one, with a checkpoint after every second step. Writes a full stop for each step.
import { join } from 'node:path'
import { train } from '@stochseg/core'
import { linearEngine } from '../../../core/src/training/linear-engine'
import { brightness } from '../../../core/src/training/trainer-fixture'
import { checkpointStore } from '../run-folder/checkpoint-store'
import { openMetricsLog } from '../run-folder/metrics-log'

const folder = process.argv[2]!
const engine = linearEngine({ classes: 2, rank: 1 })
const { exportState } = engine
// As large as a small network's, so that there is time to be killed while it is written.
const ballast = { shape: [50_000], data: new Float32Array(50_000).fill(1) }
engine.exportState = async () => {
  const { weights, optimizer } = await exportState()
  return { weights: new Map([...weights, ['ballast', ballast]]), optimizer }
}

const checkpoints = checkpointStore(folder)
const start = (await checkpoints.load('last'))?.step ?? 0
const log = await openMetricsLog(join(folder, 'metrics.ndjson'), start)
await train({
  ...{ engine, checkpoints, resume: start > 0 },
  training: brightness(10, 0),
  validation: brightness(5, 1),
  options: {
    ...{ steps: 300, meanSteps: 50, batchSize: 3, samples: 4, seed: 5, averageDecay: 0.9 },
    ...{ validateEvery: 10, checkpointEvery: 2 },
  },
  onStep(report) {
    log.append({ event: 'step', ...report, seconds: 0 })
    process.stdout.write('.')
  },
  onValidation: (report) => log.append({ event: 'validation', ...report, seconds: 0 }),
}).catch((error: unknown) => {
  process.stderr.write(String(error))
  process.exitCode = 1
})
log.close()
