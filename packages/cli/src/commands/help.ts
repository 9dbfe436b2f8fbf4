// Words that several verbs' help share.

export const DATA_HELP = "HDF5 file, folder of PNGs, or 'generated' for the built-in generator"
export const MODEL_HELP = 'ONNX file, or the folder of a run'
export const DEVICES = ['auto', 'cpu', 'cuda', 'webgpu', 'wasm'] as const
export const SPLITS = ['train', 'val', 'test'] as const
