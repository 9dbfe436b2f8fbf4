// Nodes appended one after another, each with one output of a name of its own.
import type { OnnxAttribute, OnnxInitializer, OnnxNode } from './protobuf/onnx-model'

/** Collects nodes and constants of a part of a graph. Names begin with its prefix. */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = []
  readonly constants: OnnxInitializer[] = []
  readonly operatorSet: number
  readonly #prefix: string
  #names = 0

  constructor(prefix: string, operatorSet: number) {
    this.#prefix = prefix
    this.operatorSet = operatorSet
  }

  /** Appends a node and gives its output's name, which may be chosen. */
  operator(
    operation: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    output: string = this.#newName(operation),
  ): string {
    this.nodes.push({ name: output, operation, inputs, outputs: [output], attributes })
    return output
  }

  /** Appends nodes and constants that have names of their own. */
  append(nodes: readonly OnnxNode[], constants: readonly OnnxInitializer[]): void {
    this.nodes.push(...nodes)
    this.constants.push(...constants)
  }

  /** A reduction over one axis. Sums take axes as an input since operator set 13, others since 18. */
  reduce(
    operation: 'ReduceSum' | 'ReduceMax' | 'ReduceMean',
    input: string,
    axis: number,
    keepAxis: boolean,
  ): string {
    const keepdims = { int: keepAxis ? 1 : 0 }
    const asInput = this.operatorSet >= (operation === 'ReduceSum' ? 13 : 18)
    return asInput
      ? this.operator(operation, [input, this.integers([axis])], { keepdims })
      : this.operator(operation, [input], { keepdims, axes: { ints: [axis] } })
  }

  /** A constant vector of whole numbers: axes, sizes, … */
  integers(values: readonly number[]): string {
    return this.#constant([values.length], BigInt64Array.from(values, BigInt))
  }

  floats(values: ArrayLike<number>, shape: readonly number[], name?: string): string {
    return this.#constant(shape, Float32Array.from(values), name)
  }

  #constant(
    shape: readonly number[],
    data: OnnxInitializer['data'],
    name: string = this.#newName('constant'),
  ): string {
    this.constants.push({ name, shape, data })
    return name
  }

  #newName(kind: string): string {
    return `${this.#prefix}.${kind}${this.#names++}`
  }
}
