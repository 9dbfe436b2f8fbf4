// Which patients a folder of NIfTI files has, and which files are theirs.
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { DataError } from '@stochseg/core'
import type { NiftiImageFiles } from './nifti-image'
import { KNOWN_LAYOUTS, LAYOUT_FILE, type NiftiLayout, storedLayout } from './nifti-layout'
import type { Split } from './open-options'
import { splitOf } from './patient-split'

/** The paths of one patient's files. */
export interface PatientFiles {
  /** The name of the patient's folder. */
  readonly id: string
  readonly channels: readonly string[]
  readonly labels: readonly string[]
  readonly mask?: string
}

const SPLIT_FOLDERS: Readonly<Record<Split, readonly string[]>> = {
  train: ['train'],
  val: ['val', 'validation'],
  test: ['test'],
}
const ENDS = ['.nii.gz', '.nii']

/** Whether a folder looks like one of NIfTI patients, with or without splits. */
export async function isNiftiFolder(path: string): Promise<boolean> {
  const entries = await readdir(path)
  if (entries.includes(LAYOUT_FILE)) return true
  const splits = Object.values(SPLIT_FOLDERS)
    .flat()
    .filter((name) => entries.includes(name))
  const folder = join(path, splits[0] ?? '')
  const [patient] = await folders(folder)
  return patient !== undefined && (await namesIn(join(folder, patient))).size > 0
}

/**
 * The patients of a split with the files of a layout: the given one, else that of `dataset.json` at the root, else
 * `otherwise`, else a known one whose files the first patient has. Throws {@link DataError} for a split without patients, an unknown
 * layout and a missing file.
 */
export async function niftiPatients(
  path: string,
  split: Split,
  given?: NiftiLayout,
  otherwise?: NiftiLayout,
): Promise<{ readonly layout: NiftiLayout; readonly patients: readonly PatientFiles[] }> {
  const { folder, names } = await patientNames(path, split)
  const layout =
    given ?? (await storedLayout(path)) ?? otherwise ?? (await recognisedLayout(join(folder, names[0]!)))
  const filesOf = async (id: string): Promise<PatientFiles> => {
    const found = await namesIn(join(folder, id))
    const file = (name: string): string => join(folder, id, fileNamed(name, { folder, id, found }))
    return {
      id,
      channels: layout.channels.map(file),
      labels: layout.labels.map(file),
      ...(layout.mask === undefined ? {} : { mask: file(layout.mask) }),
    }
  }
  return { layout, patients: await Promise.all(names.map(filesOf)) }
}

/**
 * The image files of one patient's folder, whose label maps need not be there, and the layout that they have: the given one, else
 * that of `dataset.json` in the folder or one of the two above it, else `otherwise`, else a known one. Throws {@link DataError} for
 * an unknown layout and a missing file.
 */
export async function patientImage(
  path: string,
  given?: NiftiLayout,
  otherwise?: NiftiLayout,
): Promise<{ readonly layout: NiftiLayout; readonly files: NiftiImageFiles }> {
  const patient = resolve(path)
  const roots = [patient, dirname(patient), dirname(dirname(patient))]
  let layout = given
  for (const root of roots) layout ??= await storedLayout(root)
  layout ??= otherwise ?? (await recognisedLayout(patient))
  const [folder, id] = [dirname(patient), basename(patient)]
  const found = await namesIn(patient)
  const file = (name: string): string => join(path, fileNamed(name, { folder, id, found }))
  const { channels, mask } = layout
  return {
    layout,
    files: { channels: channels.map(file), ...(mask === undefined ? {} : { mask: file(mask) }) },
  }
}

async function patientNames(
  path: string,
  split: Split,
): Promise<{ readonly folder: string; readonly names: readonly string[] }> {
  const entries = await folders(path)
  const splits = Object.values(SPLIT_FOLDERS)
    .flat()
    .filter((name) => entries.includes(name))
  if (splits.length === 0) {
    return filled(
      path,
      split,
      entries.filter((patient) => splitOf(patient) === split),
    )
  }
  const own = SPLIT_FOLDERS[split].find((name) => splits.includes(name))
  if (own !== undefined) return filled(join(path, own), split, await folders(join(path, own)))
  throw new DataError(path, {
    found: `only ${splits.join(', ')}`,
    expected: `a folder ${SPLIT_FOLDERS[split].join(' or ')}`,
    remedy: 'Add it, or put all patients into one folder to have them split 60 : 20 : 20',
  })
}

function filled(
  folder: string,
  split: Split,
  names: readonly string[],
): { readonly folder: string; readonly names: readonly string[] } {
  if (names.length > 0) return { folder, names }
  throw new DataError(folder, {
    found: `no patient in split ${split}`,
    expected: '<patient>/<name>.nii.gz',
    remedy: 'With few patients, make folders train, val and test, each with patients',
  })
}

async function recognisedLayout(patient: string): Promise<NiftiLayout> {
  const found = await namesIn(patient)
  const known = Object.values(KNOWN_LAYOUTS).find(({ channels, mask = [] }) =>
    [channels, mask].flat().every((name) => found.has(name)),
  )
  if (known) return known
  throw new DataError(patient, {
    found: `${[...found.keys()].join(', ') || 'no NIfTI file'}, but nothing that says which is what`,
    expected: `${LAYOUT_FILE} at the data set's root, e.g. {"channels": ["flair", "t1c"], "labels": ["seg"]}`,
    remedy: 'Name the files without .nii.gz there, or give a layout',
  })
}

/** The file of a name, alone or behind the patient's (as in `Brats17_1/Brats17_1_flair.nii.gz`). */
function fileNamed(
  name: string,
  {
    folder,
    id,
    found,
  }: { readonly folder: string; readonly id: string; readonly found: ReadonlyMap<string, string> },
): string {
  const file = found.get(name) ?? found.get(`${id}_${name}`)
  if (file !== undefined) return file
  throw new DataError(join(folder, id), {
    found: [...found.values()].join(', ') || 'no NIfTI file',
    expected: `${name}.nii.gz or ${name}.nii`,
    remedy: 'Add the file, remove the patient, or correct the layout',
  })
}

/** NIfTI files of a folder by their names without `.nii.gz`. */
async function namesIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = (await readdir(folder).catch(unopened(folder))).sort()
  return new Map(
    files.flatMap((file) => {
      const end = ENDS.find((each) => file.endsWith(each))
      return end === undefined ? [] : [[file.slice(0, -end.length), file] as const]
    }),
  )
}

/** The names of the folders in one, and of links but those to files: one that leads nowhere may be a patient's, and is not left out. */
async function folders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(unopened(path))
  const visible = entries.filter(({ name }) => !name.startsWith('.'))
  const isFolder = await Promise.all(
    visible.map(async (entry) => {
      if (!entry.isSymbolicLink()) return entry.isDirectory()
      return stat(join(path, entry.name)).then(
        (target) => target.isDirectory(),
        () => true,
      )
    }),
  )
  return visible
    .filter((_, index) => isFolder[index])
    .map(({ name }) => name)
    .sort()
}

function unopened(path: string): (cause: unknown) => never {
  return (cause) => {
    throw new DataError(path, {
      found: `no folder that can be opened (${cause instanceof Error ? cause.message : String(cause)})`,
      expected: 'folders of patients with NIfTI files',
      remedy: 'Check the path and its permissions; remove a link that leads nowhere',
      cause,
    })
  }
}
