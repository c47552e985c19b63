import { WakunetError } from '@wakunet/interface'
import type { Lab, LabHost } from '@wakunet/netlab'
import type { Figures } from './figures.ts'
import { mbps, measureFlow, untilReachable } from './flow.ts'
import type { Iperf3Result } from './iperf3.ts'
import { onOverlay } from './on-overlay.ts'
import { type PingResult, parsePing } from './ping.ts'
import type { MeasurePlan } from './plan.ts'
import { busySeconds, cpuSeconds, largestMemory } from './process-usage.ts'
import { percentile } from './statistics.ts'
import type { Overlay, System } from './system.ts'

/** What else a run shows; not compared. */
export interface RunDetails {
  readonly congestionControl: string | null
  readonly retransmits: number
  readonly pingsLost: number
  readonly loadedPingsLost: number
  /** Peak resident memory (VmHWM) of the larger node, MiB. */
  readonly peakMiB: number
  /** CPU seconds of the whole machine per gigabyte: iperf3, kernel and whatever else ran included. */
  readonly machineCpuSecondsPerGB: number
}

export interface Run {
  readonly figures: Figures
  readonly details: RunDetails
}

const BYTES_PER_GB = 1e9
const LOAD_LEAD_SECONDS = 0.5
const UDP_PAYLOAD_BYTES = 64

/** Builds a lab and one overlay in it, measures, and removes both. */
export async function measureOnce(system: System, plan: MeasurePlan, signal: AbortSignal): Promise<Run> {
  return onOverlay(system, { name: 'bench', hosts: 2, topology: 'direct', signal }, async (lab, overlay) => {
    const bench = new Measurement(lab, overlay, signal)
    await bench.untilReachable()
    return bench.run(plan)
  })
}

class Measurement {
  readonly #client: LabHost
  readonly #server: LabHost
  readonly #overlay: Overlay
  /** Of the server. */
  readonly #address: string
  readonly #signal: AbortSignal

  constructor(lab: Lab, overlay: Overlay, signal: AbortSignal) {
    this.#client = lab.host(1)
    this.#server = lab.host(2)
    this.#overlay = overlay
    this.#address = overlay.addresses[1]!
    this.#signal = signal
  }

  untilReachable(): Promise<void> {
    return untilReachable(this.#client, this.#address, this.#signal)
  }

  async run(plan: MeasurePlan): Promise<Run> {
    await this.#tcp(1, plan.warmUpSeconds)
    const idle = await this.#ping(plan.pingCount, plan.pingIntervalSeconds)
    const { tcp: tcp1, cpu, machineCpu } = await this.#tcpWithCpu(plan.tcpSeconds)
    const tcp4 = await this.#tcp(4, plan.tcpSeconds)
    const loaded = await this.#loadedPing(plan)
    const udp = await this.#udp(plan.udpSeconds)
    const memory = largestMemory(this.#overlay.processes)
    const gigabytes = tcp1.bytesReceived / BYTES_PER_GB
    return {
      figures: {
        tcp1Mbps: mbps(tcp1),
        tcp4Mbps: mbps(tcp4),
        udp64Pps: udp.bytesReceived / UDP_PAYLOAD_BYTES / udp.seconds,
        pingP50Us: percentile(idle.rttUs, 0.5),
        pingP99Us: percentile(idle.rttUs, 0.99),
        loadedPingP99Us: percentile(loaded.rttUs, 0.99),
        cpuSecondsPerGB: cpu / gigabytes,
        rssMiB: memory.rss,
      },
      details: {
        congestionControl: tcp1.congestionControl,
        retransmits: tcp1.retransmits,
        pingsLost: idle.sent - idle.received,
        loadedPingsLost: loaded.sent - loaded.received,
        peakMiB: memory.peak,
        machineCpuSecondsPerGB: machineCpu / gigabytes,
      },
    }
  }

  #tcp(streams: number, seconds: number): Promise<Iperf3Result> {
    return this.#iperf3(seconds, ['--parallel', String(streams)])
  }

  /** Small packets as fast as the sender can; what counts is what arrives. */
  #udp(seconds: number): Promise<Iperf3Result> {
    return this.#iperf3(seconds, ['--udp', '--bitrate', '0', '--length', String(UDP_PAYLOAD_BYTES)])
  }

  async #tcpWithCpu(seconds: number): Promise<{ tcp: Iperf3Result; cpu: number; machineCpu: number }> {
    const pids = this.#overlay.processes.flat().map(({ pid }) => pid)
    const [cpuBefore, busyBefore] = [cpuSeconds(pids), busySeconds()]
    const tcp = await this.#tcp(1, seconds)
    return { tcp, cpu: cpuSeconds(pids) - cpuBefore, machineCpu: busySeconds() - busyBefore }
  }

  async #loadedPing(plan: MeasurePlan): Promise<PingResult> {
    const pingSeconds = plan.loadedPingCount * plan.loadedPingIntervalSeconds
    const load = this.#tcp(1, Math.ceil(pingSeconds + 2 * LOAD_LEAD_SECONDS))
    const [ping] = await Promise.all([
      new Promise((resolve) => setTimeout(resolve, LOAD_LEAD_SECONDS * 1000)).then(() =>
        this.#ping(plan.loadedPingCount, plan.loadedPingIntervalSeconds),
      ),
      load,
    ])
    return ping
  }

  async #ping(count: number, intervalSeconds: number): Promise<PingResult> {
    const args = ['-n', '-c', String(count), '-i', String(intervalSeconds), '-W', '1', this.#address]
    // A code of 1 says that some were lost; the totals say how many.
    const { stdout, stderr } = await this.#client.exec('ping', args, {
      allowFailure: true,
      signal: this.#signal,
    })
    const result = parsePing(stdout)
    if (result.rttUs.length > 0) return result
    throw new WakunetError('ERR_COMMAND_FAILED', `none of ${count} pings came back: ${stderr.trim()}`)
  }

  #iperf3(seconds: number, args: readonly string[]): Promise<Iperf3Result> {
    const [client, server, address, signal] = [this.#client, this.#server, this.#address, this.#signal]
    return measureFlow({ client, server, address, seconds, args, signal })
  }
}
