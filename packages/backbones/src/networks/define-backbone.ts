// A backbone as a plug-in: a name, options with defaults, and a function that builds a spec from them.
import { type HeadKind, ModelError, ValueError } from '@stochseg/core'
import type { NetworkSpec } from '../spec/network-spec'
import { networkSpec } from '../spec/validate'

/** What a network is for: known from the data and the configuration, not chosen by the backbone. */
export interface BackboneTask {
  readonly dimensions: 2 | 3
  readonly inputChannels: number
  /** The head that will read the features. */
  readonly head: HeadKind
}

/** The value of a backbone's option. */
export type BackboneOption = boolean | number | string | readonly (number | string)[]

/** A backbone's options by name. */
export type BackboneOptions = Readonly<Record<string, BackboneOption>>

/** What {@link defineBackbone} makes a backbone of. */
export interface BackboneDefinition<Options extends BackboneOptions> {
  readonly name: string
  /** One line for people who choose. */
  readonly description: string
  /** Numbers of spatial axes that it can be built for. */
  readonly dimensions: readonly (2 | 3)[]
  /** Every option with its default. An option's value has its default's type. */
  readonly defaults: Options
  readonly build: (task: BackboneTask, options: Options) => NetworkSpec
}

/** A backbone that can be chosen by name. */
export interface Backbone {
  readonly name: string
  readonly description: string
  readonly dimensions: readonly (2 | 3)[]
  readonly defaults: BackboneOptions
  /**
   * The checked spec for a task. Options may come from a file: throws {@link ValueError} for ones that the backbone does
   * not know or of another type than their default, {@link ModelError} for a spec that does not fit the task.
   */
  build(task: BackboneTask, options?: Readonly<Record<string, unknown>>): NetworkSpec
}

/** Makes a backbone that checks its options and what it builds. A package offers it as its default export. */
export function defineBackbone<Options extends BackboneOptions>(
  definition: BackboneDefinition<Options>,
): Backbone {
  const { name, description, dimensions, defaults } = definition
  return {
    name,
    description,
    dimensions,
    defaults,
    build(task, options = {}) {
      if (!dimensions.includes(task.dimensions)) {
        throw new ValueError(`backbone '${name}'`, {
          found: `images of ${task.dimensions} dimensions`,
          expected: dimensions.join(' or '),
          remedy: 'Choose a backbone for such images',
        })
      }
      for (const [option, value] of Object.entries(options)) checkOption(name, defaults, option, value)
      const spec = networkSpec(definition.build(task, { ...defaults, ...options } as Options))
      checkTask(name, spec, task)
      return spec
    },
  }
}

function checkOption(backbone: string, defaults: BackboneOptions, option: string, value: unknown): void {
  const fallback = Object.hasOwn(defaults, option) ? defaults[option] : undefined
  if (fallback === undefined) {
    throw new ValueError(`backbone '${backbone}', option '${option}'`, {
      found: 'no such option',
      expected: Object.keys(defaults).join(', ') || 'none: it has no options',
      remedy: 'Correct its name or leave it out',
    })
  }
  const lists = [fallback, value].filter(Array.isArray)
  if (kindOf(value) === kindOf(fallback)) return
  if (lists.length === 2 && lists.some((list) => list.length === 0)) return
  throw new ValueError(`backbone '${backbone}', option '${option}'`, {
    found: JSON.stringify(value) ?? String(value),
    expected: `${kindOf(fallback)}, e.g. ${JSON.stringify(fallback)}`,
    remedy: 'Correct its value or leave it out',
  })
}

function kindOf(value: unknown): string {
  if (!Array.isArray(value)) return typeof value
  return `a list of ${[...new Set(value.map((item) => `${typeof item}s`))].join(' and ')}`
}

function checkTask(backbone: string, spec: NetworkSpec, { dimensions, inputChannels }: BackboneTask): void {
  const [image, ...others] = spec.inputs
  if (spec.dimensions === dimensions && others.length === 0 && image!.channels === inputChannels) return
  throw new ModelError(`network of backbone '${backbone}'`, {
    found: `${spec.dimensions} dimensions, inputs of ${spec.inputs.map(({ channels }) => channels).join(' and ')} channels`,
    expected: `${dimensions} dimensions, one input of ${inputChannels} channels`,
    remedy: 'Its build function must use the task that it is given',
  })
}
