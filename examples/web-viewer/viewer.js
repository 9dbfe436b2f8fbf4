// A model and an image in; samples, mean and entropy on canvases.
import { marginalEntropyAsync, sampleLabelMapsAsync } from '@stochseg/core'
import { marginalsOnDevice, OnnxSegmenter, sampleLabelMapsOnDevice } from '@stochseg/onnx-adapter'

const COLOURS = [
  [230, 75, 53],
  [77, 187, 213],
  [0, 160, 135],
  [240, 180, 60],
  [132, 110, 180],
]
const element = (id) => document.getElementById(id)
const samples = [...document.querySelectorAll('.sample')]
const device = new URLSearchParams(location.search).get('device') ?? 'auto'

let segmenter
let bitmap
/** What is sampled: on the graphics card if it lies there. */
let source

onFile('model', async (file) => {
  const bytes = new Uint8Array(await file.arrayBuffer())
  source?.dispose()
  const before = segmenter
  source = segmenter = undefined
  await before?.dispose()
  segmenter = await OnnxSegmenter.load(bytes, { device })
  await predict()
})
onFile('image', async (file) => {
  bitmap = await createImageBitmap(file)
  await predict()
})
for (const id of ['temperature', 'seed']) element(id).addEventListener('input', () => show(async () => {}))

/** Does `work` with the file that is chosen; a dialogue that was cancelled changes nothing. */
function onFile(id, work) {
  element(id).addEventListener('change', ({ target }) => {
    const [file] = target.files
    if (file) show(() => work(file))
  })
}

let last = Promise.resolve()
let wanted = 0

/** Does work after what is going on, then draws; of several changes that wait, only the last is drawn. */
function show(work) {
  const mine = ++wanted
  last = last.then(work).then(() => mine === wanted && draw())
  last = last.catch((error) => say(`${error.name}: ${error.message}`))
}

async function predict() {
  if (!segmenter || !bitmap) return
  const { channels, minimumSize, multipleOf } = segmenter.metadata
  // The network takes some sizes only: the rest of the image is cut off.
  const [height, width] = [bitmap.height, bitmap.width].map(
    (length, axis) => length - ((length - minimumSize[axis]) % multipleOf[axis]),
  )
  const image = planesOf(pixelsOf(bitmap, width, height), channels)
  source?.dispose()
  source = undefined
  source = await distributionOf(image, [height, width])
}

/** Samples and entropy of the distribution for an image. */
async function distributionOf(image, size) {
  if (segmenter.device === 'webgpu') {
    const resident = await segmenter.predictOnDevice(image, 1, size)
    return {
      spatial: resident.spatial,
      sample: (options) => sampleLabelMapsOnDevice(resident, options),
      entropy: async (options) => (await marginalsOnDevice(resident, options)).entropy,
      dispose: () => resident.dispose(),
    }
  }
  const distribution = await segmenter.predict(image, 1, size)
  return {
    spatial: distribution.spatial,
    sample: (options) => sampleLabelMapsAsync(distribution, options),
    entropy: (options) => marginalEntropyAsync(distribution, options),
    dispose: () => {},
  }
}

async function draw() {
  if (!source) return
  const start = performance.now()
  const [height, width] = source.spatial
  const seed = Number(element('seed').value)
  const edits = { temperature: Number(element('temperature').value) }
  element('degree').textContent = edits.temperature.toFixed(2)
  const maps = await source.sample({ samples: samples.length, seed, edits })
  // Without noise a sample is the mean.
  const mean = await source.sample({ samples: 1, seed, edits: { temperature: 0 } })
  const entropy = await source.entropy({ samples: 50, seed, edits })
  const milliseconds = Math.round(performance.now() - start)

  const pixels = pixelsOf(bitmap, width, height)
  paint(
    element('mean'),
    pixels,
    (voxel) => mean[voxel] && [...COLOURS[(mean[voxel] - 1) % COLOURS.length], 0.5],
  )
  paint(element('entropy'), pixels, (voxel) => [255, 255, 0, entropy[voxel]])
  samples.forEach((canvas, index) => {
    const labels = maps.subarray(index * width * height, (index + 1) * width * height)
    paint(canvas, pixels, (voxel) => labels[voxel] && [...COLOURS[(labels[voxel] - 1) % COLOURS.length], 0.5])
  })
  const refused = segmenter.attempts
    .filter(({ works }) => !works)
    .map(({ device, reason }) => `Not on ${device}: ${reason}.`)
  say([`On ${segmenter.device}: drawn in ${milliseconds} ms.`, ...refused].join('\n'))
}

/** The image with a colour (red, green, blue, opacity) over each voxel that has one. */
function paint(canvas, { data, width, height }, colourOf) {
  const painted = new ImageData(width, height)
  for (let voxel = 0; voxel < width * height; voxel++) {
    const colour = colourOf(voxel)
    const opacity = colour ? colour[3] : 0
    for (let channel = 0; channel < 3; channel++) {
      painted.data[4 * voxel + channel] =
        data[4 * voxel + channel] * (1 - opacity) + (colour ? colour[channel] * opacity : 0)
    }
    painted.data[4 * voxel + 3] = 255
  }
  Object.assign(canvas, { width, height })
  canvas.getContext('2d').putImageData(painted, 0, 0)
}

/** The middle of an image. */
function pixelsOf(image, width, height) {
  const context = new OffscreenCanvas(width, height).getContext('2d')
  context.drawImage(image, Math.floor((width - image.width) / 2), Math.floor((height - image.height) / 2))
  return context.getImageData(0, 0, width, height)
}

/** Intensities in [−½, ½], plane by plane, as `stochseg train` gives them to a network. */
function planesOf({ data, width, height }, channels) {
  const voxels = width * height
  return Float32Array.from({ length: channels * voxels }, (_, index) => {
    return data[4 * (index % voxels) + Math.min(Math.floor(index / voxels), 2)] / 255 - 0.5
  })
}

function say(text) {
  element('status').textContent = text
}
