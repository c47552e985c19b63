import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { VlanInfo } from '@wakunet/bus'
import type { LabHost } from '@wakunet/netlab'
import {
  carriedBy,
  DATAGRAM_PORT,
  DatagramRelay,
  DatagramTickers,
  dropIncoming,
  EMBEDDED,
  forEachShape,
  type Host,
  monotonicMs,
  outagesOf,
  pairsOf,
  pathTo,
  ping,
  type Station,
  singlePackets,
  startFlood,
  TcpTicker,
  type TestNetwork,
  tellFigures,
  useNetwork,
} from '../src/index.ts'

const UDP = `udp dport ${DATAGRAM_PORT}`
/** What is promised, and what looking may take on a busy machine. */
const FALLBACK_MS = 2_000
const ROAMING_MS = 3_000
const BUSY_MS = 1_500
const TRANSFER_SECONDS = 3

interface Fixture {
  readonly pair: readonly [Station, Station]
}

/** Two members whose records go by datagram. */
async function setUp(network: TestNetwork): Promise<Fixture> {
  const [one, other] = (await network.vlan('lan')).stations
  const pair = [one!, other!] as const
  await singlePackets(one!.host.lab, other!.host.lab)
  await ping(one!, other!.address4)
  await carriedBy(network, 'datagram', pair)
  return { pair }
}

/** Longest loss of a datagram stream over the VLAN while `body` runs, either way, in milliseconds. */
async function outageDuring(pair: readonly Station[], body: () => Promise<void>): Promise<number> {
  const tickers = await DatagramTickers.start(pair)
  const pairs = pairsOf(pair)
  await tickers.flowing(pairs, monotonicMs())
  const sinceMs = monotonicMs()
  await body()
  await tickers.flowing(pairs, monotonicMs())
  const outages = outagesOf(await tickers.stop(), pairs, { sinceMs, intervalMs: tickers.intervalMs })
  return Math.round(Math.max(...outages))
}

/** Mbit/s of one TCP stream. */
async function throughput(from: Station, to: Station, seconds = TRANSFER_SECONDS): Promise<number> {
  return iperf(from.host.lab, to.host.lab, to.address4, seconds)
}

async function iperf(from: LabHost, to: LabHost, address: string, seconds: number): Promise<number> {
  const server = to.spawn('iperf3', ['-s', '-1', '--forceflush', '-B', address])
  await server.waitForOutput(/listening/i)
  const { stdout } = await from.exec('iperf3', ['-c', address, '-t', String(seconds), '--json'])
  await server.exited
  const { end } = JSON.parse(stdout) as { end: { sum_received: { bits_per_second: number } } }
  return Math.round(end.sum_received.bits_per_second / 1e6)
}

const metric = async (network: TestNetwork, station: Station, name: string): Promise<number> =>
  (await network.metrics(station.host)).get(`wakunet_trunk_peer_${name}`) ?? Number.NaN

