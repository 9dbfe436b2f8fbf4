// WebGPU without a graphics card: SwiftShader, as it comes with Debian's Chromium.
import { existsSync } from 'node:fs'

const CHROMIUM = '/usr/lib/chromium'

/** The environment in which Dawn, in Node, finds SwiftShader; undefined where it is not installed. */
export const softwareWebgpu: Readonly<Record<string, string>> | undefined =
  existsSync(`${CHROMIUM}/vk_swiftshader_icd.json`) && existsSync(`${CHROMIUM}/libvulkan.so.1`)
    ? { LD_LIBRARY_PATH: CHROMIUM, VK_ICD_FILENAMES: `${CHROMIUM}/vk_swiftshader_icd.json` }
    : undefined

/** Chromium's path and the flags that give its pages WebGPU; undefined where it is not installed. */
export const chromiumWithWebgpu: { readonly executablePath: string; readonly args: string[] } | undefined =
  existsSync('/usr/bin/chromium')
    ? {
        executablePath: '/usr/bin/chromium',
        args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
      }
    : undefined
