// The public face of @stochseg/cli: the command line as a function.
export type { CommandIo, TextOutput } from './io'
export { type ExitCode, run } from './run'
