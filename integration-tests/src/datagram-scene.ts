import path from 'node:path'
import type { TrunkPathInfo } from '@wakunet/bus'
import type { LabHost, LabProcess } from '@wakunet/netlab'
import { type Host, TRUNK_PORT } from './host.ts'
import type { Station } from './station.ts'
import type { TestNetwork } from './test-network.ts'

const PROGRAMS = path.join(import.meta.dirname, 'programs')
const TABLE = 'inet wktest'
const RELAY_PORT = 9_999

/** The UDP port of the datagram path on every host: that of the trunks' TCP. */
export const DATAGRAM_PORT = TRUNK_PORT

/** How records go from one host to another, as `wakunet peers` tells it. */
export async function pathTo(network: TestNetwork, from: Host, to: Station): Promise<TrunkPathInfo | null> {
  const peers = await network.peers(from)
  return peers.find(({ nodeId }) => nodeId === to.nodeId)?.path ?? null
}

/** Waits until records go by that carrier, both ways; something must send them. */
export async function carriedBy(
  network: TestNetwork,
  carrier: TrunkPathInfo['carrier'],
  stations: readonly [Station, Station],
): Promise<void> {
  const [one, other] = stations
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const)
    await network.until(`records of ${from.name} to go by ${carrier}`, async () => {
      const found = await pathTo(network, from.host, to)
      return found?.carrier === carrier
    })
}

/** Drops what arrives at a host: `rule` is an nftables match, such as `udp dport 4740`. Replaces what was dropped before. */
export async function dropIncoming(host: LabHost, ...rules: readonly string[]): Promise<void> {
  const lines = rules.map((rule) => `${rule} drop`)
  await host.exec('nft', ['-f', '-'], {
    input: [
      `add table ${TABLE}`,
      `delete table ${TABLE}`,
      `table ${TABLE} {`,
      'chain input {',
      'type filter hook input priority 0',
      ...lines,
      '}',
      '}\n',
    ].join('\n'),
  })
}

/** Every datagram is a packet of its own on the cable, so that rules see it as a router would. */
export async function singlePackets(...hosts: readonly LabHost[]): Promise<void> {
  for (const host of hosts) await host.ip([`link set dev ${host.interface} gso_max_segs 1`])
}

/** What a relay between two hosts does with datagrams: chances out of 1. */
export interface RelayMischief {
  readonly lose?: number
  readonly delay?: number
  readonly delayMs?: number
  readonly duplicate?: number
  readonly replay?: number
  readonly forge?: number
  readonly invent?: number
}

/** What it did. */
export type RelayReport = Record<Exclude<keyof RelayMischief, 'delayMs'> | 'carried', number>

/**
 * Puts a relay into the way of all datagrams between two hosts: on the first one, behind its kernel's NAT. Neither knows of it; the second sees the
 * first at the relay's port.
 */
export class DatagramRelay {
  readonly #process: LabProcess

  private constructor(process: LabProcess) {
    this.#process = process
  }

  static async start(near: LabHost, far: LabHost, mischief: RelayMischief): Promise<DatagramRelay> {
    await near.exec('nft', ['-f', '-'], {
      input: [
        'table ip wkrelay {',
        'chain output {',
        'type nat hook output priority -100',
        `ip daddr ${far.address4} udp sport ${DATAGRAM_PORT} udp dport ${DATAGRAM_PORT} dnat to ${near.address4}:${RELAY_PORT}`,
        '}',
        'chain input {',
        'type filter hook input priority 0',
        `iifname ${near.interface} udp dport ${DATAGRAM_PORT} drop`,
        '}',
        '}\n',
      ].join('\n'),
    })
    const options = {
      listen: [near.address4, RELAY_PORT],
      near: [near.address4, DATAGRAM_PORT],
      far: [far.address4, DATAGRAM_PORT],
      delayMs: 0,
      ...mischief,
    }
    const relay = near.spawn('python3', [path.join(PROGRAMS, 'udp_relay.py'), JSON.stringify(options)])
    await relay.waitForOutput(/ready/)
    return new DatagramRelay(relay)
  }

  async stop(): Promise<RelayReport> {
    await this.#process.stop({ signal: 'SIGINT' })
    const { stdout, stderr } = this.#process.output()
    const report = /^done (\{.*\})$/m.exec(stdout)?.[1]
    if (report === undefined) throw new Error(`the relay told nothing: ${stderr}`)
    return JSON.parse(report) as RelayReport
  }
}

export interface FloodOptions {
  readonly to: readonly [string, number]
  readonly perSecond: number
  readonly bytes: number
  /** First four bytes of every datagram, in hexadecimal; random where absent. */
  readonly index?: string
  readonly sources?: readonly (readonly [string, number])[]
}

/** Garbage to a UDP port until it is stopped, which tells how much it was. */
export async function startFlood(host: LabHost, options: FloodOptions): Promise<() => Promise<number>> {
  const flood = host.spawn('python3', [path.join(PROGRAMS, 'udp_flood.py'), JSON.stringify(options)])
  await flood.waitForOutput(/ready/)
  return async () => {
    await flood.stop({ signal: 'SIGINT' })
    return Number(/sent (\d+)/.exec(flood.output().stdout)?.[1] ?? Number.NaN)
  }
}
