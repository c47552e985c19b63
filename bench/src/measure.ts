import { WakunetError } from '@wakunet/interface'
import { Lab, type LabHost } from '@wakunet/netlab'
import type { Figures } from './figures.ts'
import { type Iperf3Result, parseIperf3 } from './iperf3.ts'
import { withLastWords } from './last-words.ts'
import { type PingResult, parsePing } from './ping.ts'
import type { MeasurePlan } from './plan.ts'
import { busySeconds, cpuSeconds, memoryMiB } from './process-usage.ts'
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
/** First answer of a new overlay: handshakes, path discovery, spanning of the learning tables. */
const FIRST_PING_SECONDS = 30
const FIRST_PING_INTERVAL_SECONDS = 0.2
/** What iperf3 may take beyond its measuring time, on a machine that is busy with it. */
const IPERF3_GRACE_MS = 20_000
const LOAD_LEAD_SECONDS = 0.5
const IPERF3_PORT = 5201
const UDP_PAYLOAD_BYTES = 64

/** Builds a lab and one overlay in it, measures, and removes both. */
export async function measureOnce(system: System, plan: MeasurePlan, signal: AbortSignal): Promise<Run> {
  await using lab = await Lab.create({ name: 'bench', hosts: 2, topology: 'direct', signal })
  const overlay = await system.up(lab, signal)
  const bench = new Measurement(lab, overlay, signal)
  try {
    await bench.untilReachable()
    // Awaited here: the lab must outlive it.
    return await bench.run(plan)
  } catch (error) {
    throw withLastWords(error, overlay.processes.flat())
  }
}

class Measurement {
  readonly #client: LabHost
  readonly #server: LabHost
  readonly #overlay: Overlay
  readonly #signal: AbortSignal

  constructor(lab: Lab, overlay: Overlay, signal: AbortSignal) {
    this.#client = lab.host(1)
    this.#server = lab.host(2)
    this.#overlay = overlay
    this.#signal = signal
  }

  async untilReachable(): Promise<void> {
    const waiting = ['-c', '1', '-i', String(FIRST_PING_INTERVAL_SECONDS), '-w', String(FIRST_PING_SECONDS)]
    const { code } = await this.#client.exec('ping', [...waiting, this.#overlay.addresses[1]], {
      timeoutMs: (FIRST_PING_SECONDS + 5) * 1000,
      allowFailure: true,
      signal: this.#signal,
    })
    if (code === 0) return
    throw new WakunetError(
      'ERR_NOT_STARTED',
      `no ping came back over the overlay within ${FIRST_PING_SECONDS} s`,
    )
  }

  async run(plan: MeasurePlan): Promise<Run> {
    await this.#tcp(1, plan.warmUpSeconds)
    const idle = await this.#ping(plan.pingCount, plan.pingIntervalSeconds)
    const { tcp: tcp1, cpu, machineCpu } = await this.#tcpWithCpu(plan.tcpSeconds)
    const tcp4 = await this.#tcp(4, plan.tcpSeconds)
    const loaded = await this.#loadedPing(plan)
    const udp = await this.#udp(plan.udpSeconds)
    const memory = this.#memory()
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
    const args = [
      '-n',
      '-c',
      String(count),
      '-i',
      String(intervalSeconds),
      '-W',
      '1',
      this.#overlay.addresses[1],
    ]
    // A code of 1 says that some were lost; the totals say how many.
    const { stdout, stderr } = await this.#client.exec('ping', args, {
      allowFailure: true,
      signal: this.#signal,
    })
    const result = parsePing(stdout)
    if (result.rttUs.length > 0) return result
    throw new WakunetError('ERR_COMMAND_FAILED', `none of ${count} pings came back: ${stderr.trim()}`)
  }

  async #iperf3(seconds: number, args: readonly string[]): Promise<Iperf3Result> {
    const address = this.#overlay.addresses[1]
    const listen = ['--server', '--one-off', '--bind', address, '--port', String(IPERF3_PORT), '--forceflush']
    const server = this.#server.spawn('iperf3', listen)
    try {
      await server.waitForOutput(/Server listening/, { signal: this.#signal })
      const connect = [
        '--client',
        address,
        '--port',
        String(IPERF3_PORT),
        '--json',
        '--time',
        String(seconds),
      ]
      const { stdout } = await this.#client.exec('iperf3', [...connect, ...args], {
        timeoutMs: seconds * 1000 + IPERF3_GRACE_MS,
        allowFailure: true,
        signal: this.#signal,
      })
      return parseIperf3(stdout)
    } finally {
      await server.stop({ timeoutMs: 200 })
    }
  }

  /** Of the larger node: what one host has to have. */
  #memory(): { rss: number; peak: number } {
    const nodes = this.#overlay.processes.map((node) => memoryMiB(node.map(({ pid }) => pid)))
    return { rss: Math.max(...nodes.map(({ rss }) => rss)), peak: Math.max(...nodes.map(({ peak }) => peak)) }
  }
}

function mbps(result: Iperf3Result): number {
  return (result.bytesReceived * 8) / result.seconds / 1e6
}
