import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import {
  DHCP_ACK,
  DHCP_DISCOVER,
  DHCP_OFFER,
  DHCP_REQUEST,
  type Dhcpv4Options,
  decodeDhcpv4,
  decodeDhcpv4Options,
  decodeEthernet,
  decodeIpv4,
  decodeUdp,
  encodeDhcpv4ClientFrame,
  macFromString,
} from '@wakunet/ethernet'
import { converge, joinedNodes, settle, type TestNode, vlan } from './support.ts'

const LAN = vlan('lan', { subnet4: '10.20.0.0/24' })
const PROTOCOL_UDP = 17
const _nothing = new Uint8Array(4)
const nodes: TestNode[] = []

async function join(count: number): Promise<TestNode[]> {
  nodes.push(...(await joinedNodes(count, LAN)))
  return nodes
}
afterEach(async () => {
  for (const one of nodes.splice(0)) await one.stop()
})

function dhcpRequest(mac: string, type: number, options: Dhcpv4Options = {}): Uint8Array {
  const clientMac = macFromString(mac)
  return encodeDhcpv4ClientFrame({ clientMac, transactionId: 7, options: { messageType: type, ...options } })
}

/** The DHCP answers among what a switch wrote to its TAP. */
function answers(one: TestNode): { type: number; address: Uint8Array; options: Dhcpv4Options }[] {
  return one.tap.takeWritten().flatMap(({ frame }) => {
    const ethernet = decodeEthernet(frame)
    const packet = ethernet?.etherType === 0x0800 ? decodeIpv4(ethernet.payload) : null
    const datagram = packet?.protocol === PROTOCOL_UDP ? decodeUdp(packet.payload) : null
    const message = datagram?.destinationPort === 68 ? decodeDhcpv4(datagram.payload) : null
    if (message === null) return []
    const options = decodeDhcpv4Options(message.options)
    return [{ type: options.messageType!, address: message.yourAddress.slice(), options }]
  })
}

/** Runs the clock of all nodes. */
async function pass(ms: number): Promise<void> {
  await settle()
  for (let i = 0; i < ms; i += 50) {
    nodes[0]!.clock.advance(50)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('the addresses of a VLAN', () => {
  it('are given to hosts behind the interface, and known to every member a moment later', async () => {
    const [a, b] = await join(2)
    const guest = '02:00:00:00:77:01'
    a!.tap.inject([dhcpRequest(guest, DHCP_DISCOVER)])
    await pass(700)
    const [offer] = answers(a!)
    assert.equal(offer?.type, DHCP_OFFER)
    const request = { requestedAddress: offer.address, serverId: offer.options.serverId!, hostName: 'guest' }
    a!.tap.inject([dhcpRequest(guest, DHCP_REQUEST, request)])
    await pass(50)
    assert.equal(answers(a!)[0]?.type, DHCP_ACK)
    await pass(1_000)
    assert.equal(answers(b!).length, 0)
    const shown = await b!.cli.request('switch.show', { vlan: 'lan' })
    assert.deepEqual(
      shown.members.map(({ hostname, leases, bridged, addresses }) => [
        hostname,
        leases,
        bridged,
        addresses.length,
      ]),
      [['host-01', 1, false, 2]],
    )
    assert.equal(b!.switch.tables.knownLeases, 5)
    assert.equal(a!.switch.counters.dhcpAcks, 1)
    assert.equal(a!.switch.tables.ownLeases, 3)
  })

  it('are left to the own DHCP client of the host where that is asked for', async () => {
    const [a, b] = await join(2)
    await b!.cli.request('switch.leave', { vlan: 'lan' })
    const port = await b!.cli.request('switch.join', { vlan: 'lan', addressMode: 'dhcp' })
    assert.deepEqual([port.addresses, port.addressMode, b!.tap.addresses], [[], 'dhcp', []])
    await converge([a!, b!])
    b!.tap.inject([dhcpRequest(b!.mac, DHCP_DISCOVER)])
    await pass(700)
    const [offer] = answers(b!)
    const request = { requestedAddress: offer!.address, serverId: offer!.options.serverId! }
    b!.tap.inject([dhcpRequest(b!.mac, DHCP_REQUEST, request)])
    await pass(1_000)
    const own = offer!.address.join('.')
    assert.deepEqual(b!.switch.list()[0]!.addresses, [`${own}/24`])
    const shown = await a!.cli.request('switch.show', { vlan: 'lan' })
    assert.deepEqual(shown.members[0]!.addresses, [own])
    assert.deepEqual(b!.tap.addresses, [])
  })

  it('cannot be chosen and left to somebody at once', async () => {
    const [a] = await join(1)
    await a!.cli.request('switch.leave', { vlan: 'lan' })
    const both = { vlan: 'lan', address4: '10.20.0.7/24', addressMode: 'dhcp' } as const
    await assert.rejects(a!.cli.request('switch.join', both), { code: 'ERR_USAGE' })
    await assert.rejects(a!.cli.request('switch.join', { vlan: 'lan', bridge: 'br0', addressMode: 'dhcp' }), {
      code: 'ERR_USAGE',
    })
  })

  it('are not announced while trunk-peer does not sign, and are when it does', async () => {
    const [a, b] = await join(2)
    a!.trunkPeer.signs = false
    const guest = '02:00:00:00:77:02'
    a!.tap.inject([dhcpRequest(guest, DHCP_DISCOVER, { requestedAddress: Uint8Array.of(10, 20, 0, 99) })])
    await pass(700)
    const [offer] = answers(a!)
    const request = { requestedAddress: offer!.address, serverId: offer!.options.serverId! }
    a!.tap.inject([dhcpRequest(guest, DHCP_REQUEST, request)])
    await pass(2_000)
    const leases = async () => (await b!.cli.request('switch.show', { vlan: 'lan' })).members[0]!.leases
    assert.equal(await leases(), 0)
    a!.trunkPeer.signs = true
    await pass(3_000)
    assert.equal(await leases(), 1)
  })
})
