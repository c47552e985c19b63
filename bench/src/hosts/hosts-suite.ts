import { buildFigureReport, renderFigureReport } from '../figure-report.ts'
import { oursAgainstOthers, systemsOfMany } from '../measured-systems.ts'
import { runRounds } from '../rounds.ts'
import { requireLab } from '../run-bench.ts'
import type { Suite } from '../suite.ts'
import { OVERLAY_MTU } from '../system.ts'
import { formatFigure } from '../table.ts'
import { HOST_FIGURES, HOSTS, type HostFigure, measureHosts } from './measure-hosts.ts'

const SECONDS = 4
const QUICK_SECONDS = 1
const DEFAULT_SYSTEMS = ['veth', 'tinc', 'n2n', 'wakunet']

/** What eight hosts of one network get through together. */
export const hostsSuite: Suite = {
  name: 'hosts',
  about: `${HOSTS} hosts of one VLAN at once: TCP in pairs, all to one, and in a ring`,
  async run(context) {
    requireLab()
    const { quick, progress, signal } = context
    const systems = systemsOfMany(context, DEFAULT_SYSTEMS)
    const seconds = quick ? QUICK_SECONDS : SECONDS
    const { runs, failures } = await runRounds({
      systems,
      runs: context.runs,
      signal,
      measure: (system) => measureHosts(system, seconds, signal),
      onRun: ({ name }, run, { pairsMbps, toOneMbps, ringMbps }) =>
        progress(
          `hosts, run ${run}/${context.runs}  ${name}: ${[pairsMbps, toOneMbps, ringMbps].map(formatFigure).join(', ')} Mbit/s`,
        ),
      onFailure: ({ name, reason }) => progress(`${name} failed: ${reason.split('\n', 1)[0]}`),
    })
    const ratios = oursAgainstOthers(systems)
    const report = buildFigureReport<HostFigure>({ figures: HOST_FIGURES, runs, ratios, failures })
    const notes =
      `${HOSTS} hosts (network namespaces) on one machine, joined by a bridge; MTU inside every overlay ${OVERLAY_MTU}. One TCP ` +
      `stream a pair,\n${seconds} s; sums of what arrives. All of them, and iperf3, share the processors. CPU: of the overlay's ` +
      'processes on all hosts, in pairs.'
    return { report, text: `${renderFigureReport('system', HOST_FIGURES, report)}\n\n${notes}`, failures }
  },
}