forEachShape('the datagram path', (shape) => {
  const fixture = useNetwork({ name: 'dgram', shape, nodes: 2, programs: ['nft', 'iperf3'] }, setUp)

  it('carries the records of a trunk', async (t) => {
    const { network, pair } = fixture()
    const before = await metric(network, pair[0], 'datagram_records_sent_total')
    const mbits = await throughput(...pair)
    const after = await metric(network, pair[0], 'datagram_records_sent_total')
    const found = await pathTo(network, pair[0].host, pair[1])
    assert.ok(after > before, `${before} records by datagram, and ${after} after a transfer`)
    assert.equal(found?.datagramBytes, 1_472, 'the whole of an MTU of 1,500 bytes')
    tellFigures(t, `datagram path, ${shape.name}`, { mbits, ...found })
  })

  it('gives way to the stream within 2 s when UDP is blocked, and comes back when it is not', async (t) => {
    const { network, pair } = fixture()
    const labs = pair.map(({ host }) => host.lab)
    const outageMs = await outageDuring(pair, async () => {
      for (const lab of labs) await dropIncoming(lab, UDP)
      await carriedBy(network, 'stream', pair)
    })
    const { trouble } = (await pathTo(network, pair[0].host, pair[1]))!
    assert.equal(trouble, 'lost')
    const startedMs = performance.now()
    for (const lab of labs) await dropIncoming(lab)
    await ping(...([pair[0], pair[1].address4] as const))
    await carriedBy(network, 'datagram', pair)
    const backAfterMs = Math.round(performance.now() - startedMs)
    tellFigures(t, `UDP blocked, ${shape.name}`, { outageMs, backAfterMs })
    assert.ok(outageMs < FALLBACK_MS + BUSY_MS, `${outageMs} ms`)
  })

  it('finds a smaller MTU when the path shrinks without a word', async (t) => {
    const { network, pair } = fixture()
    const [from, to] = pair
    // Every packet over 1,300 bytes vanishes, as in a tunnel whose ICMP is filtered.
    for (const { host } of pair) await dropIncoming(host.lab, `${UDP} meta length > 1300`)
    const startedMs = performance.now()
    const mbits = await throughput(from, to, 5)
    const { datagramBytes } = await network.until('datagrams that fit', async () => {
      const found = await pathTo(network, from.host, to)
      return found !== null && found.datagramBytes <= 1_272 && found
    })
    const lost = await metric(network, from, 'datagram_black_holes_total')
    for (const { host } of pair) await dropIncoming(host.lab)
    tellFigures(t, `MTU lowered, ${shape.name}`, {
      mbits,
      datagramBytes,
      seenAfterMs: Math.round(performance.now() - startedMs),
    })
    assert.ok(lost >= 1)
    assert.ok(mbits > 0)
  })
})

describe('the datagram path of hosts with IPv4 and IPv6', () => {
  const listen = ['/ip4/0.0.0.0/udp/4740', '/ip6/::/udp/4740']
  const settings = () => ({ trunk: { datagram: { listen } } })
  const fixture = useNetwork({ name: 'dgsix', shape: EMBEDDED, nodes: 2, programs: ['nft'], settings }, setUp)

  it('takes IPv6 where it works, IPv4 where it does not, and IPv6 again', async () => {
    const { network, pair } = fixture()
    const [from, to] = pair
    const pathOver = (family: 4 | 6) =>
      network.until(`records over IPv${family}`, async () => {
        await ping(from, to.address4, { count: 1 })
        const found = await pathTo(network, from.host, to)
        return found?.carrier === 'datagram' && found.address?.startsWith('[') === (family === 6) && found
      })
    assert.equal((await pathOver(6)).datagramBytes, 1_452)
    for (const { host } of pair) await dropIncoming(host.lab, `meta nfproto ipv6 ${UDP}`)
    await pathOver(4)
    for (const { host } of pair) await dropIncoming(host.lab)
    // What does not answer while another path works is tried again within two minutes; a change of addresses makes it at once.
    for (const [index, { host }] of pair.entries()) await host.lab.addAddress(`fd77:616b:756e::9${index}/64`)
    await pathOver(6)
  })
})

describe('the datagram path under loss', () => {
  const fixture = useNetwork(
    { name: 'dgloss', shape: EMBEDDED, nodes: 2, programs: ['nft', 'iperf3'] },
    setUp,
  )

  for (const perMille of [1, 10, 50])
    it(`is kept at ${perMille / 10} %`, async (t) => {
      const { network, pair } = fixture()
      const [from, to] = pair
      const lost = () => metric(network, from, 'datagram_paths_lost_total')
      const before = await lost()
      const chance = `numgen random mod 1000 < ${perMille}`
      for (const { host } of pair)
        await dropIncoming(host.lab, `${UDP} ${chance}`, `tcp dport 5201 ${chance}`)
      const overlay = await throughput(from, to)
      const raw = await iperf(from.host.lab, to.host.lab, to.host.lab.address4, TRANSFER_SECONDS)
      for (const { host } of pair) await dropIncoming(host.lab)
      const pathsLost = (await lost()) - before
      tellFigures(t, `loss of ${perMille / 10} %`, {
        overlayMbits: overlay,
        rawMbits: raw,
        ratio: Math.round((overlay / raw) * 100) / 100,
        pathsLost,
      })
      await carriedBy(network, 'datagram', pair)
      assert.ok(overlay > 0)
      assert.ok(pathsLost <= 1, `${pathsLost}`)
    })
})

