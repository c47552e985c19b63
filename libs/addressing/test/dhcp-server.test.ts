import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  DHCP_ACK,
  DHCP_NAK,
  DHCP_OFFER,
  DHCPV4_CODE,
  decodeEthernet,
  decodeIpv4,
  macToString,
} from '@wakunet/ethernet'
import { MAX_PENDING_CLIENTS } from '../src/dhcpv4/pending-clients.ts'
import { type AddressPlan, formatIp } from '../src/index.ts'
import { PUT_ASIDE_MS } from '../src/leases/lease-book.ts'
import { PLAN, type TestHost, type TestMember, TestNetwork } from './addressing-network.ts'

function oneMember(plan: AddressPlan = PLAN): { network: TestNetwork; member: TestMember } {
  const network = new TestNetwork()
  const member = network.add({ plan })
  return { network, member }
}
function lease(network: TestNetwork, host: TestHost): string {
  host.discover()
  network.run(1_000)
  assert.notEqual(host.address, null)
  return host.address!
}
const small = (first: number, last: number): AddressPlan => ({
  ...PLAN,
  pool4: { first: `10.20.0.${first}`, last: `10.20.0.${last}` },
})
const destinationOf = (frame: Uint8Array) => {
  const ethernet = decodeEthernet(frame)!
  return [macToString(ethernet.destination), formatIp(decodeIpv4(ethernet.payload)!.destination)]
}

