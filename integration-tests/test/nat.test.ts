/**
 * Hosts behind NAT of each kind, two of each, and one public node that relays and is a member of nothing.
 *
 * ```text
 *   h1 (public, relays) ─┐
 *   h2, h8  (public)     ┼─ internet
 *   h3, h9  ─ firewall ──┤
 *   h4, h10 ─ full cone ─┤   ... and so on
 * ```
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerInfo } from '@wakunet/bus'
import { NAT_KINDS, type NatKind } from '@wakunet/netlab'
import { EMBEDDED, monotonicMs, type Station, tellFigures, useNetwork } from '../src/index.ts'

type Path = 'direct' | 'punched' | 'relayed'

/**
 * How two hosts reach each other by what is before them. `punched` are pairs whose routers let through what answers something that was
 * sent out: by datagrams, for which each side can tell the other its port in advance. A symmetric NAT has another port for each peer, which only
 * those let in who look at addresses alone.
 */
const EXPECTED: Readonly<Record<NatKind, Readonly<Record<NatKind, Path>>>> = {
  none: row('direct', 'direct', 'direct', 'direct', 'direct', 'direct'),
  firewall: row('direct', 'punched', 'punched', 'punched', 'punched', 'relayed'),
  'full-cone': row('direct', 'punched', 'punched', 'punched', 'punched', 'punched'),
  'address-restricted': row('direct', 'punched', 'punched', 'punched', 'punched', 'punched'),
  'port-restricted': row('direct', 'punched', 'punched', 'punched', 'punched', 'relayed'),
  symmetric: row('direct', 'relayed', 'punched', 'punched', 'relayed', 'relayed'),
}

function row(...paths: [Path, Path, Path, Path, Path, Path]): Record<NatKind, Path> {
  return Object.fromEntries(NAT_KINDS.map((kind, index) => [kind, paths[index]])) as Record<NatKind, Path>
}

const RELAY = 1
/** Far above what it shall be; the figures tell what it is. */
const FIRST_PING_LIMIT_MS = 30_000
const PAIRS = NAT_KINDS.flatMap((one, index) => NAT_KINDS.slice(index).map((other) => [one, other] as const))

describe('hosts behind NAT', () => {
  const fixture = useNetwork(
    {
      name: 'nat',
      shape: EMBEDDED,
      nodes: 1 + 2 * NAT_KINDS.length,
      sites: ['none' as const, ...NAT_KINDS, ...NAT_KINDS].map((nat) => ({ nat })),
      settings: (number) => (number === RELAY ? { trunk: { relay: 'on' } } : {}),
    },
    async () => ({ figures: {} as Record<string, { path: Path; firstPingMs: number; trunkMs: number }> }),
  )

  for (const [one, other] of PAIRS)
    it(`${one} and ${other} reach each other: ${EXPECTED[one][other]}`, async () => {
      const { network, figures } = fixture()
      const numbers = [2 + NAT_KINDS.indexOf(one), 2 + NAT_KINDS.length + NAT_KINDS.indexOf(other)] as const
      const hosts = numbers.map((number) => network.host(number))
      const vlan = await network.createVlan(`pair-${numbers.join('-')}`)
      const [a, b] = (await Promise.all(hosts.map((host) => network.join(host, vlan)))) as [Station, Station]
      const startMs = monotonicMs()
      await network.until('the first ping', () => answers(a, b), FIRST_PING_LIMIT_MS)
      const firstPingMs = Math.round(monotonicMs() - startMs)
      const peer = await network.until(
        'a trunk',
        async () => trunkBetween(await network.peers(a.host), b),
        10_000,
      )
      figures[`${one} - ${other}`] = {
        path: pathOf(peer),
        firstPingMs,
        trunkMs: Math.round(monotonicMs() - startMs),
      }
      // A relay carries what no datagram path does.
      const expected = EXPECTED[one][other] === 'direct' ? 'direct' : 'relayed'
      assert.equal(pathOf(peer), expected, JSON.stringify(peer))
    })

  it('tells the matrix', (t) => {
    for (const [pair, figure] of Object.entries(fixture().figures)) tellFigures(t, pair, figure)
  })
})

async function answers(from: Station, to: Station): Promise<boolean> {
  const { code } = await from.host.lab.exec('ping', ['-c', '1', '-W', '0.3', to.address4], {
    allowFailure: true,
  })
  return code === 0
}

function trunkBetween(peers: readonly PeerInfo[], to: Station): PeerInfo | null {
  return peers.find(({ nodeId, state }) => nodeId === to.nodeId && state === 'connected') ?? null
}

function pathOf({ address }: PeerInfo): Path {
  return address?.includes('/p2p-circuit') === true ? 'relayed' : 'direct'
}