describe('a hostile relay in the way of datagrams', () => {
  const fixture = useNetwork(
    { name: 'dgrelay', shape: EMBEDDED, nodes: 2, programs: ['nft', 'python3'] },
    setUp,
  )

  it('that reorders, duplicates, replays and forges them changes nothing that arrives', async (t) => {
    const { network, pair } = fixture()
    const [one, other] = pair
    const mischief = {
      delay: 0.1,
      delayMs: 20,
      duplicate: 0.05,
      replay: 0.1,
      forge: 0.05,
      invent: 0.05,
      lose: 0.005,
    }
    const relay = await DatagramRelay.start(one.host.lab, other.host.lab, mischief)
    await ping(one, other.address4)
    await network.until('the path over the relay', async () => {
      const found = await pathTo(network, other.host, one)
      return found?.carrier === 'datagram' && found.address?.endsWith(':9999') === true
    })
    const tickers = await DatagramTickers.start(pair)
    const tcp = await TcpTicker.start(one, other)
    await tickers.flowing(pairsOf(pair), monotonicMs())
    await pause(8_000)
    const reports = await tickers.stop()
    const flow = await tcp.stop()
    const did = await relay.stop()
    const counted = { replayed: 0, notAuthentic: 0 }
    for (const station of pair) {
      counted.replayed += await metric(network, station, 'datagram_replayed_total')
      counted.notAuthentic += await metric(network, station, 'datagram_not_authentic_total')
    }
    tellFigures(t, 'hostile relay', { did, counted, tcp: flow })
    assert.equal(
      reports.reduce((sum, { duplicates }) => sum + duplicates, 0),
      0,
      'nothing arrives twice',
    )
    assert.ok(did.replay > 0 && did.duplicate > 0 && did.forge > 0)
    assert.ok(counted.replayed >= (did.replay + did.duplicate) / 2, JSON.stringify(counted))
    assert.ok(counted.notAuthentic >= (did.forge + did.invent) / 2, JSON.stringify(counted))
    assert.ok(flow.inOrder && flow.received >= flow.sent - 1, JSON.stringify(flow))
  })
})

describe('a host that changes its address', () => {
  const fixture = useNetwork({ name: 'dgroam', shape: EMBEDDED, nodes: 2 }, setUp)

  it('goes on within 3 s under load, and so do its flows', async (t) => {
    const { network, pair } = fixture()
    const [mover, other] = pair
    const lab = mover.host.lab
    const moves = ['198.18.0.101', '198.18.0.102', '198.18.0.103']
    let address = `${lab.address4}/${lab.prefixLength4}`
    const outagesMs: number[] = []
    const tcp = await TcpTicker.start(other, mover)
    for (const next of moves) {
      const outageMs = await outageDuring(pair, async () => {
        const cidr = `${next}/${lab.prefixLength4}`
        await lab.ip([`addr del ${address} dev ${lab.interface}`, `addr add ${cidr} dev ${lab.interface}`])
        address = cidr
        await pause(4_000)
      })
      outagesMs.push(outageMs)
      await carriedBy(network, 'datagram', pair)
    }
    const flow = await tcp.stop()
    tellFigures(t, 'address changed under load', { outagesMs, tcp: flow })
    assert.ok(Math.max(...outagesMs) < ROAMING_MS + BUSY_MS, outagesMs.join(' '))
    assert.ok(flow.inOrder && flow.received >= flow.sent - 1, JSON.stringify(flow))
  })
})

/** Two members whose TCP to each other is dropped; between them a node that is no member. */
async function setUpWithoutTcp(network: TestNetwork): Promise<Fixture & { blocked: readonly string[][] }> {
  const [one, middle, three] = network.hosts as [Host, Host, Host]
  const between = (other: Host) =>
    ['sport', 'dport'].map((port) => `ip saddr ${other.lab.address4} tcp ${port} ${DATAGRAM_PORT}`)
  const blocked = [between(three), between(one)]
  await dropIncoming(one.lab, ...blocked[0]!)
  await dropIncoming(three.lab, ...blocked[1]!)
  const vlan = await network.cli<VlanInfo>(middle, ['vlan', 'create', 'lan'])
  const pair = [await network.join(one, vlan), await network.join(three, vlan)] as const
  await network.allKnowEachOther(vlan, pair)
  return { pair, blocked }
}

