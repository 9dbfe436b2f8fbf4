// A page in headless Chromium, with WebGPU in software, that may load what a test serves.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { chromiumWithWebgpu } from './software-webgpu'

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
}

/** A page and its browser. */
export interface ChromiumPage {
  readonly page: Page
  close(): Promise<void>
}

/** What makes a page cross-origin isolated, so that its threads may share memory. */
const ISOLATION: Readonly<Record<string, string>> = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/**
 * Opens an empty page. `folders` maps the first part of a path to a folder on disk; `imports` is the page's import map.
 */
export async function openChromiumPage({
  folders,
  imports = {},
  isolated = false,
}: {
  readonly folders: Readonly<Record<string, string>>
  readonly imports?: Readonly<Record<string, string>>
  readonly isolated?: boolean
}): Promise<ChromiumPage> {
  const html = `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>`
  const server = createServer(async ({ url = '/' }, response) => {
    const [folder = '', ...rest] = url.slice(1).split('/')
    try {
      const body = url === '/' ? html : await readFile(join(folders[folder]!, ...rest))
      for (const [name, value] of Object.entries(isolated ? ISOLATION : {})) response.setHeader(name, value)
      response.setHeader('Content-Type', TYPES[url.split('.').at(-1)!] ?? 'text/html')
      response.end(body)
    } catch {
      response.statusCode = 404
      response.end()
    }
  }).listen(0)
  let browser: Browser | undefined
  const close = async (): Promise<void> => {
    await browser?.close()
    server.close()
  }
  try {
    browser = await chromium.launch(chromiumWithWebgpu!)
    const page = await browser.newPage()
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
    return { page, close }
  } catch (error) {
    await close()
    throw error
  }
}
