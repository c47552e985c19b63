import { buildFigureReport, renderFigureReport } from '../figure-report.ts'
import { measuredSystems, oursAgainstOthers } from '../measured-systems.ts'
import { runRounds } from '../rounds.ts'
import { requireLab } from '../run-bench.ts'
import type { Suite } from '../suite.ts'
import { OVERLAY_MTU } from '../system.ts'
import { formatFigure } from '../table.ts'
import { LOSS_FIGURES, type LossFigure, measureLoss } from './measure-loss.ts'

const SECONDS = 4
const QUICK_SECONDS = 2
const DEFAULT_SYSTEMS = ['veth', 'wireguard-go', 'wakunet']

/** What one TCP stream keeps of its speed when packets get lost. */
export const lossSuite: Suite = {
  name: 'loss',
  about: 'one TCP stream while 0, 0.1, 1 and 5 % of the packets get lost',
  async run(context) {
    requireLab()
    const { quick, progress, signal } = context
    const systems = measuredSystems(context, DEFAULT_SYSTEMS)
    const seconds = quick ? QUICK_SECONDS : SECONDS
    const { runs, failures } = await runRounds({
      systems,
      runs: context.runs,
      signal,
      measure: (system) => measureLoss(system, seconds, signal),
      onRun: ({ name }, run, { clean, perMille1, perMille10, perMille50 }) =>
        progress(
          `loss, run ${run}/${context.runs}  ${name}: ${[clean, perMille1, perMille10, perMille50].map(formatFigure).join(', ')} Mbit/s`,
        ),
      onFailure: ({ name, reason }) => progress(`${name} failed: ${reason.split('\n', 1)[0]}`),
    })
    const ratios = oursAgainstOthers(systems)
    const report = buildFigureReport<LossFigure>({ figures: LOSS_FIGURES, runs, ratios, failures })
    const notes =
      `Two hosts (network namespaces) joined by a bridge; packets of 1,500 bytes on the wire, each lost with the same chance either way; MTU\n` +
      `inside every overlay ${OVERLAY_MTU}. One TCP stream, ${seconds} s, with the kernel's own congestion control.`
    return { report, text: `${renderFigureReport('system', LOSS_FIGURES, report)}\n\n${notes}`, failures }
  },
}
