// Every page's `ts` snippets type-check as a user's would, strictly: against the packages' sources.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, it } from 'vitest'
import { snippetsOf } from './run-snippets'

const root = fileURLToPath(new URL('..', import.meta.url))
const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' }).trim().split('\n')
const modules = new Map(
  pages.flatMap((page) => {
    const snippets = snippetsOf(readFileSync(`${root}${page}`, 'utf8'))
    return snippets.length > 0 ? [[`${root}${page}.ts`, `${snippets.join('\n')}\nexport {}\n`] as const] : []
  }),
)
const options: ts.CompilerOptions = {
  ...{ target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, strict: true, skipLibCheck: true },
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  types: ['node'],
  noEmit: true,
  paths: {
    '@stochseg/tfjs-adapter/wasm-training-kernels': [
      `${root}packages/tfjs-adapter/src/wasm-training-kernels/index.ts`,
    ],
    '@stochseg/*': [`${root}packages/*/src/index.ts`],
  },
}

it('snippets on pages type-check', () => {
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (path) => modules.has(path) || fileExists(path)
  host.readFile = (path) => modules.get(path) ?? readFile(path)
  host.getSourceFile = (path, ...rest) => {
    const snippet = modules.get(path)
    return snippet === undefined
      ? getSourceFile(path, ...rest)
      : ts.createSourceFile(path, snippet, ts.ScriptTarget.ES2022, true)
  }
  const program = ts.createProgram([...modules.keys()], options, host)
  const faults = [...modules.keys()].flatMap((path) => {
    const file = program.getSourceFile(path)!
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      ({ messageText, start }) => {
        const line = file.text.slice(0, start).split('\n').length
        return `${path.slice(root.length)}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
      },
    )
  })
  expect(modules.size).toBeGreaterThan(5)
  expect(faults).toEqual([])
}, 120_000)
