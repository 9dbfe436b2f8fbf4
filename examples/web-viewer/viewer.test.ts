import type { AddressInfo } from 'node:net'
import { initialWeights, unet } from '@stochseg/backbones'
import { ssnHead } from '@stochseg/core'
import { encodePng } from '@stochseg/data'
import { exportOnnx } from '@stochseg/onnx-adapter'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { chromiumWithWebgpu } from '../../scripts/software-webgpu'
// @ts-expect-error plain JavaScript
import { serve } from './serve.js'

const spec = unet({ inputChannels: 1, widths: [4, 8] })
const head = ssnHead({ classes: 2, rank: 3 })
const model = exportOnnx({ spec, head, weights: initialWeights(spec, head, { seed: 0 }) })
const [width, height] = [51, 41]
const data = Uint8Array.from({ length: width * height }, (_, pixel) => (pixel * 7) % 256)
const image = encodePng({ width, height, channels: 1, depth: 8, data })

// In software, a shader takes seconds to compile.
vi.setConfig({ testTimeout: 180_000 })

describe.skipIf(!chromiumWithWebgpu)('the viewer (needs /usr/bin/chromium)', () => {
  const server = serve(0)
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch(chromiumWithWebgpu!)
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    server.close()
  })

  const pixels = (page: Page, selector: string): Promise<string> =>
    page.$eval(selector, (canvas) => (canvas as HTMLCanvasElement).toDataURL())

  it.each(['wasm', 'webgpu'])('shows samples that the temperature changes, on %s', async (device) => {
    const page = await browser.newPage()
    const errors: string[] = []
    page.on('pageerror', ({ message }) => errors.push(message))
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/?device=${device}`)
    const file = (name: string, buffer: Uint8Array) => ({ name, mimeType: '', buffer: Buffer.from(buffer) })
    await page.setInputFiles('#model', file('model.onnx', model))
    await page.setInputFiles('#image', { ...file('image.png', image), mimeType: 'image/png' })
    await page.waitForFunction(
      (text) => document.getElementById('status')!.textContent!.includes(text),
      `On ${device}: drawn`,
    )
    const mean = await pixels(page, '#mean')
    const sample = await pixels(page, '.sample')
    expect(sample).not.toBe(await pixels(page, 'figure:last-child .sample'))
    // The network has two levels: it takes even sizes.
    expect(
      await page.$eval('#mean', (canvas) => [canvas.clientWidth > 0, (canvas as HTMLCanvasElement).width]),
    ).toEqual([true, 50])

    await page.fill('#temperature', '0')
    await page.waitForFunction(
      (before) => (document.querySelector('.sample') as HTMLCanvasElement).toDataURL() !== before,
      sample,
    )
    expect(await pixels(page, '.sample')).toBe(mean)
    expect(errors).toEqual([])
    await page.close()
  })

  it('goes on after a dialogue that was cancelled and after a file that is no model', async () => {
    const page = await browser.newPage()
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/?device=wasm`)
    const says = (text: string) =>
      page.waitForFunction((text) => document.getElementById('status')!.textContent!.includes(text), text)
    const choose = (name: string, buffer: Uint8Array) =>
      page.setInputFiles('#model', { name, mimeType: '', buffer: Buffer.from(buffer) })
    await page.setInputFiles('#image', {
      ...{ name: 'image.png', mimeType: 'image/png', buffer: Buffer.from(image) },
    })
    await choose('model.onnx', model)
    await says('drawn')
    await choose('text.onnx', Buffer.from('hello'))
    await says('ModelError: ONNX file')
    await choose('model.onnx', model)
    await says('drawn')
    await page.setInputFiles('#model', [])
    await page.waitForTimeout(100)
    expect(await page.textContent('#status')).toContain('drawn')
    await page.fill('#temperature', '2')
    await page.waitForFunction(() => document.getElementById('degree')!.textContent === '2.00')
    await page.close()
  })
})