describe('the DHCPv4 server', () => {
  it('probes an address before it offers it, and gives it with everything that a host needs', () => {
    const { network, member } = oneMember({
      ...PLAN,
      router4: '10.20.0.9',
      dns: ['192.0.2.53', 'fd00::1'],
      ntp: ['192.0.2.123'],
    })
    const host = member.addHost(1)
    host.discover()
    network.run(400)
    assert.equal(host.replies.length, 0)
    network.run(600)
    assert.deepEqual(
      host.replies.map(({ type }) => type),
      [DHCP_OFFER, DHCP_ACK],
    )
    const { options, message } = host.last!
    assert.equal(formatIp(message.yourAddress), host.address)
    assert.equal(formatIp(options.serverId!), '10.20.0.1')
    assert.equal(formatIp(options.subnetMask!), '255.255.255.0')
    assert.deepEqual(options.routers!.map(formatIp), ['10.20.0.9'])
    assert.deepEqual(options.dnsServers!.map(formatIp), ['10.20.0.1', '192.0.2.53'])
    assert.deepEqual(options.ntpServers!.map(formatIp), ['192.0.2.123'])
    assert.equal(formatIp(options.broadcastAddress!), '10.20.0.255')
    assert.equal(options.domainName, 'games.waku.internal')
    assert.deepEqual(options.searchList, ['games.waku.internal'])
    assert.equal(options.interfaceMtu, 1_400)
    assert.deepEqual(
      [options.leaseSeconds, options.renewalSeconds, options.rebindingSeconds],
      [3_600, 60, 3_150],
    )
  })

  it('gives what is asked for alone, in time and in options', () => {
    const { network, member } = oneMember({ ...PLAN, router4: '10.20.0.9' })
    const parameterList = Uint8Array.of(DHCPV4_CODE.routers, DHCPV4_CODE.domainName)
    const host = member.addHost(1, { options: { parameterList, leaseSeconds: 200 } })
    lease(network, host)
    const { options } = host.last!
    assert.deepEqual(Object.keys(options).sort(), [
      'domainName',
      'leaseSeconds',
      'messageType',
      'rebindingSeconds',
      'renewalSeconds',
      'routers',
      'serverId',
      'subnetMask',
    ])
    assert.deepEqual([options.leaseSeconds, options.renewalSeconds], [200, 60])
  })

  it('answers where the client listens, and echoes its identifier', () => {
    const { network, member } = oneMember()
    const clientId = Uint8Array.of(1, 2, 3)
    const deaf = member.addHost(1, { broadcast: true, options: { clientId } })
    const plain = member.addHost(2)
    deaf.discover()
    plain.discover()
    network.run(1_000)
    assert.deepEqual(destinationOf(deaf.last!.frame), ['ff:ff:ff:ff:ff:ff', '255.255.255.255'])
    assert.deepEqual(deaf.last!.options.clientId, clientId)
    assert.deepEqual(destinationOf(plain.last!.frame), [macToString(plain.mac), plain.address])
    plain.renew()
    network.run(100)
    assert.deepEqual(destinationOf(plain.last!.frame), [macToString(plain.mac), plain.address])
    plain.reboot('192.168.7.7')
    network.run(50)
    const nak = plain.replies.find(({ type }) => type === DHCP_NAK)!
    assert.deepEqual(destinationOf(nak.frame), ['ff:ff:ff:ff:ff:ff', '255.255.255.255'])
  })

  it('two hosts that start together get two addresses, a hundred get a hundred', () => {
    const { network, member } = oneMember()
    const hosts = Array.from({ length: 100 }, (_, i) => member.addHost(i + 1))
    for (const host of hosts.slice(0, 50)) host.discover()
    network.run(1_000)
    for (const host of hosts.slice(50)) host.discover()
    network.run(1_000)
    assert.equal(new Set(hosts.map(({ address }) => address)).size, 100)
    assert.ok(hosts.every(({ address }) => address !== null))
    assert.equal(member.addressing.stats.acks, 100)
  })

  it('two hosts that start together behind two members get two addresses, whenever the second one begins', () => {
    for (let delayMs = 0; delayMs <= 700; delayMs += 50) {
      const network = new TestNetwork()
      const plan = { ...PLAN, pool4: { first: '10.20.0.10', last: '10.20.0.11' } }
      const [a, b] = [network.add({ plan }), network.add({ plan })]
      network.link([[0, 1]])
      network.run(1_000)
      const hosts = [a.addHost(1), b.addHost(2)]
      const requestedAddress = Uint8Array.of(10, 20, 0, 10)
      hosts[0]!.discover({ requestedAddress })
      network.run(delayMs)
      hosts[1]!.discover({ requestedAddress })
      network.run(3_000)
      assert.deepEqual(
        hosts.map(({ address }) => address).toSorted(),
        ['10.20.0.10', '10.20.0.11'],
        `${delayMs} ms`,
      )
      // One that both were given would be taken from one of them again.
      const acked = hosts.map((host) => host.replies.filter(({ type }) => type === DHCP_ACK).length)
      assert.deepEqual(acked, [1, 1], `${delayMs} ms`)
    }
  })

  it('a host gets the same address again: after a release, after its lease ended, on another member', () => {
    const { network, member } = oneMember()
    const host = member.addHost(1)
    const address = lease(network, host)
    host.release()
    network.run(100)
    assert.deepEqual(member.table, [])
    assert.equal(lease(network, host), address)
    network.run(3_601_000)
    assert.deepEqual(member.table, [])
    host.address = null
    assert.equal(lease(network, host), address)
    const other = oneMember()
    assert.equal(lease(other.network, other.member.addHost(1)), address)
  })

  it('renews at once and refuses whom it does not owe the address', () => {
    const { network, member } = oneMember()
    const host = member.addHost(1)
    const address = lease(network, host)
    for (let i = 0; i < 5; i++) {
      network.run(60_000)
      host.renew()
      network.run(30)
      assert.equal(host.last!.type, DHCP_ACK)
    }
    const thief = member.addHost(2)
    thief.address = address
    thief.isOn = false
    thief.renew()
    network.run(30)
    assert.equal(thief.last!.type, DHCP_NAK)
    thief.reboot(address)
    network.run(30)
    assert.equal(thief.last!.type, DHCP_NAK)
    thief.select(address)
    network.run(30)
    assert.equal(thief.last!.type, DHCP_NAK)
    assert.equal(thief.replies.length, 3)
  })

  it('a host that reboots goes on with its address, also when the switch has started anew', () => {
    const { network, member } = oneMember()
    const host = member.addHost(1)
    const address = lease(network, host)
    host.reboot()
    network.run(50)
    assert.equal(host.last!.type, DHCP_ACK)
    const anew = oneMember()
    const same = anew.member.addHost(1)
    same.address = address
    same.reboot()
    anew.network.run(700)
    assert.equal(same.last!.type, DHCP_ACK)
    const third = oneMember()
    const renewing = third.member.addHost(1)
    renewing.address = address
    renewing.renew()
    third.network.run(50)
    assert.equal(renewing.last!.type, DHCP_ACK)
  })

  it('keeps off an address that somebody answers for, and off one that was declined', () => {
    const { network, member } = oneMember(small(10, 11))
    const squatter = member.addHost(9)
    squatter.address = '10.20.0.10'
    const host = member.addHost(1)
    assert.equal(lease(network, host), '10.20.0.11')
    host.decline('10.20.0.11')
    network.run(100)
    host.discover()
    network.run(3_000)
    assert.equal(host.address, null)
    assert.ok(member.addressing.stats.poolExhausted > 0)
    network.run(PUT_ASIDE_MS)
    assert.equal(lease(network, host), '10.20.0.11')
  })

  it('says nothing when the pool is used up, and counts it; a lease that ends makes room', () => {
    const { network, member } = oneMember(small(10, 12))
    const hosts = Array.from({ length: 3 }, (_, i) => member.addHost(i + 1))
    for (const host of hosts) lease(network, host)
    const last = member.addHost(4)
    last.discover()
    network.run(1_000)
    assert.equal(last.replies.length, 0)
    assert.equal(member.addressing.stats.poolExhausted, 1)
    hosts[0]!.release()
    network.run(100)
    assert.notEqual(lease(network, last), null)
  })

  it('never gives network, broadcast, station, router or reserved addresses to whoever asks', () => {
    const plan: AddressPlan = {
      ...PLAN,
      subnet4: '10.20.0.0/29',
      router4: '10.20.0.2',
      reservations: [{ mac: '02:00:00:00:00:07', address4: '10.20.0.5' }],
    }
    const { network, member } = oneMember(plan)
    const hosts = Array.from({ length: 6 }, (_, i) => member.addHost(i + 1))
    for (const host of hosts) host.discover()
    network.run(2_000)
    const given = hosts.flatMap(({ address }) => address ?? []).sort()
    assert.deepEqual(given, ['10.20.0.3', '10.20.0.4', '10.20.0.6'])
    assert.equal(lease(network, member.addHost(7)), '10.20.0.5')
  })

  it('gives the address that a host asks for, if it may have it', () => {
    const { network, member } = oneMember()
    const requestedAddress = Uint8Array.of(10, 20, 0, 77)
    const first = member.addHost(1, { options: { requestedAddress } })
    assert.equal(lease(network, first), '10.20.0.77')
    const second = member.addHost(2)
    second.discover({ requestedAddress })
    network.run(1_000)
    assert.notEqual(second.address, '10.20.0.77')
    const third = member.addHost(3)
    third.discover({ requestedAddress: Uint8Array.of(10, 20, 0, 1) })
    network.run(1_000)
    assert.notEqual(third.address, '10.20.0.1')
  })

  it('informs a host with an address of its own, without giving one', () => {
    const { network, member } = oneMember()
    const host = member.addHost(1)
    host.address = '10.20.0.200'
    host.inform()
    network.run(50)
    const { type, message, options } = host.last!
    assert.equal(type, DHCP_ACK)
    assert.equal(formatIp(message.yourAddress), '0.0.0.0')
    assert.equal(options.leaseSeconds, undefined)
    assert.equal(options.domainName, 'games.waku.internal')
    assert.deepEqual(destinationOf(host.last!.frame), [macToString(host.mac), '10.20.0.200'])
  })

  it('one card has one address, whatever it calls itself; another card takes the address of a silent one along', () => {
    const { network, member } = oneMember()
    const clientId = Uint8Array.of(0xff, 1, 2, 3)
    const host = member.addHost(1, { options: { clientId } })
    const address = lease(network, host)
    host.discover({ clientId: Uint8Array.of(0, 9, 9) })
    network.run(1_000)
    assert.equal(host.address, address)
    assert.equal(member.table.length, 1)
    host.release()
    host.isOn = false
    network.run(100)
    const docked = member.addHost(2, { options: { clientId } })
    docked.discover()
    network.run(1_000)
    assert.notEqual(docked.address, null)
  })

  it('serves an honest client although others have taken every place and never take what they are offered', () => {
    const { network, member } = oneMember({ ...PLAN, subnet4: '10.20.0.0/16' })
    for (let i = 1; i <= 2 * MAX_PENDING_CLIENTS; i++) {
      const host = member.addHost(i)
      host.isOn = false
      host.discover()
      network.run(20)
    }
    network.run(1_000)
    lease(network, member.addHost(1_000))
    const taken = member.addressing.drops['dhcp-full']
    assert.equal(taken, 0, 'places are made')
  })

  it('bounds what clients that come and go can make it keep', () => {
    const { network, member } = oneMember({ ...PLAN, subnet4: '10.20.0.0/16' })
    for (let i = 1; i <= 1_000; i++) {
      const host = member.addHost(i)
      host.isOn = false
      host.discover()
    }
    network.run(50)
    assert.ok(member.addressing.drops['dhcp-full'] > 0)
    network.run(40_000)
    for (let i = 0; i < 300; i++) {
      if (i % 40 === 0) network.run(1_500)
      const host = member.addHost(2_000 + i)
      host.discover()
    }
    network.run(3_000)
    assert.ok(member.addressing.stats.ownLeases <= 256)
    assert.ok(member.addressing.stats.poolExhausted > 0)
  })
})
