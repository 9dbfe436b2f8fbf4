// A data set of NIfTI files: <split>/<patient>/<name>.nii.gz.
import { type Case, ValueError, voxelCount } from '@stochseg/core'
import { type NiftiData, readNifti } from './nifti'
import { checkSize, readNiftiImage } from './nifti-image'
import { layoutClasses, type NiftiLayout } from './nifti-layout'
import { niftiPatients, type PatientFiles } from './nifti-patients'
import { checkClasses, type OpenDataset, type OpenOptions } from './open-options'
import { recentlyUsed } from './recently-used'

/** What opening a folder of NIfTI files may be told beside the split. */
export interface NiftiFolderOptions extends OpenOptions {
  /** Which file is what; see {@link niftiPatients} for what holds without it. */
  readonly layout?: NiftiLayout | undefined
  /** What holds where neither `layout` nor the folder's `dataset.json` says it, e.g. the layout that a model was trained on. */
  readonly otherwise?: NiftiLayout | undefined
  /** Cases that were used last are kept up to this size in all, since a volume is slow to read. Default 1 GiB. */
  readonly keepBytes?: number
}

/**
 * Opens one split of a folder of NIfTI volumes or images.
 *
 * Where `path` has folders train, val (or validation) or test, they are the splits and hold the patients; otherwise `path` holds
 * the patients, who go 60 : 20 : 20 to train, val and test (`splitOf`). Which file is what says `layout`, else `dataset.json` in
 * `path`, else `otherwise`, else the names of the files ({@link KNOWN_LAYOUTS}). Arrays keep the files' order, `[z, y, x]`. A case
 * is read when it is asked for.
 *
 * Throws `DataError` for a missing folder or file, an empty split and an unknown layout; reading a case throws `DataError` for a
 * damaged file, a volume of another size than the first and intensities that are not finite, `ValueError` for a label that is no
 * class.
 */
export async function openNiftiFolder(path: string, options: NiftiFolderOptions): Promise<OpenDataset> {
  const { split, keepBytes = 2 ** 30 } = options
  const { layout, patients } = await niftiPatients(path, split, options.layout, options.otherwise)
  const classes = classesOf(path, layout, options.classes)
  const reference = patients[0]!.channels[0]!
  const { spatial } = await readNifti(reference)
  const voxels = voxelCount(spatial)

  const read = async (file: string): Promise<NiftiData> => {
    const volume = await readNifti(file)
    checkSize(file, volume, { spatial, reference })
    return volume.data
  }
  const readCase = async ({ id, channels, labels, mask }: PatientFiles): Promise<Case> => {
    const { image, roi, ...found } = await readNiftiImage({ channels, mask }, layout.normalisation)
    checkSize(channels[0]!, found, { spatial, reference })
    const raters = new Uint8Array(labels.length * voxels)
    for (const [rater, file] of labels.entries()) {
      raters.set(classMap(file, await read(file), { layout, classes }), rater * voxels)
    }
    return { id, image, raters, ...(roi && { roi }) }
  }
  const bytes = ({ image, raters, roi }: Case): number =>
    image.byteLength + raters.byteLength + (roi?.byteLength ?? 0)
  const cases = recentlyUsed((index) => readCase(patients[index]!), { size: bytes, limit: keepBytes })
  return {
    name: path,
    layout,
    channels: layout.channels.length,
    classes,
    spatial,
    length: patients.length,
    case: cases.get,
    close: cases.clear,
  }
}

/** What the layout says, else what the caller says, else 2. */
function classesOf(path: string, layout: NiftiLayout, given?: number): number {
  const known = layoutClasses(layout)
  const classes = known ?? given ?? 2
  checkClasses(classes)
  if (given === undefined || given === classes) return classes
  throw new ValueError(path, {
    found: `${given} classes`,
    expected: `${classes}, as the layout's labelValues say`,
    remedy:
      'Take a model of so many, leave out a number that was given, or give a layout with other labelValues',
  })
}

/** Classes of stored labels. */
function classMap(
  file: string,
  stored: NiftiData,
  { layout, classes }: { readonly layout: NiftiLayout; readonly classes: number },
): Uint8Array {
  const classOf = new Map<number, number>(
    layout.labelValues
      ? [
          [0, 0],
          ...Object.entries(layout.labelValues).map(([value, label]) => [Number(value), label] as const),
        ]
      : Array.from({ length: classes }, (_, label) => [label, label]),
  )
  const labels = new Uint8Array(stored.length)
  for (let voxel = 0; voxel < stored.length; voxel++) {
    const label = classOf.get(stored[voxel]!)
    if (label === undefined) {
      throw new ValueError(file, {
        found: `label ${stored[voxel]}`,
        expected: [...classOf.keys()].join(', '),
        remedy: "Correct the file, or give the label a class in the layout's labelValues",
      })
    }
    labels[voxel] = label
  }
  return labels
}
