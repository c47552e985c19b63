import { WakunetError } from '@wakunet/interface'
import { DEFAULT_RUNS } from '../options.ts'
import { renderReport } from '../report-text.ts'
import { compareSystems, findMissing, refuseMissing, requireLab } from '../run-bench.ts'
import type { Suite } from '../suite.ts'
import type { System } from '../system.ts'
import { embeddedWakunet, separateWakunet, type WakunetInit } from '../systems/wakunet.ts'
import { buildCommit } from './build-commit.ts'

const KINDS: Readonly<Record<string, (init: WakunetInit) => System>> = {
  wakunet: embeddedWakunet,
  'wakunet-services': separateWakunet,
}

/** The main figures of this tree's nodes and of another commit's, in turns; the ratios say what has become better. */
export function againstSuite(commit: string): Suite {
  return {
    name: 'against',
    about: `this tree and ${commit} in turns`,
    defaultRuns: DEFAULT_RUNS,
    async run({ quick, only, runs, progress, signal }) {
      requireLab()
      const names = only.length === 0 ? ['wakunet'] : only
      const foreign = names.filter((name) => KINDS[name] === undefined)
      if (foreign.length > 0)
        throw new WakunetError('ERR_USAGE', `--against is for our own systems, not ${foreign.join(', ')}.`)
      const { programs, id } = await buildCommit(commit, { progress, signal })
      const systems = names.flatMap((name) => [
        KINDS[name]!({ name }),
        { ...KINDS[name]!({ name: `${name}@${id}`, programs }), ours: false },
      ])
      refuseMissing(systems.flatMap(findMissing))
      const report = await compareSystems(systems, [], { quick, runs, progress, signal })
      return { report, text: renderReport(report), failures: report.failures }
    },
  }
}
