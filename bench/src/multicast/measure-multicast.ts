import type { Lab } from '@wakunet/netlab'
import type { FigureInfo, FigureRun } from '../figure-report.ts'
import { untilReachable } from '../flow.ts'
import { onOverlay } from '../on-overlay.ts'
import { cpuSeconds } from '../process-usage.ts'
import type { Overlay, System } from '../system.ts'
import { sendDatagrams } from '../traffic/datagram-stream.ts'
import { type PacketCount, PacketCounter } from '../traffic/packet-counter.ts'

export const MEMBERS = 8
const GROUP = '239.77.0.1'
const GROUP_ROUTE = '239.77.0.0/16'
const PORT = 5500
const PAYLOAD_BYTES = 1_300
const SEGMENTS = 40
/** Offered to every system alike: 1 Gbit/s of payload. */
export const OFFERED_MBPS = 1_000
const PER_SECOND = (OFFERED_MBPS * 1e6) / 8 / PAYLOAD_BYTES
/** Until a report of the subscriber has come to all switches. */
const SETTLE_MS = 2_000
const BYTES_PER_GB = 1e9
const JOINER = new URL('../traffic/join-group.ts', import.meta.url).pathname

export const MULTICAST_FIGURES = [
  { key: 'subscriberMbps', title: 'subscriber', unit: 'Mbit/s', better: 'higher' },
  { key: 'othersPackets', title: '6 others', unit: 'packets', better: 'lower' },
  { key: 'othersMbps', title: '6 others', unit: 'Mbit/s', better: 'lower' },
  { key: 'senderCpuSecondsPerGB', title: 'CPU: sender', unit: 's/GB', better: 'lower' },
  { key: 'othersCpuSecondsPerGB', title: 'CPU: 6 others', unit: 's/GB', better: 'lower' },
] as const satisfies readonly FigureInfo[]
export type MulticastFigure = (typeof MULTICAST_FIGURES)[number]['key']

/** A stream of the first of eight members to a group that the second alone has joined. */
export async function measureMulticast(
  system: System,
  seconds: number,
  signal: AbortSignal,
): Promise<FigureRun<MulticastFigure>> {
  return onOverlay(system, { name: 'benchmcast', hosts: MEMBERS, signal }, async (lab, overlay) => {
    for (const address of overlay.addresses.slice(1)) await untilReachable(lab.host(1), address, signal)
    return measure(lab, overlay, seconds, signal)
  })
}

async function measure(
  lab: Lab,
  overlay: Overlay,
  seconds: number,
  signal: AbortSignal,
): Promise<FigureRun<MulticastFigure>> {
  const [sender, subscriber, ...others] = lab.hosts
  await sender!.ip([`route add ${GROUP_ROUTE} dev ${overlay.interfaceName}`])
  const counters = await Promise.all([subscriber!, ...others].map((host) => PacketCounter.start(host, PORT)))
  const joiner = subscriber!.spawn(process.execPath, ['--no-warnings', JOINER, GROUP, overlay.addresses[1]!])
  await joiner.waitForOutput(/joined/, { signal })
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  const cpuBefore = cpuOf(overlay)
  const stream = {
    source: overlay.addresses[0]!,
    destination: GROUP,
    port: PORT,
    payloadBytes: PAYLOAD_BYTES,
    perSecond: PER_SECOND,
    seconds,
    segments: SEGMENTS,
  }
  const sent = await sendDatagrams(sender!, stream, signal)
  const cpu = cpuOf(overlay).map((now, node) => now - cpuBefore[node]!)
  const [toSubscriber, ...toOthers] = await Promise.all(counters.map((counter) => counter.read()))
  const gigabytes = toSubscriber!.payloadBytes / BYTES_PER_GB
  const ofOthers = (figure: (count: PacketCount) => number) => sum(toOthers.map(figure))
  return {
    subscriberMbps: (toSubscriber!.payloadBytes * 8) / sent.seconds / 1e6,
    othersPackets: ofOthers(({ packets }) => packets),
    othersMbps: (ofOthers(({ payloadBytes }) => payloadBytes) * 8) / sent.seconds / 1e6,
    senderCpuSecondsPerGB: cpu[0]! / gigabytes,
    othersCpuSecondsPerGB: sum(cpu.slice(2)) / gigabytes,
  }
}

function cpuOf(overlay: Overlay): number[] {
  return overlay.processes.map((processes) => cpuSeconds(processes.map(({ pid }) => pid)))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
