import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { bundle } from '../../../../scripts/bundle'
import { openChromiumPage } from '../../../../scripts/chromium-page'
import { chromiumWithWebgpu } from '../../../../scripts/software-webgpu'
import { fewSteps } from '../test-programs/few-steps'

const program = fileURLToPath(new URL('../test-programs/in-browser.ts', import.meta.url))
const packages = ['core', 'layers', 'backend-webgpu']

describe.skipIf(!chromiumWithWebgpu)('training in Chromium (needs /usr/bin/chromium)', () => {
  it("learns on the page's WebGPU as on wasm", async () => {
    const module = await bundle(program)
    const dist = (name: string): string =>
      dirname(fileURLToPath(import.meta.resolve(`@tensorflow/tfjs-${name}`)))
    const { page, close } = await openChromiumPage({
      folders: {
        program: dirname(module),
        ...Object.fromEntries(packages.map((name) => [name, dist(name)])),
      },
      imports: Object.fromEntries(
        packages.map((name) => [`@tensorflow/tfjs-${name}`, `/${name}/tf-${name}.fesm.min.js`]),
      ),
    })
    try {
      const call = `import('/program/${basename(module)}').then((program) => program.stepsInPage(2))`
      const { name, losses } = await page.evaluate<Awaited<ReturnType<typeof fewSteps>>>(call)
      expect(name).toMatch(/^tfjs webgpu \(.*software\)$/)
      const onWasm = await fewSteps('wasm', 2)
      for (const [step, loss] of losses.entries()) {
        expect(Math.abs(loss / onWasm.losses[step]! - 1)).toBeLessThan(1e-3)
      }
    } finally {
      await close()
    }
  }, 300_000)
})
