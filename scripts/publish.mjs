// Publishes what `changeset version` has numbered, with provenance. That needs the repository's address in each package; so do the
// links of their pages on npm. It is the workflow's own: a fork publishes under its address.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const { GITHUB_SERVER_URL, GITHUB_REPOSITORY } = process.env
if (!GITHUB_SERVER_URL || !GITHUB_REPOSITORY) {
  throw new Error('GITHUB_SERVER_URL and GITHUB_REPOSITORY: found nothing; expected what the workflow sets.')
}
const address = `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}`
const root = fileURLToPath(new URL('..', import.meta.url))
for (const name of readdirSync(`${root}/packages`)) {
  const path = `${root}/packages/${name}/package.json`
  const manifest = JSON.parse(readFileSync(path, 'utf8'))
  manifest.repository = { type: 'git', url: `git+${address}.git`, directory: `packages/${name}` }
  manifest.homepage = `${address}/tree/main/packages/${name}#readme`
  manifest.bugs = `${address}/issues`
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`)
}
const { status } = spawnSync('npx', ['changeset', 'publish'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, NPM_CONFIG_PROVENANCE: 'true' },
})
process.exit(status ?? 1)
