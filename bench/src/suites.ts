import { againstSuite } from './against/against-suite.ts'
import { broadcastSuite } from './broadcast/broadcast-suite.ts'
import { hostsSuite } from './hosts/hosts-suite.ts'
import { lossSuite } from './loss/loss-suite.ts'
import { multicastSuite } from './multicast/multicast-suite.ts'
import type { BenchOptions } from './options.ts'
import type { Suite } from './suite.ts'
import { switchSuite } from './switch/switch-suite.ts'

/** Every suite that `--suite` knows, in the order in which they run. */
export const SUITES: readonly Suite[] = [switchSuite, hostsSuite, broadcastSuite, multicastSuite, lossSuite]

/** The suites that the options name, and the comparison with another commit. */
export function suitesOf({ suites, against }: Pick<BenchOptions, 'suites' | 'against'>): Suite[] {
  const named = SUITES.filter(({ name }) => suites.includes(name))
  return against === null ? named : [...named, againstSuite(against)]
}
