import { expect, it } from 'vitest'
import { monteCarloNll } from '../loss/monte-carlo-nll'
import { ToyModel } from './toy-model'
import { toyLabelMaps } from './toy-problem'

it('has the gradients of finite differences', () => {
  for (const head of ['low-rank', 'diagonal'] as const) {
    const model = new ToyModel(head, 3)
    const labels = toyLabelMaps()
    const options = { samples: 20, seed: 5 }
    const loss = (): number => monteCarloNll(model.distribution(2), labels, options).loss
    const { gradients } = monteCarloNll(model.distribution(2), labels, { ...options, gradients: true })
    model.gradients(gradients!).forEach((gradient, which) => {
      const parameter = model.parameters[which]!
      gradient.forEach((slope, index) => {
        const [held, step] = [parameter[index]!, 1e-2]
        parameter[index] = held + step
        const above = loss()
        parameter[index] = held - step
        const difference = (above - loss()) / (2 * step)
        parameter[index] = held
        expect(slope, `${head}: parameter ${which}[${index}]`).toBeCloseTo(difference, 3)
      })
    })
  }
})
