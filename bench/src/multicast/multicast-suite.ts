import { buildFigureReport, renderFigureReport } from '../figure-report.ts'
import { systemsOfMany } from '../measured-systems.ts'
import { runRounds } from '../rounds.ts'
import { requireLab } from '../run-bench.ts'
import type { Suite } from '../suite.ts'
import { formatFigure } from '../table.ts'
import { withoutSnooping, withoutStormControl } from '../unlimited.ts'
import {
  MEMBERS,
  MULTICAST_FIGURES,
  type MulticastFigure,
  measureMulticast,
  OFFERED_MBPS,
} from './measure-multicast.ts'

const SECONDS = 4
const QUICK_SECONDS = 1
const DEFAULT_SYSTEMS = ['tinc', 'wakunet']

/** A stream to one of eight, with and without the tables that keep it from the others. */
export const multicastSuite: Suite = {
  name: 'multicast',
  about: `a multicast stream to 1 of ${MEMBERS} members: what it gets, and what the others get`,
  async run(context) {
    requireLab()
    const { quick, progress, signal } = context
    const named = systemsOfMany(context, DEFAULT_SYSTEMS)
    const flooding = (name: string) => `${name}, flooding`
    const systems = named.flatMap((system) =>
      system.ours ? [withoutStormControl(system), withoutSnooping(system, flooding(system.name))] : [system],
    )
    const { runs, failures } = await runRounds({
      systems,
      runs: context.runs,
      signal,
      measure: (system) => measureMulticast(system, quick ? QUICK_SECONDS : SECONDS, signal),
      onRun: ({ name }, run, { subscriberMbps, othersPackets }) =>
        progress(
          `multicast, run ${run}/${context.runs}  ${name}: ${formatFigure(subscriberMbps)} Mbit/s, ` +
            `${formatFigure(othersPackets)} packets to others`,
        ),
      onFailure: ({ name, reason }) => progress(`${name} failed: ${reason.split('\n', 1)[0]}`),
    })
    const ratios = named.filter(({ ours }) => ours).map(({ name }) => [name, flooding(name)] as const)
    const report = buildFigureReport<MulticastFigure>({ figures: MULTICAST_FIGURES, runs, ratios, failures })
    return {
      report,
      text: `${renderFigureReport('system', MULTICAST_FIGURES, report)}\n\n${NOTES}`,
      failures,
    }
  },
}

const NOTES = [
  `UDP, ${OFFERED_MBPS.toLocaleString('en-US')} Mbit/s offered, 1,300 bytes a datagram, in super-frames (a packet that is counted`,
  'may be one). Storm control is off for all of ours, or flooding would be cut to a few hundred frames a second.',
].join('\n')
