import type { LabHost } from '@wakunet/netlab'
import type { FigureInfo, FigureRun } from '../figure-report.ts'
import { mbps, measureFlow, untilReachable } from '../flow.ts'
import { onOverlay } from '../on-overlay.ts'
import type { System } from '../system.ts'

/** Packets of a thousand that get lost, each way, in the order of the figures. */
const LOSSES_PER_MILLE = [0, 1, 10, 50] as const
const TABLE = 'benchloss'

export const LOSS_FIGURES = [
  { key: 'clean', title: 'no loss', unit: 'Mbit/s', better: 'higher' },
  { key: 'perMille1', title: '0.1 %', unit: 'Mbit/s', better: 'higher' },
  { key: 'perMille10', title: '1 %', unit: 'Mbit/s', better: 'higher' },
  { key: 'perMille50', title: '5 %', unit: 'Mbit/s', better: 'higher' },
] as const satisfies readonly FigureInfo[]
export type LossFigure = (typeof LOSS_FIGURES)[number]['key']

/** One TCP stream between two hosts whose network carries packets of its MTU and loses some of them. */
export async function measureLoss(
  system: System,
  seconds: number,
  signal: AbortSignal,
): Promise<FigureRun<LossFigure>> {
  return onOverlay(system, { name: 'benchloss', hosts: 2, signal }, async (lab, overlay) => {
    const [client, server] = lab.hosts as [LabHost, LabHost]
    const address = overlay.addresses[1]!
    for (const host of lab.hosts) await host.receiveWirePackets()
    await untilReachable(client, address, signal)
    const throughput = async (time: number) =>
      mbps(await measureFlow({ client, server, address, seconds: time, signal }))
    await throughput(1)
    const figures: number[] = []
    for (const perMille of LOSSES_PER_MILLE) {
      for (const host of lab.hosts) await loseIncoming(host, perMille)
      figures.push(await throughput(seconds))
    }
    const [clean, perMille1, perMille10, perMille50] = figures as [number, number, number, number]
    return { clean, perMille1, perMille10, perMille50 }
  })
}

/** Before connection tracking and routing, as on the wire. 0 ends it. */
async function loseIncoming(host: LabHost, perMille: number): Promise<void> {
  const drop = `iifname ${host.interface} numgen random mod 1000 < ${perMille} drop`
  const input = `
    add table ip ${TABLE}
    delete table ip ${TABLE}
    add table ip ${TABLE}
    add chain ip ${TABLE} in { type filter hook prerouting priority -300; }
    ${perMille === 0 ? '' : `add rule ip ${TABLE} in ${drop}`}
  `
  await host.exec('nft', ['-f', '-'], { input })
}
