import { defineConfig } from 'tsup'
import { base } from '../../tsup.config.base'

export default defineConfig({
  ...base,
  platform: 'node',
  entry: { index: 'src/index.ts', main: 'src/main.ts' },
})
