// What an augmentation does to one case: every number that is drawn, as data.
import { ShapeError, type SizedCase, type TransformDraw, ValueError } from '@stochseg/core'
import { applied, IDENTITY, type Matrix, product, rightAngleRotations, rotation, scaling } from './affine-map'
import type { AugmentationOptions } from './augmentation-options'
import { CaseRandom } from './case-random'
import type { CaseArrays, Deformation } from './deformation'
import { type ElasticLattice, latticeLength } from './elastic-displacement'

type Triple = readonly [number, number, number]
type Geometry = NonNullable<Deformation['geometry']>

/** The index of each draw's first number. The elastic coefficients come last: there may be any number of them. */
const ROTATION = 0
const CROP = 10
const FLIPS = 20
const RIGHT_ANGLES = 30
const INTENSITY = 40
const ELASTIC = 10_000
/** Sequences of normals. */
const AXIS = 0
const SCALES = 1

/** Draws the deformation of one case: what is not asked for, or did not come up, is not in it. */
export function drawDeformation(
  options: AugmentationOptions,
  { channels, spatial }: SizedCase,
  draw: TransformDraw,
): Deformation {
  const random = new CaseRandom(draw)
  const geometry = drawGeometry(options, spatial, random)
  const intensity = drawIntensity(options, channels, random)
  return { ...(geometry && { geometry }), ...(intensity && { intensity }) }
}

/** A case's arrays with three axes; throws {@link ShapeError} unless it has two or three. */
export function arraysOf({ channels, spatial, image, raters, roi }: SizedCase): CaseArrays {
  return { channels, size: threeAxes(spatial), image, raters, ...(roi && { roi }) }
}

function threeAxes(spatial: readonly number[]): Triple {
  if (spatial.length === 2 || spatial.length === 3) return [1, ...spatial].slice(-3) as unknown as Triple
  throw new ShapeError('augmentation', {
    found: `a case of size [${spatial}]`,
    expected: 'an image [height, width] or a volume [depth, height, width]',
    remedy: 'Augment cases of two or three axes',
  })
}

function drawGeometry(
  options: AugmentationOptions,
  spatial: readonly number[],
  random: CaseRandom,
): Geometry | undefined {
  const { rotation: turn, crop, rightAngles, elastic } = options
  const size = threeAxes(spatial)
  const planar = spatial.length === 2

  // In the order of the pictures: the image is turned, then cropped, then flipped and set on another side.
  let matrix = IDENTITY
  let offset: Triple = [0, 0, 0]
  if (turn && random.chance(ROTATION, turn.probability ?? 1)) {
    const angle = (random.between(ROTATION + 1, -turn.degrees, turn.degrees) * Math.PI) / 180
    matrix = rotation(angle, planar ? [1, 0, 0] : direction(random))
  }
  if (crop && random.chance(CROP, crop.probability ?? 1)) {
    const side = random.between(CROP + 1, crop.smallest, 1)
    const place = size.map((length, axis) => (1 - side) * length * random.between(CROP + 2 + axis, -0.5, 0.5))
    offset = applied(matrix, planar ? [0, place[1]!, place[2]!] : (place as unknown as Triple))
    matrix = product(matrix, scaling([planar ? 1 : side, side, side]))
  }
  matrix = product(matrix, drawFlips(options, spatial, random))
  if (rightAngles && random.chance(RIGHT_ANGLES, rightAngles.probability ?? 1)) {
    const rotations = rightAngleRotations(size)
    matrix = product(matrix, rotations[random.integer(RIGHT_ANGLES + 1, rotations.length)]!)
  }
  if (elastic && random.chance(ELASTIC, elastic.probability ?? 1)) {
    return { matrix, offset, elastic: drawLattice(elastic, size, planar, random) }
  }
  const still = matrix.every((entry, at) => entry === IDENTITY[at]) && offset.every((along) => along === 0)
  return still ? undefined : { matrix, offset }
}

function direction(random: CaseRandom): Triple {
  const [z, y, x] = random.normals(3, AXIS) as unknown as Triple
  const length = Math.hypot(z, y, x)
  return [z / length, y / length, x / length]
}

function drawFlips({ flips }: AugmentationOptions, spatial: readonly number[], random: CaseRandom): Matrix {
  const signs: [number, number, number] = [1, 1, 1]
  if (!flips) return IDENTITY
  for (const axis of flips.axes ?? spatial.keys()) {
    if (axis >= spatial.length) {
      throw new ValueError('augmentation: flips.axes', {
        found: `axis ${axis} for a case of size [${spatial}]`,
        expected: `axes from 0 to ${spatial.length - 1}`,
        remedy: 'Name axes that the cases have',
      })
    }
    const flipped = random.chance(FLIPS + axis, flips.probability ?? 0.5)
    signs[axis + 3 - spatial.length] = flipped ? -1 : 1
  }
  return scaling(signs)
}

function drawLattice(
  { alpha, spacing = Math.max(1, 2 * alpha) }: NonNullable<AugmentationOptions['elastic']>,
  [depth, height, width]: Triple,
  planar: boolean,
  random: CaseRandom,
): ElasticLattice {
  const size = [
    planar ? 1 : latticeLength(depth, spacing),
    latticeLength(height, spacing),
    latticeLength(width, spacing),
  ] as const
  const count = size[0] * size[1] * size[2]
  const coefficients = Float64Array.from({ length: 3 * count }, (_, at) =>
    planar && at < count ? 0 : random.between(ELASTIC + 1 + at, -alpha, alpha),
  )
  return { spacing, size, coefficients }
}

function drawIntensity(
  { intensity }: AugmentationOptions,
  channels: number,
  random: CaseRandom,
): Deformation['intensity'] {
  if (!intensity || !random.chance(INTENSITY, intensity.probability ?? 1)) return undefined
  const { scaleDeviation = 0, shift: [least, most] = [0, 0] } = intensity
  const scale = Array.from(random.normals(channels, SCALES), (normal) => 1 + scaleDeviation * normal)
  const shift = scale.map((_, channel) => random.between(INTENSITY + 1 + channel, least, most))
  return { scale, shift }
}
