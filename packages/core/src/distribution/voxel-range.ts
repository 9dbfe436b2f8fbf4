// Work is split by runs of voxels: noise depends on a voxel's index alone, so any split gives the same result.

/** Voxels `start` … `end − 1` of an image. */
export interface VoxelRange {
  readonly start: number
  readonly end: number
}

/** Bytes that the data of a run may take: small enough for a core's cache, large enough to be worth a dispatch. */
const RUN_BYTES = 512 * 1024

/** Splits an image's voxels into runs of nearly equal length, each taking about `runBytes`. */
export function voxelRanges(
  voxels: number,
  bytesPerVoxel: number,
  runBytes: number = RUN_BYTES,
): VoxelRange[] {
  const runs = Math.ceil((voxels * bytesPerVoxel) / runBytes)
  // Whole vectors of four voxels, but for the last.
  const length = Math.max(Math.ceil(voxels / runs / 4) * 4, 64)
  return Array.from({ length: Math.ceil(voxels / length) || 0 }, (_, run) => ({
    start: run * length,
    end: Math.min((run + 1) * length, voxels),
  }))
}
