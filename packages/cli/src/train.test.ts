// From data to a run folder, and everything that can be done with one.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { copyFile, cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ambiguousShapes, decodePng, encodePng, readPng } from '@stochseg/data'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runRecorded } from './recorded-io'
import { readMetrics } from './run-folder/metrics-log'

let folder: string
const at = (...parts: string[]): string => join(folder, ...parts)
const tiny = [
  ...['--data', 'generated', '--widths', '2,4', '--rank', '2', '--batch-size', '2', '--samples', '2'],
  ...['--steps', '8', '--mean-steps', '2', '--validate-every', '3', '--validation-cases', '2'],
]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stochseg-'))
  const { code, stderr } = await runRecorded(['train', '--out', at('run'), ...tiny])
  expect(code, stderr).toBe(0)
})
afterAll(() => rm(folder, { recursive: true }))

async function losses(run: string): Promise<[event: string, step: number, loss: number][]> {
  return (await readMetrics(at(run, 'metrics.ndjson'))).map(({ event, step, loss }) => [event, step, loss])
}

describe('a finished run', () => {
  test('leaves its record, metrics, weights, model and checkpoints, and nothing temporary', async () => {
    expect((await readdir(at('run'))).sort()).toEqual([
      'checkpoints',
      'metrics.ndjson',
      'model.onnx',
      'model.safetensors',
      'run.json',
    ])
    expect((await readdir(at('run', 'checkpoints'))).sort()).toEqual(['best.safetensors', 'last.safetensors'])
    const record = JSON.parse(await readFile(at('run', 'run.json'), 'utf8'))
    expect(record).toMatchObject({
      status: 'done',
      step: 8,
      network: { head: { kind: 'low-rank', rank: 2 } },
    })
    const validated = (await losses('run'))
      .filter(([event]) => event === 'validation')
      .map(([, step]) => step)
    expect(validated).toEqual([3, 6, 8])
  })

  test('is not written over', async () => {
    const before = await readFile(at('run', 'metrics.ndjson'), 'utf8')
    const { code, stderr } = await runRecorded(['train', '--out', at('run'), ...tiny])
    expect(code).toBe(1)
    expect(stderr).toMatch(/found a run; .*--resume/)
    expect(await readFile(at('run', 'metrics.ndjson'), 'utf8')).toBe(before)
  })

  test('does not become another run by --resume', async () => {
    const { code, stderr } = await runRecorded(['train', '--out', at('run'), '--resume', '--rank', '3'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/'rank': found 3; expected 2/)
  })

  test('can be inspected', async () => {
    const { code, stdout } = await runRecorded(['inspect', at('run'), '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ head: 'low-rank', classes: 2, rank: 2, multipleOf: [2, 2] })
  })

  test('shows what its network costs and is made of', async () => {
    const inspect = async (...flags: string[]): Promise<string> =>
      (await runRecorded(['inspect', at('run'), ...flags])).stdout
    const { parameters, cost } = JSON.parse(await inspect('--json', '--size', '64,32'))
    expect(cost).toMatchObject({ size: [64, 32], parameters })
    expect(await inspect()).toMatch(/at 128 × 128 +\S+ G multiply-adds an image/)
    expect(await inspect('--table')).toMatch(/^\| node .*\n.*\n\| down0.conv0 +\| convolution 3×3 → 2 /)
    expect(await inspect('--diagram')).toMatch(/^flowchart TD\n {2}t0\["<b>image</)
  })

  test('can be exported, best and last', async () => {
    expect((await runRecorded(['export', at('run'), '--out', at('best.onnx')])).code).toBe(0)
    expect(await readFile(at('best.onnx'))).toEqual(await readFile(at('run', 'model.onnx')))
    const last = ['export', at('run'), '--out', at('last.onnx'), '--checkpoint', 'last']
    expect((await runRecorded(last)).stdout).toMatch(/step 8/)
  })

  test('can be evaluated, with the baseline and a report', async () => {
    const options = [
      '--samples',
      '4',
      '--limit',
      '3',
      '--baseline',
      'image-blind',
      '--report',
      at('report.html'),
    ]
    const argv = ['evaluate', '--model', at('run'), '--data', 'generated', ...options]
    const { code, stdout } = await runRecorded([...argv, '--json'])
    expect(code).toBe(0)
    const result = JSON.parse(stdout)
    const figures = ['dice', 'diceNonEmpty', 'ged', 'diversity', 'raterDiversity', 'hungarianMatchedIou']
    expect(Object.keys(result)).toEqual(
      expect.arrayContaining([...figures, 'cases', 'samples', 'standardError']),
    )
    expect(Object.keys(result.standardError)).toEqual(expect.arrayContaining(figures))
    expect(result).toMatchObject({ cases: 3, samples: 4, baselines: { imageBlind: { cases: 3 } } })
    const page = await readFile(at('report.html'), 'utf8')
    expect(page).toContain(result.ged.toFixed(3))
    expect(page.match(/(src|href)="(?!#|data:)[^"]*"/g)).toBeNull()
    expect((await runRecorded(argv)).stdout).toMatch(
      /GED².*\n.*model(.*\n)+\ncases +3: means ± standard errors\n/,
    )
  })
})

describe('resuming', () => {
  test('a run that was interrupted takes the steps of one that was not', async () => {
    const argv = ['train', '--out', at('interrupted'), ...tiny]
    const interrupted = await runRecorded(argv, (text, interrupt) => text.includes('step 1/8') && interrupt())
    expect(interrupted.code).toBe(130)
    expect(interrupted.stderr).toMatch(/--resume\nInterrupted\.\n$/)
    expect((await losses('interrupted')).length).toBeLessThan(4)
    expect(JSON.parse(await readFile(at('interrupted', 'run.json'), 'utf8')).status).toBe('interrupted')

    const resumed = await runRecorded(['train', '--out', at('interrupted'), '--resume'])
    expect(resumed.code, resumed.stderr).toBe(0)
    expect(await losses('interrupted')).toEqual(await losses('run'))
    expect(await readFile(at('interrupted', 'model.safetensors'))).toEqual(
      await readFile(at('run', 'model.safetensors')),
    )
  })

  test('a time budget ends a run like its last step, and more steps may follow', async () => {
    const argv = ['train', '--out', at('budget'), ...tiny, '--minutes', '0.00001', '--json']
    const { code, stdout, stderr } = await runRecorded(argv)
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ status: 'done', steps: 1, bestValidation: { step: 1 } })
    const more = ['train', '--out', at('budget'), '--resume', '--minutes', '5']
    const resumed = await runRecorded(more)
    expect(resumed.code).toBe(0)
    expect(resumed.stderr).not.toMatch(/rounds differently/)
    const steps = (all: Awaited<ReturnType<typeof losses>>) => all.filter(([event]) => event === 'step')
    expect(steps(await losses('budget'))).toEqual(steps(await losses('run')))
  })

  test('an end before the last step is explained', async () => {
    // Nothing is learnt, and there are no running statistics: all validations are alike.
    const still = { learningRate: 1e-30, backboneOptions: { normalisation: 'none' } }
    await writeFile(at('still.json'), JSON.stringify(still))
    const patient = ['--patience', '1', '--config', at('still.json')]
    expect((await runRecorded(['train', '--out', at('patient'), ...tiny, ...patient])).stderr).toMatch(
      /^Ended after step 6 of 8: validation no longer improves \(patience 1\)$/m,
    )
    const budget = ['train', '--out', at('short'), ...tiny, '--minutes', '0.00001']
    expect((await runRecorded(budget)).stderr).toMatch(
      /^Ended after step 1 of 8: the time budget is used up$/m,
    )
  })

  test('a run without a checkpoint begins anew, and says so', async () => {
    await cp(at('run'), at('early'), { recursive: true })
    await rm(at('early', 'checkpoints'), { recursive: true })
    const record = JSON.parse(await readFile(at('early', 'run.json'), 'utf8'))
    await writeFile(at('early', 'run.json'), JSON.stringify({ ...record, status: 'training', step: 0 }))
    const { code, stderr } = await runRecorded(['train', '--out', at('early'), '--resume'])
    expect(code, stderr).toBe(0)
    expect(stderr).toMatch(/^No checkpoint was saved yet: the run begins at step 0$/m)
    expect(await losses('early')).toEqual(await losses('run'))
  })

  test('the best checkpoint may take the place of the last', async () => {
    const file = (name: string): string => at('instead', 'checkpoints', `${name}.safetensors`)
    const goOn = ['train', '--out', at('instead'), '--resume', '--steps', '8']
    expect((await runRecorded(['train', '--out', at('instead'), ...tiny, '--steps', '6'])).code).toBe(0)
    await copyFile(file('best'), at('best-of-6.safetensors'))
    expect((await runRecorded(goOn)).code).toBe(0)
    await copyFile(at('best-of-6.safetensors'), file('last'))
    const { code, stderr } = await runRecorded(goOn)
    expect(stderr).toMatch(/step 7\/8/)
    expect(code).toBe(0)
    expect(await losses('instead')).toEqual(await losses('run'))
    expect(await readFile(file('last'))).toEqual(await readFile(at('run', 'checkpoints', 'last.safetensors')))
  })

  describe('a run whose checkpoints are not what they were', () => {
    const damaged = async (name: string, damage: () => Promise<unknown>, message: RegExp): Promise<void> => {
      await cp(at('run'), at(name), { recursive: true })
      await damage()
      const before = await readFile(at(name, 'metrics.ndjson'), 'utf8')
      const { code, stdout, stderr } = await runRecorded([
        'train',
        '--out',
        at(name),
        '--resume',
        '--steps',
        '9',
      ])
      expect(stderr).toMatch(message)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(await readFile(at(name, 'metrics.ndjson'), 'utf8')).toBe(before)
    }

    test('is not begun again without a word', () =>
      damaged(
        'lost',
        () => rm(at('lost', 'checkpoints', 'last.safetensors')),
        /no checkpoint 'last', though the run has come to step 8/,
      ))

    test('names one that is cut short', () =>
      damaged(
        'cut',
        () => truncate(at('cut', 'checkpoints', 'last.safetensors'), 1000),
        /cut.checkpoints.last\.safetensors': found a file that is no whole checkpoint .*best\.safetensors in its place/,
      ))

    test('names a file of another kind', () =>
      damaged(
        'weights',
        () => copyFile(at('run', 'model.safetensors'), at('weights', 'checkpoints', 'last.safetensors')),
        /weights.checkpoints.last\.safetensors': found a file that is no whole checkpoint/,
      ))
  })

  test('clears away what a process that was killed was writing', async () => {
    await cp(at('run'), at('tidy'), { recursive: true })
    for (const place of ['tidy', 'tidy/checkpoints']) {
      await writeFile(at(place, '.run.json.1.stochseg-tmp'), 'half')
    }
    expect((await runRecorded(['train', '--out', at('tidy'), '--resume', '--steps', '9'])).code).toBe(0)
    const left = await readdir(at('tidy'), { recursive: true })
    expect(left.filter((name) => name.endsWith('.stochseg-tmp'))).toEqual([])
  })

  test('only a run that goes on can change', async () => {
    const { code, stderr } = await runRecorded(['train', '--out', at('changed'), ...tiny, '--change'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/--change: found no --resume/)
  })

  test('another backend is said to be another', async () => {
    const resume = ['train', '--out', at('budget'), '--resume', '--steps', '9', '--backend', 'cpu']
    const { code, stderr } = await runRecorded(resume)
    expect(code, stderr).toBe(0)
    expect(stderr).toMatch(/^Until step 8 it was trained on tfjs wasm .*; tfjs cpu rounds differently\n/m)
    expect(JSON.parse(await readFile(at('budget', 'run.json'), 'utf8'))).toMatchObject({
      configuration: { backend: 'cpu' },
      engine: 'tfjs cpu',
    })
  })

  const command = fileURLToPath(new URL('../dist/main.js', import.meta.url))
  test.skipIf(!existsSync(command))(
    'Ctrl-C leaves a checkpoint to export and to resume (needs a build)',
    async () => {
      const endless = ['--steps', '1000000', '--validate-every', '1000000']
      const argv = [command, 'train', '--out', at('killed'), ...tiny, ...endless]
      const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] })
      let stderr = ''
      for await (const text of child.stderr) {
        stderr += text
        if (stderr.includes('step 1/') && !stderr.includes('Stopping')) child.kill('SIGINT')
      }
      if (child.exitCode === null) await once(child, 'exit')
      expect(child.exitCode, stderr).toBe(130)
      expect(await readdir(at('killed', 'checkpoints'))).toEqual(['last.safetensors'])
      const exported = ['export', at('killed'), '--out', at('killed.onnx'), '--checkpoint', 'last']
      expect((await runRecorded(exported)).code).toBe(0)
    },
  )
})

describe('prediction', () => {
  const [height, width] = [21, 30]

  beforeAll(async () => {
    const { image } = await ambiguousShapes({ split: 'test', cases: 1, size: 32 }).case(0)
    const data = Uint8Array.from({ length: height * width }, (_, index) => (image[index]! + 0.5) * 255)
    for (const name of ['one', 'two', 'three']) {
      await writeFile(at(`${name}.png`), encodePng({ width, height, channels: 1, depth: 8, data }))
    }
  })

  const predict = (out: string, ...flags: string[]) =>
    runRecorded([
      ...['predict', '--model', at('run'), '--out', at(out), '--json', ...flags],
      ...['--input', at('one.png'), at('two.png'), at('three.png')],
    ])

  test("gives mean, entropy and samples in the image's own size", async () => {
    const { code, stdout } = await predict('all', '--samples', '3')
    expect(code).toBe(0)
    expect((await readdir(at('all', 'two'))).sort()).toEqual([
      'entropy.png',
      'mean.png',
      'sample-001.png',
      'sample-002.png',
      'sample-003.png',
      'summary.json',
    ])
    for (const name of ['mean.png', 'entropy.png', 'sample-003.png']) {
      expect(await readPng(at('all', 'two', name))).toMatchObject({ width, height, channels: 1 })
    }
    const sample = decodePng(await readFile(at('all', 'one', 'sample-001.png')))
    expect(sample.data.every((value) => value === 0 || value === 255)).toBe(true)
    const marked = sample.data.filter((value) => value === 255).length
    const [summary] = JSON.parse(stdout)
    expect(summary).toMatchObject({ size: [height, width], samples: 3, stream: 0, classScale: [1, 1] })
    expect(marked).toBeLessThan(height * width)
  })

  test('draws other samples for another input, even of the same picture', async () => {
    const [one, two] = ['one', 'two'].map((name) => readFile(at('all', name, 'sample-001.png')))
    expect(await one).not.toEqual(await two)
  })

  test('a shard gives the files that the whole gives', async () => {
    expect((await predict('shard', '--samples', '3', '--shard', '2/3')).code).toBe(0)
    expect(await readdir(at('shard'))).toEqual(['two'])
    for (const name of await readdir(at('shard', 'two'))) {
      if (name === 'summary.json') continue
      expect(await readFile(at('shard', 'two', name))).toEqual(await readFile(at('all', 'two', name)))
    }
  })

  test('predicting again with fewer samples leaves none of the old ones', async () => {
    expect((await predict('again', '--samples', '3')).code).toBe(0)
    expect((await predict('again', '--samples', '1')).code).toBe(0)
    expect((await readdir(at('again', 'one'))).filter((name) => name.startsWith('sample'))).toEqual([
      'sample-001.png',
    ])
  })

  test('without noise, every sample is the mean', async () => {
    const flags = ['--samples', '2', '--temperature', '1e-20']
    expect((await predict('cold', ...flags)).code).toBe(0)
    expect(await readFile(at('cold', 'one', 'sample-002.png'))).toEqual(
      await readFile(at('cold', 'one', 'mean.png')),
    )
    const scaled = ['--samples', '2', '--class-scale', '0=0', '--class-scale', '1=0']
    expect((await predict('scaled', ...scaled)).code).toBe(0)
    expect(await readFile(at('scaled', 'one', 'sample-002.png'))).toEqual(
      await readFile(at('scaled', 'one', 'mean.png')),
    )
  })

  test('a class that the model has not is refused', async () => {
    const { code, stderr } = await predict('wrong', '--class-scale', '2=1')
    expect(code).toBe(1)
    expect(stderr).toMatch(/found class 2; expected 0 to 1/)
  })
})
