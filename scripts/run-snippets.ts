// Runs the `ts` snippets of a Markdown page, so that a test can hold a README to its word.
//
// Snippets share their names. `expression // → value` is checked; imports come from the modules that are passed.
import ts from 'typescript'
import { expect } from 'vitest'

/** The `ts` blocks of a page. */
export function snippetsOf(markdown: string): string[] {
  return [...markdown.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1]!)
}

/** Throws where a snippet throws or does not give the value that the page says. */
export async function runSnippets(
  markdown: string,
  modules: Readonly<Record<string, object>>,
): Promise<void> {
  const snippets = snippetsOf(markdown)
  expect(snippets.length).toBeGreaterThan(0)
  const checked = snippets.join('\n').replace(/^(.*\S)\s+\/\/ → (.*)$/gm, 'same($1, $2)')
  const code = withoutTypes(checked).replace(
    /^import \{(.*?)\} from '(.*?)';$/gms,
    'const {$1} = imported("$2")',
  )
  const imported = (name: string): object => {
    const module = modules[name]
    if (!module) throw new Error(`the page imports ${name}, which the test does not provide`)
    return module
  }
  const same = (found: unknown, expected: unknown): void => expect(found).toEqual(expected)
  const run = new Function('imported', 'same', `return (async () => {\n${code}\n})()`)
  await run(imported, same)
}

function withoutTypes(code: string): string {
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
  }
  return ts.transpileModule(code, { compilerOptions }).outputText
}
