// RMSprop's update of one parameter.
import {
  checkOptionNames,
  positive,
  type RmsPropOptions,
  rate,
  type UpdateRule,
  wrongOption,
} from './update-rule'

/**
 * RMSprop (Tieleman & Hinton, lecture 6.5, 2012) in the form of PyTorch's `torch.optim.RMSprop`, not centred:
 * s ← decay·s + (1 − decay)·g²; b ← momentum·b + g / (√s + epsilon); values ← values − learningRate·b. Throws `ValueError`
 * for numbers out of range and unknown options.
 */
export function rmsProp(options: RmsPropOptions): UpdateRule {
  const { decay = 0.9, momentum = 0, epsilon = 1e-8, decoupled = false } = options
  checkOptionNames(options, ['decay', 'momentum', 'epsilon', 'decoupled'])
  rate('decay', decay)
  rate('momentum', momentum)
  positive('epsilon', epsilon)
  if (typeof decoupled !== 'boolean') throw wrongOption('decoupled', decoupled, 'true or false')
  return {
    name: 'rmsProp',
    moments: ['square', 'buffer'],
    decoupled,
    move(values, gradient, moments, { learningRate, penalty, shrink }) {
      const [square, buffer] = [moments[0]!, moments[1]!]
      for (let index = 0; index < values.length; index++) {
        const value = values[index]!
        const slope = gradient[index]! + penalty * value
        square[index] = decay * square[index]! + (1 - decay) * slope * slope
        buffer[index] = momentum * buffer[index]! + slope / (Math.sqrt(square[index]!) + epsilon)
        values[index] = shrink * value - learningRate * buffer[index]!
      }
    },
    wgsl: {
      numbers: ({ learningRate }) => ({ rate: learningRate, new_square: 1 - decay, momentum, epsilon }),
      code: /* wgsl */ `
square += settings.new_square * (slope * slope - square);
buffer = settings.momentum * buffer + slope / (sqrt(square) + settings.epsilon);
let change = settings.rate * buffer;
`,
    },
  }
}
