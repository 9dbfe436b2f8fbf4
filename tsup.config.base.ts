import type { Options } from 'tsup'

/** What every package's build shares: ESM only, declarations, one file an entry point. */
export const base: Options = {
  entry: ['src/index.ts'],
  format: ['esm'],
  target: 'es2022',
  platform: 'neutral',
  dts: true,
  sourcemap: true,
  clean: true,
  treeshake: true,
}
