#!/usr/bin/env node
// The `stochseg` command: this process's terminal and signals, joined to run().
import { fileURLToPath } from 'node:url'
import { interruptSignal } from './interrupt'
import { run } from './run'

// A reader that closes the pipe early (`stochseg … | head`) has had enough; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const { signal, release } = interruptSignal()
const { stdout, stderr, env } = process
const program = fileURLToPath(import.meta.url)
process.exitCode = await run(process.argv.slice(2), { stdout, stderr, env, signal, program })
release()
