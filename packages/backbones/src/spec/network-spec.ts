// NetworkSpec: a network as plain, serialisable data. Named nodes over named tensors, ending in a features tensor.
//
// Tensors are planar [N, C, *S] in meaning; an adapter may compute in another layout. A node's output tensor bears
// the node's name. Nodes are listed so that every tensor is written before it is read. What a node computes, to the
// last detail, is what reference-interpreter.ts does.
import type { SsnHead } from '@stochseg/core'

/** One number for each spatial axis. */
export type PerAxis = readonly number[]

/** `same`: output size = ⌈input / stride⌉, zeros around, the odd one behind; `valid`: no padding. */
export type Padding = 'same' | 'valid'

interface NodeBase {
  /** Name of the node and of its output tensor, unique in the spec; also the prefix of its weights. */
  readonly name: string
  /** Tensors it reads: inputs of the network or earlier nodes. */
  readonly inputs: readonly string[]
}

/**
 * Convolution (cross-correlation). Weights `<name>.weight` [out, in, *kernel] and, with `bias`, `<name>.bias` [out].
 * Stride and dilation are 1 unless given; along one axis only one of them may exceed 1.
 */
export interface ConvolutionNode extends NodeBase {
  readonly op: 'convolution'
  readonly channels: number
  readonly kernel: PerAxis
  readonly stride?: PerAxis
  readonly dilation?: PerAxis
  readonly padding: Padding
  readonly bias: boolean
}

/**
 * Transposed convolution whose stride is its kernel: every voxel becomes a block of `factor` voxels. Weights
 * `<name>.weight` [in, out, *factor] (as in PyTorch and ONNX) and, with `bias`, `<name>.bias` [out].
 */
export interface TransposedConvolutionNode extends NodeBase {
  readonly op: 'transposedConvolution'
  readonly channels: number
  readonly factor: PerAxis
  readonly bias: boolean
}

/** Batch normalisation. Weights `<name>.scale`, `.bias`, `.mean`, `.variance`, each [C]; the last two are running estimates. */
export interface BatchNormNode extends NodeBase {
  readonly op: 'batchNorm'
  readonly epsilon: number
  /** Share of the old running estimate that a training step keeps (Keras' convention). */
  readonly momentum: number
}

/**
 * Group normalisation (Wu & He 2018): each group of neighbouring channels of each image by its own mean and biased
 * variance, in training and inference alike. With as many groups as channels it is instance normalisation. Weights
 * `<name>.scale` and `.bias`, each [C].
 */
export interface GroupNormNode extends NodeBase {
  readonly op: 'groupNorm'
  /** Divides the channels. */
  readonly groups: number
  readonly epsilon: number
}

/** Pointwise non-linearity. `prelu` has the weight `<name>.slope` [1]: one scalar for all channels. */
export interface ActivationNode extends NodeBase {
  readonly op: 'activation'
  readonly function: 'relu' | 'prelu' | 'leakyRelu' | 'sigmoid' | 'tanh'
  /** Slope below zero of leakyRelu, initial slope of prelu; 0.01 and 0.25 unless given. */
  readonly slope?: number
}

/** Pooling; the stride is the window. Sizes must divide. */
export interface PoolNode extends NodeBase {
  readonly op: 'pool'
  readonly kind: 'average' | 'max'
  readonly window: PerAxis
}

/** Up-sampling by whole factors; `linear` has half-pixel centres (align_corners = false) and clamps at the border. */
export interface UpsampleNode extends NodeBase {
  readonly op: 'upsample'
  readonly kind: 'nearest' | 'linear'
  readonly factor: PerAxis
}

/** Concatenation of two or more tensors along channels, in the order of `inputs`; spatial sizes must be equal. */
export interface ConcatNode extends NodeBase {
  readonly op: 'concat'
}

/** Sum of two tensors of one shape. */
export interface AddNode extends NodeBase {
  readonly op: 'add'
}

/** Cuts `before` and `after` voxels off each axis. */
export interface CropNode extends NodeBase {
  readonly op: 'crop'
  readonly before: PerAxis
  readonly after: PerAxis
}

/** Every `step`-th voxel from `start` on along each axis. */
export interface SliceNode extends NodeBase {
  readonly op: 'slice'
  readonly start: PerAxis
  readonly step: PerAxis
}

/** Sets values to 0 with probability `rate` in training, scaling the rest by 1 / (1 − rate); nothing in inference. */
export interface DropoutNode extends NodeBase {
  readonly op: 'dropout'
  readonly rate: number
}

export type NetworkNode =
  | ConvolutionNode
  | TransposedConvolutionNode
  | BatchNormNode
  | GroupNormNode
  | ActivationNode
  | PoolNode
  | UpsampleNode
  | ConcatNode
  | AddNode
  | CropNode
  | SliceNode
  | DropoutNode

/** A network body without its head. The head reads the tensor named `features`. All inputs have one spatial size. */
export interface NetworkSpec {
  readonly format: 'stochseg.network'
  readonly version: 1
  /** e.g. `unet`. */
  readonly name: string
  readonly dimensions: 2 | 3
  readonly inputs: readonly { readonly name: string; readonly channels: number }[]
  readonly nodes: readonly NetworkNode[]
  /** The tensor that the head's 1×1 convolutions read. */
  readonly features: string
  /** Whether the head's convolutions have biases; true unless given. */
  readonly headBias?: boolean
  /**
   * Tensors that learn the labels too in training (deep supervision), at sizes that divide that of the features. `weight` is the
   * share of their cross-entropy, scaled up to the voxels of the features, in the loss.
   */
  readonly auxiliary?: readonly { readonly tensor: string; readonly weight: number }[]
}

/** A whole network: a body and the head on its features. */
export interface Network {
  readonly spec: NetworkSpec
  readonly head: SsnHead
}
