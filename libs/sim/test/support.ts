import { type SimOptions, type SimReport, simulate } from '../src/index.ts'

export function runSmall(options: Partial<SimOptions> = {}): SimReport {
  return simulate({ nodes: 12, seed: 1, scenario: 'churn', events: 8, ...options })
}
