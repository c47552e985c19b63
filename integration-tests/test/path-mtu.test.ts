import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EMBEDDED, ping, type Station, type TestNetwork, useNetwork } from '../src/index.ts'

const VLAN_MTU = 9_000
const NARROW_MTU = 1_500
const HEADER_BYTES = 28
const TRANSFER_BYTES = 20_000_000

/** What `iperf3 --json` says of one stream. */
interface TcpReport {
  readonly start: { readonly tcp_mss_default: number }
  readonly intervals: readonly {
    readonly streams: readonly { readonly bytes: number; readonly pmtu: number }[]
  }[]
}

/** Two members with the VLAN's MTU, one with less. */
async function setUp(network: TestNetwork): Promise<{ wide: Station; narrow: Station }> {
  const vlan = await network.createVlan('jumbo', ['--mtu', String(VLAN_MTU)])
  const wide = await network.join(network.host(1), vlan)
  const narrow = await network.join(network.host(2), vlan, ['--mtu', String(NARROW_MTU)])
  await network.allKnowEachOther(vlan, [wide, narrow])
  await network.until('the smaller MTU to be known', async () => {
    const { output } = await strictPing(wide, narrow.address4, NARROW_MTU)
    return /1 received/.test(output)
  })
  return { wide, narrow }
}

/** One ping of so many bytes as a packet, which nobody may fragment. */
async function strictPing(from: Station, address: string, packetBytes: number): Promise<{ output: string }> {
  const headerBytes = address.includes(':') ? HEADER_BYTES + 20 : HEADER_BYTES
  const args = ['-n', '-c', '1', '-W', '2', '-M', 'do', '-s', String(packetBytes - headerBytes), address]
  const { stdout, stderr } = await from.host.lab.exec('ping', args, { allowFailure: true })
  return { output: `${stdout}${stderr}` }
}

describe('a member whose interface has a smaller MTU than the VLAN', () => {
  const fixture = useNetwork({ name: 'pathmtu', shape: EMBEDDED, nodes: 2, programs: ['iperf3'] }, setUp)

  it('is told of to whoever sends it more, IPv4 and IPv6, and then remembered', async () => {
    const { wide, narrow } = fixture()
    for (const [address, said] of [
      [narrow.address4, /Frag needed and DF set \(mtu = 1500\)/],
      [narrow.address6, /Packet too big: mtu=1500/],
    ] as const) {
      const first = await strictPing(wide, address, 3_000)
      assert.match(first.output, said)
      assert.ok(first.output.includes(`From ${address}`), first.output)
      const { stdout } = await wide.host.lab.exec('ip', ['route', 'get', address])
      assert.match(stdout, /mtu 1500/)
      assert.match((await strictPing(wide, address, NARROW_MTU)).output, /1 received/)
    }
  })

  it('gets packets that may be fragmented in fragments', async () => {
    const { wide, narrow } = fixture()
    // The host would fragment them itself with what it has learned.
    await wide.host.lab.exec('ip', ['route', 'flush', 'cache'])
    const { lab } = wide.host
    const args = ['-n', '-c', '3', '-i', '0.2', '-W', '2', '-M', 'dont', '-s', '8000', narrow.address4]
    const { stdout } = await lab.exec('ping', args, { allowFailure: true })
    assert.match(stdout, / 3 received/)
    const metrics = await fixture().network.metrics(wide.host)
    const fragmented = [...metrics].find(([name]) => /fragmented/.test(name))
    assert.ok(fragmented !== undefined && fragmented[1] >= 3, JSON.stringify(fragmented))
  })

  it('gets TCP at full size, even where both ends believe in larger segments', async () => {
    const { wide, narrow } = fixture()
    await wide.host.lab.exec('ip', ['route', 'flush', 'cache'])
    const subnet = `${narrow.address4}/${narrow.prefixLength4}`
    // What a router between two networks does not know either: this end announces segments that do not fit it.
    const { stdout: routes } = await narrow.host.lab.exec('ip', ['route', 'show', 'dev', narrow.interface])
    const route = /^\S+\/\d+/m.exec(routes)?.[0] ?? subnet
    await narrow.host.lab.ip([`route change ${route} dev ${narrow.interface} advmss 8960`])
    const server = narrow.host.lab.spawn('iperf3', ['-s', '-1', '--forceflush', '-B', narrow.address4])
    await server.waitForOutput(/listening/i)
    const { stdout } = await wide.host.lab.exec('iperf3', [
      '-c',
      narrow.address4,
      '-n',
      String(TRANSFER_BYTES),
      '--json',
    ])
    const { start, intervals } = JSON.parse(stdout) as TcpReport
    assert.ok(start.tcp_mss_default > NARROW_MTU, 'begins with segments that do not fit')
    const last = intervals.at(-1)!.streams[0]!
    assert.equal(last.pmtu, NARROW_MTU, 'has learned what fits')
    const total = intervals.reduce((sum, { streams }) => sum + streams[0]!.bytes, 0)
    assert.ok(total >= TRANSFER_BYTES, stdout)
  })

  it('is reached by those that send it little, as before', async () => {
    const { wide, narrow } = fixture()
    assert.equal((await ping(wide, narrow.address4)).received, 5)
    assert.equal((await ping(narrow, wide.address4, { payloadBytes: 8_000 })).received, 5)
  })
})
