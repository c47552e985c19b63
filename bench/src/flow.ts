import { WakunetError } from '@wakunet/interface'
import type { LabHost } from '@wakunet/netlab'
import { type Iperf3Result, parseIperf3 } from './iperf3.ts'

/** Where iperf3 measures, and how. */
export interface FlowInit {
  readonly client: LabHost
  readonly server: LabHost
  /** Of the server, inside the overlay. */
  readonly address: string
  /** Default 5201; flows to one server need one each. */
  readonly port?: number
  readonly seconds: number
  /** For the client. */
  readonly args?: readonly string[]
  readonly signal: AbortSignal
}

/** What iperf3 may take beyond its measuring time, on a machine that is busy with it. */
const IPERF3_GRACE_MS = 20_000
const IPERF3_PORT = 5201
/** First answer of a new overlay: handshakes, path discovery, spanning of the learning tables. */
const FIRST_PING_SECONDS = 30
const FIRST_PING_INTERVAL_SECONDS = 0.2

/** Runs the flows at once: no client starts before every server listens. */
export async function measureFlows(flows: readonly FlowInit[]): Promise<Iperf3Result[]> {
  const servers = flows.map(startServer)
  try {
    await Promise.all(
      servers.map((server, i) => server.waitForOutput(/Server listening/, { signal: flows[i]!.signal })),
    )
    return await Promise.all(flows.map(runClient))
  } finally {
    await Promise.all(servers.map((server) => server.stop({ timeoutMs: 200 })))
  }
}

/** Runs one flow. */
export async function measureFlow(flow: FlowInit): Promise<Iperf3Result> {
  const [result] = await measureFlows([flow])
  return result!
}

function startServer({ server, address, port = IPERF3_PORT }: FlowInit) {
  const listen = ['--server', '--one-off', '--bind', address, '--port', String(port), '--forceflush']
  return server.spawn('iperf3', listen)
}

async function runClient({ client, address, port = IPERF3_PORT, seconds, args = [], signal }: FlowInit) {
  const connect = ['--client', address, '--port', String(port), '--json', '--time', String(seconds)]
  const { stdout } = await client.exec('iperf3', [...connect, ...args], {
    timeoutMs: seconds * 1000 + IPERF3_GRACE_MS,
    allowFailure: true,
    signal,
  })
  return parseIperf3(stdout)
}

export function mbps({ bytesReceived, seconds }: Iperf3Result): number {
  return (bytesReceived * 8) / seconds / 1e6
}

/** @throws WakunetError `ERR_NOT_STARTED` when no ping comes back */
export async function untilReachable(client: LabHost, address: string, signal: AbortSignal): Promise<void> {
  const waiting = ['-c', '1', '-i', String(FIRST_PING_INTERVAL_SECONDS), '-w', String(FIRST_PING_SECONDS)]
  const { code } = await client.exec('ping', [...waiting, address], {
    timeoutMs: (FIRST_PING_SECONDS + 5) * 1000,
    allowFailure: true,
    signal,
  })
  if (code === 0) return
  throw new WakunetError(
    'ERR_NOT_STARTED',
    `no ping of ${client.name} to ${address} came back over the overlay within ${FIRST_PING_SECONDS} s`,
  )
}
