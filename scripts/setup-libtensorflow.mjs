// Native TensorFlow for training (`backend: 'tensorflow'`), where @tensorflow/tfjs-node's own install script fails: its addon
// is built from the source that it ships, against the libtensorflow inside PyPI's wheel of a current TensorFlow.
//
//   npm run setup:libtensorflow [-- --wheel tensorflow] [--project DIR]
//
// Everything lies in DIR/node_modules/.cache/stochseg-libtensorflow (1.2 GB) and is reached by one link,
// DIR/node_modules/@tensorflow/tfjs-node; DIR is this repository unless given. package.json and its lock stay as they are, so
// `npm ci` removes it: run this again. Needs Linux, g++ and Python 3 with pip, and a minute.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const TFJS = '4.22.0'
const TENSORFLOW = '2.21.0'
/** What the addon includes, and what it is linked to. */
const NEEDED = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/ctstring',
  'tensorflow/include/tsl/platform/ctstring',
  'tensorflow/include/xla/tsl/c/',
]

const { values } = parseArgs({
  options: {
    project: { type: 'string', default: fileURLToPath(new URL('..', import.meta.url)) },
    // There is no tensorflow-cpu for arm64.
    wheel: { type: 'string', default: process.arch === 'arm64' ? 'tensorflow' : 'tensorflow-cpu' },
  },
})
const modules = join(resolve(values.project), 'node_modules')
const cache = join(modules, '.cache/stochseg-libtensorflow')
const link = join(modules, '@tensorflow/tfjs-node')
const addonPackage = join(cache, 'node_modules/@tensorflow/tfjs-node')
const libraries = join(addonPackage, 'lib/napi-v8')

const run = (command, args, cwd = cache) =>
  execFileSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] })

/** A few steps of training; fails unless the addon loads and shares the project's TF.js. */
const CHECK = `
  const tf = require('@tensorflow/tfjs-core')
  require('@tensorflow/tfjs-node')
  if (tf.getBackend() !== 'tensorflow') throw new Error('tfjs-node does not share the TF.js of this project')
  const x = tf.variable(tf.ones([1, 4, 4, 4, 2]))
  const step = () => tf.train.sgd(0.001).minimize(() => tf.mean(tf.square(tf.conv3d(x, tf.ones([3, 3, 3, 2, 1]), 1, 'same'))), true)
  const [first, , last] = [step(), step(), step()].map((loss) => loss.dataSync()[0])
  if (!(last < first)) throw new Error('the loss does not fall: ' + first + ', ' + last)
  console.log('tfjs-node ${TFJS} trains on TensorFlow ' + tf.backend().binding.TF_Version)`
const check = (stdio) =>
  execFileSync(process.execPath, ['-e', CHECK], {
    cwd: modules,
    stdio,
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
  })

function fail(message) {
  console.error(`setup:libtensorflow: ${message}`)
  process.exit(1)
}

function checkMachine() {
  if (process.platform !== 'linux') fail(`made for Linux, this is ${process.platform}`)
  for (const [command, args] of [
    ['g++', ['--version']],
    ['python3', ['-m', 'pip', '--version']],
  ]) {
    try {
      execFileSync(command, args, { stdio: 'ignore' })
    } catch {
      fail(`needs \`${[command, ...args].join(' ')}\` to work`)
    }
  }
  for (const name of ['tfjs-core', 'tfjs-layers']) {
    const manifest = join(modules, '@tensorflow', name, 'package.json')
    const version = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : 'none'
    if (version !== TFJS) fail(`needs @tensorflow/${name} ${TFJS} in ${modules}, found ${version}`)
  }
}

/** tfjs-node without its install script, and without second copies of what the project has. */
function installPackages() {
  writeFileSync(join(cache, 'package.json'), '{ "private": true }\n')
  const packages = [`@tensorflow/tfjs-node@${TFJS}`, 'node-api-headers@1']
  run('npm', [
    'install',
    '--ignore-scripts',
    '--no-save',
    '--no-package-lock',
    '--no-audit',
    '--no-fund',
    ...packages,
  ])
  for (const name of ['tfjs-core', 'tfjs-layers', 'tfjs-backend-cpu']) {
    if (existsSync(join(modules, '@tensorflow', name))) {
      rmSync(join(cache, 'node_modules/@tensorflow', name), { recursive: true, force: true })
    }
  }
  // Node 23 removed this function.
  for (const file of ['nodejs_kernel_backend.js', 'kernels/TopK.js']) {
    const path = join(addonPackage, 'dist', file)
    const source = readFileSync(path, 'utf8')
    writeFileSync(path, source.replaceAll('(0, util_1.isNullOrUndefined)(', '((value) => value == null)('))
  }
}

/** libtensorflow and the headers, out of the wheel. The library does not depend on Python, nor on its version. */
function unpackTensorflow() {
  const machine = { x64: 'x86_64', arm64: 'aarch64' }[process.arch]
  const python = ['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311']
  const platform = ['--platform', `manylinux_2_27_${machine}`, '--only-binary', ':all:']
  run('python3', [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--no-cache-dir',
    ...platform,
    ...python,
    '--dest',
    'wheel',
    `${values.wheel}==${TENSORFLOW}`,
  ])
  run('python3', [
    '-c',
    `import glob, sys, zipfile
wheel = zipfile.ZipFile(glob.glob('wheel/*.whl')[0])
wheel.extractall('.', [name for name in wheel.namelist() if name.startswith(tuple(sys.argv[1:]))])`,
    ...NEEDED,
  ])
  rmSync(join(cache, 'wheel'), { recursive: true })
}

function buildAddon() {
  mkdirSync(libraries, { recursive: true })
  for (const name of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) {
    renameSync(join(cache, 'tensorflow', name), join(libraries, name))
  }
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(addonPackage, 'binding', name))
  const headers = [join(cache, 'node_modules/node-api-headers/include'), join(cache, 'tensorflow/include')]
  run('g++', [
    '-std=c++17',
    '-O2',
    '-fPIC',
    '-shared',
    '-DNAPI_VERSION=8',
    ...headers.map((folder) => `-I${folder}`),
    ...sources,
    `-L${libraries}`,
    '-l:libtensorflow_cc.so.2',
    '-l:libtensorflow_framework.so.2',
    '-Wl,-rpath,$ORIGIN',
    '-o',
    join(libraries, 'tfjs_binding.node'),
  ])
}

function linkPackage() {
  mkdirSync(dirname(link), { recursive: true })
  rmSync(link, { recursive: true, force: true })
  symlinkSync(addonPackage, link)
}

function works() {
  try {
    check(['ignore', 'inherit', 'ignore'])
    return true
  } catch {
    return false
  }
}

checkMachine()
if (!works()) {
  rmSync(cache, { recursive: true, force: true })
  mkdirSync(cache, { recursive: true })
  try {
    installPackages()
    unpackTensorflow()
    buildAddon()
    linkPackage()
    check('inherit')
  } catch (error) {
    fail(error.message)
  }
}
