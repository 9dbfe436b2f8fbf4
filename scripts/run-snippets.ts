// Runs the `ts` snippets of a Markdown page, so that a test can hold a README to its word.
//
// Snippets share their names. `expression // → value` is checked; imports come from the modules that are passed.
import { expect } from 'vitest'

/** Throws where a snippet throws or does not give the value that the page says. */
export async function runSnippets(
  markdown: string,
  modules: Readonly<Record<string, object>>,
): Promise<void> {
  const snippets = [...markdown.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1])
  expect(snippets.length).toBeGreaterThan(0)
  const code = snippets
    .join('\n')
    .replace(/^import \{(.*?)\} from '(.*?)'$/gms, 'const {$1} = imported("$2")')
    .replace(/^(.*\S)\s+\/\/ → (.*)$/gm, 'same($1, $2)')
  const imported = (name: string): object => {
    const module = modules[name]
    if (!module) throw new Error(`the page imports ${name}, which the test does not provide`)
    return module
  }
  const same = (found: unknown, expected: unknown): void => expect(found).toEqual(expected)
  const run = new Function('imported', 'same', `return (async () => {\n${code}\n})()`)
  await run(imported, same)
}
