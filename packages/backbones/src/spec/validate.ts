// Whether a spec makes sense before any image is there: names, order, parameters of each node, channels.
import { ModelError } from '@stochseg/core'
import type { NetworkNode, NetworkSpec } from './network-spec'
import { tensorChannels } from './tensor-shapes'
import { usedTensors } from './used-tensors'

/** Names that exported models give to the head and its outputs. */
const RESERVED = ['head', 'mean', 'logDiagonal', 'factor', 'diagonal']

/**
 * Checks a spec (from code or from a file) and gives it back.
 *
 * Throws {@link ModelError}, naming the node, for another format or version, a name that is used twice or reserved, a
 * tensor that is read before it is written or twice by one node, a node that leads to nothing, an impossible parameter, or an
 * addition of unequal channels.
 */
export function networkSpec(spec: NetworkSpec): NetworkSpec {
  if (spec?.format !== 'stochseg.network' || spec.version !== 1) {
    throw new ModelError('network spec', {
      found: `format ${spec?.format}, version ${spec?.version}`,
      expected: "format 'stochseg.network', version 1",
      remedy: 'Use a spec that this version of stochseg writes',
    })
  }
  demand(typeof spec.name === 'string', 'name', JSON.stringify(spec.name) ?? 'nothing', 'a string')
  demand(spec.dimensions === 2 || spec.dimensions === 3, spec.name, `${spec.dimensions} dimensions`, '2 or 3')
  demand(Array.isArray(spec.inputs) && spec.inputs.length > 0, spec.name, 'no inputs', 'at least one input')
  demand(Array.isArray(spec.nodes), spec.name, 'no nodes', 'a list of nodes')

  const tensors = new Set<string>()
  const define = (name: unknown): void => {
    demand(typeof name === 'string' && name !== '', spec.name, `the name ${JSON.stringify(name)}`, 'a string')
    demand(!tensors.has(name), `'${name}'`, 'a second tensor of that name', 'unique names')
    demand(
      !RESERVED.includes(name) && !/^(head|auxiliary)\./.test(name),
      `'${name}'`,
      'a reserved name',
      `none of ${RESERVED.join(', ')}, head.…, auxiliary.…`,
    )
    tensors.add(name)
  }
  for (const input of spec.inputs) {
    demand(isRecord(input), spec.name, `the input ${JSON.stringify(input)}`, 'a name and channels')
    define(input.name)
    demand(
      isWhole(input.channels, 1),
      `input '${input.name}'`,
      `${input.channels} channels`,
      'a whole number ≥ 1',
    )
  }
  for (const node of spec.nodes) {
    demand(isRecord(node), spec.name, `the node ${JSON.stringify(node)}`, 'an operation')
    const { inputs = [] } = node
    demand(Array.isArray(inputs), `${node.op} '${node.name}'`, `inputs ${JSON.stringify(inputs)}`, 'a list')
    for (const input of inputs) {
      demand(
        tensors.has(input),
        `${node.op} '${node.name}'`,
        `input '${input}' before it is written`,
        listed(tensors),
      )
    }
    define(node.name)
    checkNode(node, spec.dimensions)
  }
  demand(tensors.has(spec.features), spec.name, `features '${spec.features}'`, listed(tensors))
  demand(
    spec.headBias === undefined || typeof spec.headBias === 'boolean',
    spec.name,
    `headBias ${spec.headBias}`,
    'true or false',
  )
  checkAuxiliary(spec, tensors)
  tensorChannels(spec)
  checkPaths(spec)
  return spec
}

function checkAuxiliary({ auxiliary = [] }: NetworkSpec, tensors: ReadonlySet<string>): void {
  demand(
    Array.isArray(auxiliary) && auxiliary.every(isRecord),
    'auxiliary heads',
    JSON.stringify(auxiliary),
    'a list of tensors and weights',
  )
  const seen = new Set<string>()
  for (const { tensor, weight } of auxiliary) {
    const subject = `auxiliary head on '${tensor}'`
    demand(tensors.has(tensor), subject, 'no such tensor', listed(tensors))
    demand(!seen.has(tensor), subject, 'a second one', 'one a tensor')
    demand(Number.isFinite(weight) && weight > 0, subject, `weight ${weight}`, 'a number > 0')
    seen.add(tensor)
  }
}

/** Every node must lead to a head: a slip in a name would leave it out of the network. */
function checkPaths(spec: NetworkSpec): void {
  const used = usedTensors(spec)
  for (const { op, name } of spec.nodes) {
    demand(
      used.has(name),
      `${op} '${name}'`,
      'an output that no head depends on',
      'a node that reads it, or none of it',
    )
  }
}