describe('members between which TCP does not pass', () => {
  const fixture = useNetwork(
    { name: 'dgupgr', shape: EMBEDDED, nodes: 3, programs: ['nft'] },
    setUpWithoutTcp,
  )

  it('have a trunk over a common peer, and their records go directly', async () => {
    const { network, pair, blocked } = fixture()
    const [one, other] = pair
    const relayedBy = async (carrier: string) => {
      await ping(one, other.address4, { count: 1 })
      const peers = await network.peers(one.host)
      const peer = peers.find(({ nodeId }) => nodeId === other.nodeId)
      const isRelayed = peer?.address?.includes('/p2p-circuit') === true
      return isRelayed && peer.path?.carrier === carrier && peer.path
    }
    const path = await network.until('direct datagrams beside a relayed stream', () => relayedBy('datagram'))
    assert.equal(path.address, `${other.host.lab.address4}:${DATAGRAM_PORT}`)
    // The control: without UDP everything goes over the relay.
    for (const [index, { host }] of pair.entries()) await dropIncoming(host.lab, ...blocked[index]!, UDP)
    await network.until('records over the relay', async () => {
      const { received, sent } = await ping(one, other.address4)
      return received === sent && (await relayedBy('stream'))
    })
  })
})

describe('a flood of forged datagrams', () => {
  const fixture = useNetwork(
    { name: 'dgflood', shape: EMBEDDED, nodes: 2, bareHosts: 1, programs: ['iperf3', 'python3', 'tcpdump'] },
    setUp,
  )

  it('leaves the trunk its path, whether or not it knows an index', async (t) => {
    const { network, pair } = fixture()
    const [from, to] = pair
    const attacker = network.lab.host(3)
    const quiet = await throughput(from, to)
    const figures: Record<string, unknown> = { quietMbits: quiet }
    for (const known of [false, true]) {
      const index = known ? await indexTowards(t, to) : undefined
      const stop = await startFlood(attacker, {
        to: [to.host.lab.address4, DATAGRAM_PORT],
        perSecond: 10_000,
        bytes: 200,
        sources: [[from.host.lab.address4, DATAGRAM_PORT]],
        ...(index === undefined ? {} : { index }),
      })
      const mbits = await throughput(from, to)
      const sent = await stop()
      const name = known ? 'knownIndex' : 'unknownIndex'
      figures[name] = { mbits, sent, ratio: Math.round((mbits / quiet) * 100) / 100 }
      assert.ok(mbits > 0)
    }
    const refused = {
      unknownIndex: await metric(network, to, 'datagram_unknown_index_total'),
      notAuthentic: await metric(network, to, 'datagram_not_authentic_total'),
    }
    tellFigures(t, 'flood', { ...figures, refused })
    await carriedBy(network, 'datagram', pair)
    assert.equal(await metric(network, from, 'datagram_paths_moved_total'), 0)
    assert.ok(refused.unknownIndex > 1_000 && refused.notAuthentic > 1_000, JSON.stringify(refused))
  })
})

/** The index of datagrams to a station, as somebody on the way sees it. */
async function indexTowards(t: TestContext, to: Station): Promise<string> {
  const { lab } = to.host
  const filter = `udp and dst port ${DATAGRAM_PORT} and dst host ${lab.address4}`
  const { stdout } = await lab.exec('tcpdump', ['-i', lab.interface, '-n', '-c', '1', '-x', filter], {
    timeoutMs: 20_000,
  })
  const hex = [...stdout.matchAll(/0x\w+:\s+([0-9a-f ]+)/g)]
    .map(([, bytes]) => bytes!.replace(/\s/g, ''))
    .join('')
  const index = hex.slice(56, 64)
  t.diagnostic(`index ${index}`)
  return index
}
