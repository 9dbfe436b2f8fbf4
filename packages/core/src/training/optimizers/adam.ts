// Adam's update of one parameter.
import { type AdamOptions, checkOptionNames, positive, rate, type UpdateRule } from './update-rule'

/**
 * Adam with bias correction (Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1). Throws
 * `ValueError` for numbers out of range and unknown options.
 */
export function adam(options: AdamOptions): UpdateRule {
  const { name, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options
  checkOptionNames(options, ['beta1', 'beta2', 'epsilon'])
  rate('beta1', beta1)
  rate('beta2', beta2)
  positive('epsilon', epsilon)
  return {
    name: 'adam',
    moments: ['first', 'second'],
    decoupled: name === 'adamW',
    move(values, gradient, moments, { step, learningRate, penalty, shrink }) {
      const [first, second] = [moments[0]!, moments[1]!]
      const scaledRate = learningRate / (1 - beta1 ** step)
      const correction = 1 / (1 - beta2 ** step)
      for (let index = 0; index < values.length; index++) {
        const value = values[index]!
        const slope = gradient[index]! + penalty * value
        first[index] = beta1 * first[index]! + (1 - beta1) * slope
        second[index] = beta2 * second[index]! + (1 - beta2) * slope * slope
        values[index] =
          shrink * value - (scaledRate * first[index]!) / (Math.sqrt(second[index]! * correction) + epsilon)
      }
    },
    wgsl: {
      numbers: ({ step, learningRate }) => ({
        rate: learningRate / (1 - beta1 ** step),
        correction: 1 / (1 - beta2 ** step),
        new_first: 1 - beta1,
        new_second: 1 - beta2,
        epsilon,
      }),
      code: /* wgsl */ `
first += settings.new_first * (slope - first);
second += settings.new_second * (slope * slope - second);
let change = settings.rate * first / (sqrt(second * settings.correction) + settings.epsilon);
`,
    },
  }
}
