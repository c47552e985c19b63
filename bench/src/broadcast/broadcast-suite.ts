import { buildFigureReport, renderFigureReport } from '../figure-report.ts'
import { systemsOfMany } from '../measured-systems.ts'
import { runRounds } from '../rounds.ts'
import { requireLab } from '../run-bench.ts'
import type { Suite } from '../suite.ts'
import type { System } from '../system.ts'
import { formatFigure } from '../table.ts'
import { withoutStormControl } from '../unlimited.ts'
import {
  BROADCAST_FIGURES,
  type BroadcastFigure,
  type BroadcastPlan,
  measureBroadcast,
} from './measure-broadcast.ts'

const MEMBERS = [2, 8, 32] as const
const QUICK_MEMBERS = [2, 8] as const
const PLAN: BroadcastPlan = { seconds: 2, pings: 100 }
const QUICK_PLAN: BroadcastPlan = { seconds: 1, pings: 50 }
const DEFAULT_SYSTEMS = ['tinc', 'wakunet']

interface Variant {
  readonly name: string
  readonly system: System
  readonly members: number
}

/** What a frame to everybody costs as the network grows. */
export const broadcastSuite: Suite = {
  name: 'broadcast',
  about: `what a frame to everybody costs with ${MEMBERS.join(', ')} members`,
  async run(context) {
    requireLab()
    const { quick, progress, signal } = context
    const systems = systemsOfMany(context, DEFAULT_SYSTEMS).map(withoutStormControl)
    const sizes = quick ? QUICK_MEMBERS : MEMBERS
    const plan = quick ? QUICK_PLAN : PLAN
    const variants = sizes.flatMap((members) => systems.map((system) => variantOf(system, members)))
    const { runs, failures } = await runRounds<Variant, Record<BroadcastFigure, number>>({
      systems: variants,
      runs: context.runs,
      signal,
      measure: ({ system, members }) => measureBroadcast(system, members, plan, signal),
      onRun: ({ name }, run, { senderCpuUs, allCpuUs }) =>
        progress(
          `broadcast, run ${run}/${context.runs}  ${name}: sender ${formatFigure(senderCpuUs)} µs, ` +
            `all ${formatFigure(allCpuUs)} µs a frame`,
        ),
      onFailure: ({ name, reason }) => progress(`${name} failed: ${reason.split('\n', 1)[0]}`),
    })
    const report = buildFigureReport<BroadcastFigure>({ figures: BROADCAST_FIGURES, runs, failures })
    return {
      report,
      text: `${renderFigureReport('system', BROADCAST_FIGURES, report)}\n\n${NOTES}`,
      failures,
    }
  },
}

function variantOf(system: System, members: number): Variant {
  return { name: `${system.name}, ${members} members`, system, members }
}

const NOTES = [
  'UDP to the broadcast address, 512 bytes of payload. CPU and delivered (to the slowest): 1,000 a second, 258 with 32 members,',
  'less what the nodes use when nothing is sent. At most: as fast as the sender can, what the slowest gets. All answered: pings',
  'to the broadcast address that every member answers. The sender is not always the root of the tree: then the root is the',
  'busiest node. Storm control is off, or it would stop what is measured; everything else is as always.',
].join('\n')
