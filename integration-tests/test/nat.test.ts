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
const PATH_LIMIT_MS = 20_000
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
    async () => ({ figures: {} as Record<string, Figures> }),
  )

  for (const [one, other] of PAIRS)
    it(`${one} and ${other} reach each other: ${EXPECTED[one][other]}`, async () => {
      const { network, figures } = fixture()
      const numbers = [2 + NAT_KINDS.indexOf(one), 2 + NAT_KINDS.length + NAT_KINDS.indexOf(other)] as const
      const hosts = numbers.map((number) => network.host(number))
      const vlan = await network.createVlan(`pair-${numbers.join('-')}`)
      const startMs = monotonicMs()
      const sinceStart = () => Math.round(monotonicMs() - startMs)
      const [a, b] = (await Promise.all(hosts.map((host) => network.join(host, vlan)))) as [Station, Station]
      const joinedMs = sinceStart()
      await network.until('the first ping', () => answers(a, b), FIRST_PING_LIMIT_MS)
      const firstPingMs = sinceStart()
      const expected = EXPECTED[one][other]
      const paths: Path[] = []
      await network
        .until(
          'its path',
          async () => {
            await answers(a, b)
            const path = pathTo(await network.peers(a.host), b)
            if (path !== null && paths.at(-1) !== path) paths.push(path)
            return path === expected
          },
          PATH_LIMIT_MS,
        )
        .catch((error) => assert.fail(`${paths.join(', then ')}: ${(error as Error).message}`))
      figures[`${one} - ${other}`] = { paths, joinedMs, firstPingMs, pathMs: sinceStart() }
    })

  it('tells the matrix', (t) => {
    for (const [pair, figure] of Object.entries(fixture().figures)) tellFigures(t, pair, { ...figure })
  })
})

describe('a host in an office that lets out nothing but the web', () => {
  const WEB_ADDRESS = '/ip4/61.0.0.1/tcp/80/ws'
  const OFFICE = 2
  const fixture = useNetwork(
    {
      name: 'natweb',
      shape: EMBEDDED,
      nodes: 2,
      sites: [{ nat: 'none' }, { nat: 'port-restricted', blocked: 'all-but-web' }],
      settings: (number) =>
        number === OFFICE
          ? { trunk: { bootstrap: [WEB_ADDRESS] } }
          : { trunk: { listen: ['/ip4/0.0.0.0/tcp/4740', '/ip4/0.0.0.0/tcp/80/ws'] } },
    },
    async (network) => network.vlan('office'),
  )

  it('has a trunk by WebSocket, and datagrams as soon as they are let out', async (t) => {
    const { network, stations } = fixture()
    const [outside, inside] = stations as [Station, Station]
    assert.equal(await answers(inside, outside), true)
    const peerOf = async () =>
      (await network.peers(inside.host)).find(({ nodeId }) => nodeId === outside.nodeId)
    const before = await peerOf()
    assert.match(before?.address ?? '', /^\/ip4\/61\.0\.0\.1\/tcp\/80\/ws\//)
    assert.equal(before?.path?.carrier, 'stream')
    await network.lab.block(OFFICE, 'nothing')
    const startMs = monotonicMs()
    await network.until('datagrams', async () => (await peerOf())?.path?.carrier === 'datagram', 60_000)
    tellFigures(t, 'office that opens', { datagramsAfterMs: Math.round(monotonicMs() - startMs) })
  })
})

/** Times since both sides began to join. */
interface Figures {
  /** In the order in which they were seen. */
  readonly paths: readonly Path[]
  /** Both interfaces had their addresses. */
  readonly joinedMs: number
  readonly firstPingMs: number
  /** The last path was seen; a look takes half a second. */
  readonly pathMs: number
}

async function answers(from: Station, to: Station): Promise<boolean> {
  const { code } = await from.host.lab.exec('ping', ['-c', '1', '-W', '0.3', to.address4], {
    allowFailure: true,
  })
  return code === 0
}

/** Null where there is no trunk (yet). */
function pathTo(peers: readonly PeerInfo[], to: Station): Path | null {
  const peer = peers.find(({ nodeId, state }) => nodeId === to.nodeId && state === 'connected')
  if (peer === undefined) return null
  if (peer.address?.includes('/p2p-circuit') !== true) return 'direct'
  return peer.path?.carrier === 'datagram' ? 'punched' : 'relayed'
}
