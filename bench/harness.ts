// What the benches share: medians, peers in other processes, and a table of ratios.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Threads that every contestant may use, unless its name says otherwise. */
export const THREADS = 2

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Median milliseconds of `runs` calls after one to warm up. */
export async function median(runs: number, run: () => unknown): Promise<number> {
  await run()
  const times: number[] = []
  for (let index = 0; index < runs; index++) {
    const start = performance.now()
    await run()
    times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)[runs >> 1]!
}

/** The JSON that `peers/<script>` prints, or undefined, said aloud, where the peers are not installed. */
export function peer(script: string, options: object): Record<string, number> | undefined {
  const python = pythonWithPeers()
  if (!python) {
    console.log('PyTorch and numpy are absent: run bench/setup-peers.sh to compare with them.')
    return undefined
  }
  const input = JSON.stringify({ threads: THREADS, ...options })
  const output = execFileSync(python, [here(`peers/${script}`), input], {
    encoding: 'utf8',
    env: { ...process.env, OMP_NUM_THREADS: String(THREADS) },
  })
  return JSON.parse(output)
}

let found: string | false | undefined

/** Python with PyTorch and numpy: of bench/setup-peers.sh, or the machine's own. */
function pythonWithPeers(): string | false {
  found ??=
    [here('.venv/bin/python'), 'python3'].find((python) => {
      return spawnSync(python, ['-c', 'import numpy, torch']).status === 0
    }) ?? false
  return found
}

/** The JSON that `native/<source>` prints, compiled for this machine, or undefined, said aloud, without a compiler. */
export function native(source: string, sizes: readonly number[]): Record<string, number> | undefined {
  const program = join(mkdtempSync(join(tmpdir(), 'stochseg-bench-')), 'native')
  try {
    const flags = ['-O3', '-march=native', '-ffp-contract=off', '-fno-math-errno', '-pthread']
    execFileSync('cc', [...flags, here(`native/${source}`), '-o', program, '-lm'], { stdio: 'pipe' })
  } catch (cause) {
    console.log(`The native loop is absent: ${cause}`)
    return undefined
  }
  return JSON.parse(execFileSync(program, [...sizes, THREADS].map(String), { encoding: 'utf8' }))
}

/** One contestant's figure, in milliseconds. */
export interface Row {
  readonly name: string
  readonly milliseconds: number | undefined
}

/** Prints a table in Markdown: each contestant's time, and how many times it fits into the yardstick's. */
export function report(title: string, yardstick: number | undefined, rows: readonly Row[]): void {
  console.log(`\n### ${title}\n\n| | ms | × faster than the yardstick |\n|---|---:|---:|`)
  for (const { name, milliseconds } of rows) {
    if (milliseconds === undefined) continue
    const ratio = yardstick === undefined ? '–' : (yardstick / milliseconds).toFixed(1)
    console.log(`| ${name} | ${milliseconds.toFixed(milliseconds < 10 ? 2 : 0)} | ${ratio} |`)
  }
}

/** One line on the machine. */
export function machine(): string {
  return `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}, ${THREADS} threads`
}
