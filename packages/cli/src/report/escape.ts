/** Text for HTML and SVG, in content and in double-quoted attributes. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => entities[character]!)
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
