// Sampling and the loss in headless Chromium, from the built package as it is: one thread, workers with buffers that change
// hands, and workers with shared memory (a page that is cross-origin isolated).
// Run: npx tsx bench/browser.ts [path of Chromium]
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { sampleLabelMaps } from '@stochseg/core'
import { chromium } from 'playwright-core'
import { machine, report, THREADS } from './harness'
import { uncertain } from './uncertain'

const SIZE = { spatial: [128, 128], classes: 2, rank: 10 }
const OPTIONS = { samples: 100, seed: 1 }
const dist = fileURLToPath(new URL('../packages/core/dist/', import.meta.url))

/** Serves an empty page and the package; isolated pages may share memory between threads. */
const server = createServer(async ({ url = '/' }, response) => {
  const isolated = url.startsWith('/isolated')
  const headers = isolated
    ? { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
    : {}
  const script = url.endsWith('.js')
  response.writeHead(200, { 'Content-Type': script ? 'text/javascript' : 'text/html', ...headers })
  response.end(script ? await readFile(dist + url.slice(url.lastIndexOf('/') + 1)) : '<!doctype html>')
}).listen(0)

/** Runs in the page: medians, and a checksum of the label maps. */
async function inPage({
  path,
  size,
  options,
  threads,
}: {
  path: string
  size: { spatial: number[]; classes: number; rank: number }
  options: { samples: number; seed: number }
  threads: number
}): Promise<{ one: number; all: number; checksum: number; same: boolean; isolated: boolean }> {
  const core = (await import(path)) as typeof import('@stochseg/core')
  const logits = size.classes * size.spatial.reduce((a, b) => a * b, 1)
  const distribution = core.logitDistribution({
    batch: 1,
    ...size,
    mean: core.standardNormals(logits, { seed: 1 }),
    factor: core.standardNormals(logits * size.rank, { seed: 2 }).map((x) => 0.3 * x),
    diagonal: core.standardNormals(logits, { seed: 3 }).map((x) => Math.exp(x)),
  })
  core.setWorkerCount(threads)
  const median = async (run: () => unknown): Promise<number> => {
    await run()
    const times: number[] = []
    for (let index = 0; index < 20; index++) {
      const start = performance.now()
      await run()
      times.push(performance.now() - start)
    }
    return times.sort((a, b) => a - b)[10]!
  }
  const maps = core.sampleLabelMaps(distribution, options)
  const fromWorkers = await core.sampleLabelMapsAsync(distribution, options)
  return {
    one: await median(() => core.sampleLabelMaps(distribution, options)),
    all: await median(() => core.sampleLabelMapsAsync(distribution, options)),
    checksum: maps.reduce((sum, label, index) => (sum + label * (index % 1021)) % 1e9, 0),
    same: maps.every((label, index) => label === fromWorkers[index]),
    isolated: globalThis.crossOriginIsolated,
  }
}

console.log(machine())
const expected = sampleLabelMaps(uncertain(SIZE.spatial, SIZE.classes, SIZE.rank), OPTIONS).reduce(
  (sum, label, index) => (sum + label * (index % 1021)) % 1e9,
  0,
)
const browser = await chromium.launch({
  executablePath: process.argv[2] ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
const rows: { name: string; milliseconds: number }[] = []
for (const folder of ['plain', 'isolated']) {
  const page = await browser.newPage()
  page.on('console', (message) => console.log(`${folder} page: ${message.text()}`))
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/${folder}/`)
  const path = `/${folder}/index.js`
  // A bundler's helper that stays behind in the function's text.
  await page.evaluate('globalThis.__name = (value) => value')
  const result = await page.evaluate(inPage, { path, size: SIZE, options: OPTIONS, threads: THREADS })
  if (result.checksum !== expected || !result.same)
    throw new Error(`${folder}: other label maps than in Node`)
  if (folder === 'plain') rows.push({ name: 'Chromium, 1 thread', milliseconds: result.one })
  const memory = result.isolated ? 'shared memory' : 'transferred buffers'
  rows.push({ name: `Chromium, ${THREADS} workers, ${memory}`, milliseconds: result.all })
}
await browser.close()
server.close()
report(
  `${OPTIONS.samples} label maps of 128×128, C=2, R=10, no culling possible; the same bits as in Node`,
  undefined,
  rows,
)
process.exit(0)
