/** The report's style sheet: light and dark, no fonts or files from elsewhere. */
export const reportStyle: string = `
:root {
  color-scheme: light dark;
  --ground: #fbfbfa; --card: #fff; --ink: #1c1e21; --soft: #646a73; --line: #e3e4e6; --accent: #b45f06;
}
@media (prefers-color-scheme: dark) {
  :root { --ground: #16181b; --card: #1e2125; --ink: #e8e9eb; --soft: #9aa1ab; --line: #33373d; --accent: #f0a850; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 76rem; padding: 2.5rem 1.25rem 4rem;
  background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .75rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .9rem; }
h3 { font-size: .8rem; font-weight: 600; margin: .75rem 0 .3rem; color: var(--soft); }
.card > h3:first-child { color: var(--ink); font-size: .95rem; margin-top: 0; }
p { margin: 0 0 .6rem; max-width: 62rem; }
.summary p:first-child { font-size: 1.15rem; }
.soft, figcaption, dt { color: var(--soft); }
.soft { font-size: .85rem; }
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1rem 1.1rem; margin-bottom: 1rem; overflow-x: auto;
}
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .75rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
thead th { font-size: .8rem; font-weight: 600; color: var(--soft); }
tbody tr:last-child td { border-bottom: 0; }
td .error { color: var(--soft); font-size: .85em; }
td.best { font-weight: 650; color: var(--accent); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem; margin: 0; font-size: .9rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.4rem, 1fr)); gap: .45rem; }
figure { margin: 0; }
image { image-rendering: pixelated; }
figure svg { display: block; width: 100%; border-radius: .25rem; overflow: hidden; background: #000; }
figcaption { font-size: .72rem; line-height: 1.5; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: .15em; margin: 0 .25em 0 .8em; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
.plots .card { flex: 1 1 28rem; max-width: 44rem; }
.plots svg { width: 100%; height: auto; }
`
