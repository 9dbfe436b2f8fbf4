import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { meanLabelMap, sampleLabelMaps } from '@stochseg/core'
import { readNifti } from '@stochseg/data'
import { OnnxSegmenter } from '@stochseg/onnx-adapter'
import { expect, test } from 'vitest'
import { referenceData } from '../../../../scripts/reference-data'
import { runRecorded } from '../recorded-io'

const model = referenceData('networks/meshnet-onnx/model.onnx')
const brain = referenceData('networks/t1_crop.nii.gz')
const SIZE = 256
/** A part of the brain's middle, in which all three classes occur. */
const [START, LENGTH] = [104, 48]

test.skipIf(!model || !brain)(
  'a published MeshNet, wrapped, segments a T1 image and gives samples (needs networks/)',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stochseg-meshnet-'))
    try {
      const out = join(folder, 'wrapped.onnx')
      // The network reads [0, 1].
      const flags = ['--classes', '3', '--rank', '2', '--shift', '0.5', '--out', out]
      const { code, stderr } = await runRecorded(['wrap', '--model', model!, ...flags])
      expect(stderr).toBe('')
      expect(code).toBe(0)

      const { data } = await readNifti(brain!)
      const crop = new Float32Array(LENGTH ** 3)
      for (let index = 0; index < crop.length; index++) {
        const [z, y, x] = [
          Math.floor(index / LENGTH ** 2),
          Math.floor(index / LENGTH) % LENGTH,
          index % LENGTH,
        ]
        const place = ((START + z) * SIZE + START + y) * SIZE + START + x
        crop[index] = data[place]! / 255 - 0.5
      }
      const segmenter = await OnnxSegmenter.load(out)
      const distribution = await segmenter.predict(crop, 1, [LENGTH, LENGTH, LENGTH])
      await segmenter.dispose()

      const labels = meanLabelMap(distribution)
      const counts = [0, 1, 2].map((label) => labels.filter((value) => value === label).length)
      for (const count of counts) expect(count).toBeGreaterThan(labels.length / 100)
      const sample = sampleLabelMaps(distribution, { samples: 1, seed: 0 })
      const same = sample.filter((label, index) => label === labels[index]).length
      expect(same).toBeGreaterThan(0.9 * labels.length)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)
