// stochseg toy: the paper's section 5.1, low rank against diagonal, and its figure 2.
import { join } from 'node:path'
import { type ToyHead, type TrainedToy, trainToy } from '@stochseg/core/toy'
import type { CommandIo } from '../io'
import { duration, showProgress } from '../progress'
import { createFolder, writeFileAtomically } from '../run-folder/atomic-write'
import { formatNumber, textTable } from '../table'

/** Flags of `stochseg toy`. */
export interface ToyFlags {
  readonly iterations: number
  readonly learningRate: number
  readonly seed: number
  readonly out?: string
  readonly json?: true
}

const PAPER = { 'low-rank': '-0.93', diagonal: '-4.87' } as const
const BOUND = { 'low-rank': '-0.693', diagonal: '-4.852' } as const

/** Runs the verb. */
export async function toyVerb(flags: ToyFlags, io: CommandIo): Promise<void> {
  const { iterations, learningRate, seed } = flags
  if (flags.out !== undefined) await createFolder(flags.out)
  const begun = performance.now()
  const trained = async (head: ToyHead): Promise<TrainedToy> => {
    const progress = showProgress(io.stderr, `${head}: iteration`)
    const onProgress = (done: number, total: number): void => progress.update(done, total)
    try {
      return await trainToy({ head, iterations, learningRate, seed, signal: io.signal, onProgress })
    } finally {
      progress.finish()
    }
  }
  const models = { 'low-rank': await trained('low-rank'), diagonal: await trained('diagonal') }
  const seconds = (performance.now() - begun) / 1000
  if (flags.out !== undefined) await drawFigure(flags.out, models, io)

  const { 'low-rank': lowRank, diagonal } = models
  io.stdout.write(
    flags.json
      ? `${JSON.stringify({ lowRank: resultOf(lowRank), diagonal: resultOf(diagonal), seconds })}\n`
      : textTable([
          ['', 'log-likelihood', 'best possible', 'paper'],
          ...(['low-rank', 'diagonal'] as const).map((head) => [
            head,
            `${formatNumber(models[head].logLikelihood)} ± ${formatNumber(models[head].logLikelihoodSpread, 2)}`,
            BOUND[head],
            PAPER[head],
          ]),
        ]) +
          '\nNats per label map: mean ± standard deviation of five evaluations of 1000 samples. ' +
          `${iterations} iterations each, ${duration(seconds)}.\n`,
  )
}

function resultOf({ logLikelihood, logLikelihoodSpread }: TrainedToy): object {
  return { logLikelihood, standardDeviation: logLikelihoodSpread }
}

async function drawFigure(folder: string, models: Record<ToyHead, TrainedToy>, io: CommandIo): Promise<void> {
  const { fontsAvailable, plotSvg, svgToPng } = await import('../plots/render')
  const { toyFigureSpec } = await import('../plots/toy-figure')
  const svg = await plotSvg(
    toyFigureSpec([
      { name: 'Low rank', toy: models['low-rank'] },
      { name: 'Diagonal', toy: models.diagonal },
    ]),
  )
  await writeFileAtomically(join(folder, 'toy.svg'), svg)
  await writeFileAtomically(join(folder, 'toy.png'), await svgToPng(svg))
  if (!(await fontsAvailable())) {
    io.stderr.write('This machine has no fonts: toy.png has no text; toy.svg has.\n')
  }
}
