/** What `wakunet demo --once --json` prints: the main job in figures. */
export interface DemoReport {
  /** True where every ping of every pair came back exactly once and every pair carried traffic. */
  readonly ok: boolean
  readonly vlan: {
    readonly id: string
    readonly ref: string
    readonly name: string
    readonly subnet4: string
  }
  readonly hosts: readonly DemoHostReport[]
  readonly pings: readonly PingReport[]
  /** Median over the pairs, TCP, one stream. */
  readonly throughputMbps: number
  readonly throughput: readonly ThroughputReport[]
}

export interface DemoHostReport {
  readonly name: string
  readonly peerId: string
  readonly nodeId: string
  /** On the VLAN, with prefix length; link-local included. */
  readonly addresses: readonly string[]
  readonly interface: string
  readonly trunks: readonly TrunkReport[]
}

export interface TrunkReport {
  /** Host at the other end; null for a peer that is none of the demo's hosts. */
  readonly host: string | null
  readonly peerId: string
  readonly state: string
  readonly address: string | null
  readonly rttMs: number | null
  readonly bytesSent: number
  readonly bytesReceived: number
}

export const PING_FAMILIES = ['ipv4', 'ipv6', 'ipv6-link-local'] as const
export type PingFamily = (typeof PING_FAMILIES)[number]

export interface PingReport {
  readonly from: string
  readonly to: string
  readonly family: PingFamily
  readonly target: string
  readonly sent: number
  readonly received: number
  readonly lossPercent: number
  /** Null where nothing came back. */
  readonly rttMs: { readonly min: number | null; readonly avg: number | null; readonly max: number | null }
  readonly duplicates: number
}

export interface ThroughputReport {
  readonly from: string
  readonly to: string
  readonly mbps: number
  readonly retransmits: number
}

export const pingsAreGood = (pings: readonly PingReport[]): boolean =>
  pings.length > 0 &&
  pings.every((ping) => ping.sent > 0 && ping.received === ping.sent && ping.duplicates === 0)

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return 0
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
