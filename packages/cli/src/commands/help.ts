// Words that several verbs' help share.

export const DATA_HELP =
  "HDF5 file, folder of NIfTI patients or of PNGs, or 'generated' for the built-in generator"
export const LAYOUT_HELP = "JSON that says which NIfTI file is what, where the data's folder does not"
export const MODEL_HELP = 'ONNX file, or the folder of a run'
export const BACKEND_HELP =
  'TF.js backend (default wasm); auto is the first that works of tensorflow, webgpu, wasm'
export const BACKENDS = ['wasm', 'tensorflow', 'webgpu', 'cpu', 'auto'] as const
export const DEVICES = ['auto', 'cpu', 'cuda', 'webgpu', 'wasm'] as const
export const SPLITS = ['train', 'val', 'test'] as const
