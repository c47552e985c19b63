import { WakunetError } from '@wakunet/interface'
import type { Lab, LabHost } from '@wakunet/netlab'
import type { FigureInfo, FigureRun } from '../figure-report.ts'
import { untilReachable } from '../flow.ts'
import { onOverlay } from '../on-overlay.ts'
import { cpuSeconds } from '../process-usage.ts'
import { percentile } from '../statistics.ts'
import { OVERLAY_BROADCAST, type Overlay, type System } from '../system.ts'
import { sendDatagrams } from '../traffic/datagram-stream.ts'
import { PacketCounter } from '../traffic/packet-counter.ts'
import { timesUntilLast } from './broadcast-ping.ts'

const PORT = 5400
const PAYLOAD_BYTES = 512
/** So that nothing is lost: frames sent a second, and frames that all receivers together get. */
const MAX_PACED_PER_SECOND = 1_000
const MAX_RECEIVED_PER_SECOND = 8_000
const PING_INTERVAL_SECONDS = 0.02
/** Until what is under way has arrived. */
const SETTLE_SECONDS = 1

export const BROADCAST_FIGURES = [
  { key: 'senderCpuUs', title: 'CPU: sender', unit: 'µs/frame', better: 'lower' },
  { key: 'busiestCpuUs', title: 'busiest node', unit: 'µs/frame', better: 'lower' },
  { key: 'allCpuUs', title: 'all nodes', unit: 'µs/frame', better: 'lower' },
  { key: 'lastAnswerP50Us', title: 'all answered p50', unit: 'µs', better: 'lower' },
  { key: 'lastAnswerP99Us', title: 'p99', unit: 'µs', better: 'lower' },
  { key: 'framesPerSecond', title: 'at most', unit: 'frames/s', better: 'higher' },
  { key: 'pacedDeliveredShare', title: 'delivered', unit: 'share', better: 'higher' },
] as const satisfies readonly FigureInfo[]
export type BroadcastFigure = (typeof BROADCAST_FIGURES)[number]['key']

export interface BroadcastPlan {
  readonly seconds: number
  readonly pings: number
}

/** What a frame to everybody costs in a network of so many members. */
export async function measureBroadcast(
  system: System,
  members: number,
  plan: BroadcastPlan,
  signal: AbortSignal,
): Promise<FigureRun<BroadcastFigure>> {
  return onOverlay(system, { name: 'benchbcast', hosts: members, signal }, async (lab, overlay) => {
    for (const address of overlay.addresses.slice(1)) await untilReachable(lab.host(1), address, signal)
    return new Measurement(lab, overlay, plan, signal).run()
  })
}

class Measurement {
  readonly #sender: LabHost
  readonly #receivers: readonly LabHost[]
  readonly #overlay: Overlay
  readonly #plan: BroadcastPlan
  readonly #signal: AbortSignal

  constructor(lab: Lab, overlay: Overlay, plan: BroadcastPlan, signal: AbortSignal) {
    this.#sender = lab.host(1)
    this.#receivers = lab.hosts.slice(1)
    this.#overlay = overlay
    this.#plan = plan
    this.#signal = signal
  }

  async run(): Promise<FigureRun<BroadcastFigure>> {
    const counters = await Promise.all(this.#receivers.map((host) => PacketCounter.start(host, PORT)))
    const counts = async () =>
      (await Promise.all(counters.map((counter) => counter.read()))).map(({ packets }) => packets)
    // Nothing is compiled yet in nodes that have just started.
    await this.#send(pacedPerSecond(this.#receivers.length))
    const answers = await this.#ping()
    const idleCpu = await this.#cpuOf(() => wait(this.#plan.seconds))
    const before = await counts()
    let sent = 0
    const pacedCpu = await this.#cpuOf(async () => {
      sent = await this.#send(pacedPerSecond(this.#receivers.length))
    })
    await wait(SETTLE_SECONDS)
    const between = await counts()
    await this.#send(0)
    await wait(SETTLE_SECONDS)
    const after = await counts()
    // What nodes do anyway is not of the frames.
    const cpuUs = pacedCpu.map((cpu, node) => (Math.max(0, cpu - idleCpu[node]!) * 1e6) / sent)
    return {
      senderCpuUs: cpuUs[0]!,
      busiestCpuUs: Math.max(...cpuUs),
      allCpuUs: cpuUs.reduce((sum, cpu) => sum + cpu, 0),
      lastAnswerP50Us: percentile(answers, 0.5),
      lastAnswerP99Us: percentile(answers, 0.99),
      framesPerSecond: leastGrowth(between, after) / this.#plan.seconds,
      pacedDeliveredShare: leastGrowth(before, between) / sent,
    }
  }

  /** CPU seconds of each host's node while `run` runs. */
  async #cpuOf(run: () => Promise<void>): Promise<number[]> {
    const cpu = () => this.#overlay.processes.map((processes) => cpuSeconds(processes.map(({ pid }) => pid)))
    const before = cpu()
    await run()
    return cpu().map((now, node) => now - before[node]!)
  }

  async #send(perSecond: number): Promise<number> {
    const { datagrams } = await sendDatagrams(
      this.#sender,
      {
        source: this.#overlay.addresses[0]!,
        destination: OVERLAY_BROADCAST,
        port: PORT,
        payloadBytes: PAYLOAD_BYTES,
        perSecond,
        seconds: this.#plan.seconds,
      },
      this.#signal,
    )
    return datagrams
  }

  async #ping(): Promise<number[]> {
    const answer = 'printf 0 > /proc/sys/net/ipv4/icmp_echo_ignore_broadcasts'
    await Promise.all(this.#receivers.map((host) => host.exec('sh', ['-c', answer])))
    const args = ['-n', '-b', '-c', String(this.#plan.pings), '-i', String(PING_INTERVAL_SECONDS), '-W', '1']
    const { stdout } = await this.#sender.exec('ping', [...args, OVERLAY_BROADCAST], {
      allowFailure: true,
      signal: this.#signal,
    })
    const times = timesUntilLast(stdout, this.#receivers.length)
    if (times.length > 0) return times
    throw new WakunetError('ERR_COMMAND_FAILED', 'no ping to the broadcast address was answered by everybody')
  }
}

/** Each frame is one for every receiver, and all of them share this machine. */
export function pacedPerSecond(receivers: number): number {
  return Math.min(MAX_PACED_PER_SECOND, Math.floor(MAX_RECEIVED_PER_SECOND / receivers))
}

function leastGrowth(before: readonly number[], after: readonly number[]): number {
  return Math.min(...after.map((count, i) => count - before[i]!))
}

function wait(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}
