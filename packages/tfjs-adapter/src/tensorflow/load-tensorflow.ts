// TensorFlow itself as a backend, through tfjs-node or tfjs-node-gpu where one of them is installed and loads.
import { RuntimeUnavailableError } from '@stochseg/core'
import { notLoaded } from '../not-loaded'

const PACKAGES = ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu']

/**
 * Registers the backend `tensorflow` with this TF.js, and our kernels with it.
 *
 * @throws RuntimeUnavailableError where neither package is installed and loads, or it has a TF.js of its own.
 */
export async function loadTensorflow(tf: typeof import('@tensorflow/tfjs-core')): Promise<void> {
  const reasons: string[] = []
  let first: unknown
  for (const name of PACKAGES) {
    try {
      // Not by a literal: bundlers and type checkers need not find an optional package.
      await import(/* webpackIgnore: true */ /* @vite-ignore */ name)
    } catch (cause) {
      reasons.push(`${name} ${notLoaded(name, cause)}`)
      first ??= cause
      continue
    }
    if (tf.findBackendFactory('tensorflow')) {
      const { installTensorflowKernels } = await import('./install')
      installTensorflowKernels()
      return
    }
    throw new RuntimeUnavailableError(name, {
      found: 'a package with a copy of @tensorflow/tfjs-core of its own',
      expected: `the one of this project, version ${tf.version_core}`,
      remedy: `Install ${name}@${tf.version_core} beside it, so that npm keeps one copy`,
    })
  }
  throw new RuntimeUnavailableError('TensorFlow', {
    found: reasons.join(', '),
    expected: `one of them, version ${tf.version_core}, with its native addon`,
    remedy: `Run: npm install ${PACKAGES[0]}@${tf.version_core}; where its install script fails, a clone of stochseg builds the addon: npm run setup:libtensorflow -- --project <your project>`,
    cause: first,
  })
}
