// Packs every package as it would be published, lints the tarballs (publint, attw), bundles those for browsers in a
// project without their optional peers, installs all into an empty project beside their peers and runs them there:
// what users get is what is checked.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'

const root = fileURLToPath(new URL('..', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'stochseg-packages-'))
const run = (command, args, cwd = root) =>
  execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })

try {
  const folders = readdirSync(join(root, 'packages'))
  const manifests = folders.map((name) =>
    JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')),
  )
  const tarballs = folders.map((name) => {
    const [packed] = JSON.parse(
      run('npm', ['pack', '--json', '--silent', '--pack-destination', scratch], join(root, 'packages', name)),
    )
    const tarball = join(scratch, packed.filename)
    run('npx', ['publint', 'run', tarball, '--strict'])
    run('npx', ['attw', tarball, '--profile', 'esm-only', '--quiet'])
    console.log(`${packed.name}: ${packed.files.length} files, ${Math.round(packed.size / 1024)} kB packed`)
    return tarball
  })

  const emptyProject = (name) => {
    const folder = join(scratch, name)
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }))
    return folder
  }
  const quiet = ['--no-audit', '--no-fund', '--silent']

  const page = emptyProject('page')
  const forBrowsers = ['backbones', 'core', 'onnx-adapter', 'tfjs-adapter']
  const ofPage = tarballs.filter((_, index) => forBrowsers.includes(folders[index]))
  run('npm', ['install', '--ignore-scripts', ...quiet, ...ofPage], page)
  const lines = forBrowsers.map((name) => `export * as ${name.replace('-', '_')} from '@stochseg/${name}'`)
  writeFileSync(join(page, 'page.js'), lines.join('\n'))
  await build({
    ...{ entry: [join(page, 'page.js')], outDir: join(page, 'dist'), platform: 'browser', format: 'esm' },
    ...{ noExternal: [/./], config: false, silent: true },
  })
  console.log(`bundled for browsers: ${forBrowsers.join(', ')}`)

  const project = emptyProject('project')
  const rootManifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const peers = [...new Set(manifests.flatMap((manifest) => Object.keys(manifest.peerDependencies ?? {})))]
  // Native ones, which not every machine can install, are not among this project's own dependencies.
  const pinned = peers
    .filter((peer) => rootManifest.devDependencies[peer])
    .map((peer) => `${peer}@${rootManifest.devDependencies[peer]}`)
  // As the README says: the script of onnxruntime-node would fetch CUDA libraries.
  run('npm', ['install', '--ignore-scripts', ...quiet, ...tarballs, ...pinned], project)

  const imports = manifests.map(({ name }) => `await import(${JSON.stringify(name)})`).join('\n')
  writeFileSync(join(project, 'imports.mjs'), `${imports}\nawait import('@stochseg/core/toy')\n`)
  run('node', ['imports.mjs'], project)
  run('npx', ['stochseg', '--help'], project)
  const toy = JSON.parse(
    run('npx', ['stochseg', 'toy', '--iterations', '50', '--json', '--out', 'toy'], project),
  )
  if (!Number.isFinite(toy.lowRank.logLikelihood)) throw new Error(`toy gave ${JSON.stringify(toy)}`)
  console.log(`installed into an empty project: ${manifests.map(({ name }) => name).join(', ')}`)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