function checkNode(node: NetworkNode, dimensions: number): void {
  const subject = `${node.op} '${node.name}'`
  const count = node.inputs?.length ?? 0
  const fits = node.op === 'concat' ? count >= 2 : count === (node.op === 'add' ? 2 : 1)
  demand(fits, subject, `${count} inputs`, node.op === 'concat' ? '2 or more' : node.op === 'add' ? '2' : '1')
  // TF.js gives back a tensor's memory too early where a node reads it twice.
  demand(new Set(node.inputs).size === count, subject, `inputs ${node.inputs.join(', ')}`, 'different ones')

  const perAxis = (name: string, values: readonly number[], least: number): void => {
    demand(
      Array.isArray(values) && values.length === dimensions && values.every((value) => isWhole(value, least)),
      subject,
      `${name} ${JSON.stringify(values)}`,
      `${dimensions} whole numbers ≥ ${least}`,
    )
  }
  const number = (name: string, value: number, fine: boolean, expected: string): void => {
    demand(Number.isFinite(value) && fine, subject, `${name} ${value}`, expected)
  }
  const choice = (name: string, value: string, choices: readonly string[]): void => {
    demand(choices.includes(value), subject, `${name} ${value}`, `one of ${choices.join(', ')}`)
  }

  switch (node.op) {
    case 'convolution': {
      const { stride, dilation } = node
      number('channels', node.channels, isWhole(node.channels, 1), 'a whole number ≥ 1')
      perAxis('kernel', node.kernel, 1)
      if (stride !== undefined) perAxis('stride', stride, 1)
      if (dilation !== undefined) perAxis('dilation', dilation, 1)
      choice('padding', node.padding, ['same', 'valid'])
      demand(typeof node.bias === 'boolean', subject, `bias ${node.bias}`, 'true or false')
      demand(
        !stride?.some((step, axis) => step > 1 && (dilation?.[axis] ?? 1) > 1),
        subject,
        `stride [${stride}] with dilation [${dilation}]`,
        'at most one of them above 1 along an axis',
      )
      break
    }
    case 'transposedConvolution':
      number('channels', node.channels, isWhole(node.channels, 1), 'a whole number ≥ 1')
      perAxis('factor', node.factor, 1)
      demand(typeof node.bias === 'boolean', subject, `bias ${node.bias}`, 'true or false')
      break
    case 'groupNorm':
      number('groups', node.groups, isWhole(node.groups, 1), 'a whole number ≥ 1')
      number('epsilon', node.epsilon, node.epsilon > 0, 'a number > 0')
      break
    case 'batchNorm':
      number('epsilon', node.epsilon, node.epsilon > 0, 'a number > 0')
      number('momentum', node.momentum, node.momentum >= 0 && node.momentum < 1, 'a number in [0, 1)')
      break
    case 'activation':
      choice('function', node.function, ['relu', 'prelu', 'leakyRelu', 'sigmoid', 'tanh'])
      if (node.slope !== undefined) number('slope', node.slope, true, 'a number')
      break
    case 'pool':
      choice('kind', node.kind, ['average', 'max'])
      perAxis('window', node.window, 1)
      break
    case 'upsample':
      choice('kind', node.kind, ['nearest', 'linear'])
      perAxis('factor', node.factor, 1)
      break
    case 'crop':
      perAxis('before', node.before, 0)
      perAxis('after', node.after, 0)
      break
    case 'slice':
      perAxis('start', node.start, 0)
      perAxis('step', node.step, 1)
      break
    case 'dropout':
      number('rate', node.rate, node.rate >= 0 && node.rate < 1, 'a number in [0, 1)')
      break
    case 'concat':
    case 'add':
      break
    default:
      throw specError(
        `node '${(node as NetworkNode).name}'`,
        `operation ${(node as NetworkNode).op}`,
        'a known one',
      )
  }
}

function demand(condition: boolean, subject: string, found: string, expected: string): asserts condition {
  if (!condition) throw specError(subject, found, expected)
}

function specError(subject: string, found: string, expected: string): ModelError {
  return new ModelError(`network spec, ${subject}`, { found, expected, remedy: 'Correct the spec' })
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isWhole(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least
}

function listed(tensors: ReadonlySet<string>): string {
  const names = [...tensors]
  return `an earlier tensor (the last are ${names.slice(-3).join(', ')})`
}
