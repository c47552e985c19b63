import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeArp, decodeNdOption, decodeNeighborMessage, macToString } from '@wakunet/ethernet'
import { checkProperty } from '@wakunet/testing'
import fc from 'fast-check'
import { formatIp, type StationDrop, stationAddresses, stationMac } from '../src/index.ts'
import {
  address,
  CLIENT_FRAMES,
  CLIENT_MAC,
  CLIENT4,
  CLIENT6,
  changed,
  clientFrame,
  hex,
  hexToBytes,
  PLAN,
  StationScene,
  VLAN_ID,
} from './station-scene.ts'

const ALL_NODES_MAC = '333300000001'

/** Which reason was counted for one frame that is not answered. */
function dropOf(scene: StationScene, frame: Uint8Array): StationDrop | 'answered' | null {
  const before = { ...scene.station.drops }
  if (scene.ask(frame).length > 0) return 'answered'
  const reasons = Object.keys(before) as StationDrop[]
  return reasons.find((reason) => scene.station.drops[reason] > before[reason]) ?? null
}

describe('addresses of the station', () => {
  test('are the same on every switch of a VLAN', () => {
    const { mac, address4, address6, linkLocal } = stationAddresses(VLAN_ID, PLAN)
    assert.equal(macToString(mac), '02:57:4b:f0:a1:3f')
    assert.deepEqual([address4, address6, linkLocal].map(formatIp), [
      '10.77.16.1',
      'fd12:3456:789a:1::53',
      'fe80::57:4bff:fef0:a13f',
    ])
    assert.notDeepEqual(stationMac(hexToBytes('ff'.repeat(16))), mac)
  })
})

describe('the station answers real programs', () => {
  test('ARP of the kernel, unicast', () => {
    const scene = new StationScene()
    const { ethernet } = scene.askOne(clientFrame('arpRequest'))
    const reply = decodeArp(ethernet.payload)!
    assert.equal(hex(ethernet.destination), hex(CLIENT_MAC))
    assert.deepEqual(
      [reply.operation, hex(reply.senderMac), formatIp(reply.senderAddress), formatIp(reply.targetAddress)],
      [2, hex(scene.station.addresses.mac), '10.77.16.1', '10.77.16.5'],
    )
  })

  test('an ARP probe, so that nobody takes the address', () => {
    const { ethernet } = new StationScene().askOne(clientFrame('arpProbe'))
    const reply = decodeArp(ethernet.payload)!
    assert.deepEqual([reply.operation, formatIp(reply.senderAddress)], [2, '10.77.16.1'])
  })

  test('a neighbour solicitation, solicited and with its link-layer address', () => {
    const { ip6, ethernet } = new StationScene().askOne(clientFrame('neighbourSolicitation'))
    const message = decodeNeighborMessage(ip6!)!
    assert.ok(message.type === 136)
    assert.deepEqual([message.solicited, message.override, message.router], [true, true, true])
    assert.equal(formatIp(message.target), 'fd12:3456:789a:1::53')
    assert.equal(hex(ip6!.destination), hex(CLIENT6))
    assert.equal(hex(ethernet.destination), hex(CLIENT_MAC))
    assert.deepEqual(
      message.options.map((option) => decodeNdOption(option)),
      [{ type: 2, mac: ethernet.source }],
    )
  })

  test('echo requests, with what was in them', () => {
    const scene = new StationScene()
    for (const [name, type, at] of [
      ['echo4', 0, 34],
      ['echo6', 129, 54],
    ] as const) {
      const request = clientFrame(name)
      const { payload } = scene.askOne(request)
      assert.equal(payload[0], type)
      assert.equal(hex(payload.subarray(4)), hex(request.subarray(at + 4)))
    }
    assert.equal(scene.station.stats.echo, 2)
  })

  test('a client that comes over TCP, with "port unreachable" and its own header', () => {
    const syn = clientFrame('tcpSyn')
    const { ip4 } = new StationScene().askOne(syn)
    assert.deepEqual([...ip4!.payload.subarray(0, 2)], [3, 3])
    assert.equal(hex(ip4!.payload.subarray(8)), hex(syn.subarray(14)))
  })

  test('and is asked for by all of their frames but those to all servers', () => {
    const { station } = new StationScene()
    const others = CLIENT_FRAMES.filter((name) => {
      const frame = clientFrame(name)
      return !station.isForStation(frame, 0, frame.length)
    })
    assert.ok(
      others.every((name) => /^(routerSolicitation|dhcp6)/.test(name)),
      others.join(),
    )
  })
})

describe('the station defends its addresses', () => {
  test('against duplicate address detection: everybody is told, and nobody solicited it', () => {
    const solicitation = detection(new StationScene().station.addresses.address6)
    const { ethernet, ip6 } = new StationScene().askOne(solicitation)
    const message = decodeNeighborMessage(ip6!)!
    assert.ok(message.type === 136)
    assert.deepEqual([message.solicited, message.override], [false, true])
    assert.equal(hex(ethernet.destination), ALL_NODES_MAC)
    assert.equal(formatIp(ip6!.destination), 'ff02::1')
  })

  test('against a host that says it has the IPv4 address, once in ten seconds', () => {
    const scene = new StationScene()
    const claim = changed(clientFrame('arpRequest'), 28, ...scene.station.addresses.address4)
    const { ethernet } = scene.askOne(claim)
    assert.equal(hex(ethernet.destination), 'ffffffffffff')
    const announced = decodeArp(ethernet.payload)!
    assert.deepEqual(
      [hex(announced.senderMac), formatIp(announced.senderAddress), formatIp(announced.targetAddress)],
      [hex(scene.station.addresses.mac), '10.77.16.1', '10.77.16.1'],
    )
    scene.nowMs += 9_999
    assert.equal(dropOf(scene, claim), 'rate')
    scene.nowMs += 1
    assert.equal(dropOf(scene, claim), 'answered')
  })
})

describe('the station does not answer', () => {
  const reasons: readonly [name: string, frame: () => Uint8Array, reason: StationDrop][] = [
    ['a cut frame', () => clientFrame('echo4').slice(0, 13), 'malformed'],
    ['a frame from a group', () => changed(clientFrame('echo4'), 6, 0x01), 'malformed'],
    [
      'its own frame',
      () => changed(clientFrame('echo4'), 6, 0x02, 0x57, 0x4b, 0xf0, 0xa1, 0x3f),
      'not-for-us',
    ],
    ['a tagged frame', () => tagged(clientFrame('arpRequest')), 'not-for-us'],
    ['another EtherType', () => changed(clientFrame('echo4'), 12, 0x88, 0xcc), 'not-for-us'],
    ['an ARP request for another', () => changed(clientFrame('arpRequest'), 41, 9), 'not-for-us'],
    ['an ARP reply', () => changed(clientFrame('arpRequest'), 21, 2), 'not-for-us'],
    [
      'ARP with a sender that is not the frame’s',
      () => changed(clientFrame('arpRequest'), 22, 2),
      'malformed',
    ],
    ['a wrong IPv4 header checksum', () => changed(clientFrame('echo4'), 24, 0, 0), 'checksum'],
    ['a wrong ICMP checksum', () => changed(clientFrame('echo4'), 36, 0, 0), 'checksum'],
    ['a wrong ICMPv6 checksum', () => changed(clientFrame('echo6'), 56, 0, 0), 'checksum'],
    ['a wrong UDP checksum', () => changed(clientFrame('dnsA'), 40, 0, 1), 'checksum'],
    ['no UDP checksum over IPv6', () => changed(clientFrame('dnsAaaa'), 60, 0, 0), 'checksum'],
    [
      'a wrong checksum of a solicitation',
      () => changed(clientFrame('neighbourSolicitation'), 56, 0, 0),
      'checksum',
    ],
    ['a solicitation from afar', () => changed(clientFrame('neighbourSolicitation'), 21, 64), 'malformed'],
    ['an IPv4 fragment', () => fixed4(changed(clientFrame('echo4'), 20, 0x20, 0)), 'fragment'],
    ['an IPv6 fragment', () => changed(clientFrame('echo6'), 20, 44), 'fragment'],
    ['a packet to another address', () => fixed4(changed(clientFrame('echo4'), 33, 2)), 'not-for-us'],
    ['a sender of another network', () => fixed4(changed(clientFrame('echo4'), 26, 11)), 'foreign-source'],
    [
      'the broadcast address as sender',
      () => fixed4(changed(clientFrame('echo4'), 28, 0x1f, 0xff)),
      'malformed',
    ],
    ['another protocol', () => fixed4(changed(clientFrame('tcpSyn'), 23, 47)), 'not-for-us'],
    ['a UDP length past the packet', () => changed(clientFrame('dnsA'), 38, 0xff), 'malformed'],
    ['another ICMP type', () => changed(clientFrame('echo4'), 34, 13), 'not-for-us'],
  ]
  for (const [name, frame, reason] of reasons) {
    test(name, () => assert.equal(dropOf(new StationScene(), frame()), reason))
  }

  test('echo requests larger than the MTU, whatever the frame holds', () => {
    const scene = new StationScene({ plan: { ...PLAN, mtu: 1_280 } })
    const request = fixed4(changed(grown(clientFrame('echo4'), 1_281), 16, 1_281 >>> 8, 1_281 & 255))
    assert.equal(dropOf(scene, request), 'malformed')
  })

  test('a router solicitation that says a link-layer address without having one', () => {
    const frame = clientFrame('routerSolicitation')
    frame.fill(0, 22, 38)
    assert.equal(dropOf(new StationScene(), fixedIcmpv6(frame)), 'malformed')
  })

  test('more than its rates: a sender that floods leaves enough for another', () => {
    const scene = new StationScene()
    const flood = clientFrame('echo4')
    for (let i = 0; i < 5_000; i++) scene.ask(flood)
    assert.equal(scene.station.stats.echo, 200, 'the burst of one sender')
    assert.equal(scene.station.drops.rate, 4_800)
    assert.equal(scene.ask(changed(flood, 11, 0x01)).length, 1, 'another sender')
    scene.nowMs += 1_000
    for (let i = 0; i < 5_000; i++) scene.ask(flood)
    assert.equal(scene.station.stats.echo, 301, 'a second later')
  })

  test('more than its rates: invented senders together get no more than the total', () => {
    const scene = new StationScene()
    const flood = clientFrame('arpRequest')
    for (let i = 0; i < 5_000; i++) {
      const source = [0x02, 0, 0, 0, i >>> 8, i & 255]
      scene.ask(changed(changed(flood, 6, ...source), 22, ...source))
    }
    assert.equal(scene.station.stats.arp, 1_000)
  })
})

describe('the station and any bytes', () => {
  test('never throw, cut anywhere or with any byte changed', async () => {
    const frame = fc.constantFrom(...CLIENT_FRAMES).map(clientFrame)
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 })
    const scene = new StationScene()
    await checkProperty(
      fc.property(frame, edits, fc.nat(), (bytes, changes, cut) => {
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        const length = bytes.length - (cut % 3 === 0 ? cut % bytes.length : 0)
        scene.nowMs += 1_000
        const answers = scene.ask(bytes.slice(0, length))
        assert.ok(answers.length <= 1)
        scene.station.isForStation(bytes, 0, length)
      }),
      { runs: 3_000 },
    )
    for (const name of CLIENT_FRAMES) {
      const whole = clientFrame(name)
      for (let length = 0; length < whole.length; length++) scene.ask(whole.slice(0, length))
    }
  })
})

describe('what the station hears', () => {
  test('nobody else can have its addresses: they are bound to the TAP’s side, and anew with the plan', () => {
    const scene = new StationScene()
    const bound = (text: string) => `${text} 2574bf0a13f tap`
    const [address4, address6, linkLocal] = ['10.77.16.1', 'fd12:3456:789a:1::53', 'fe80::57:4bff:fef0:a13f']
    assert.deepEqual(
      [...scene.bindings],
      [address4, address6, linkLocal].map((text) => bound(text!)),
    )
    scene.station.setPlan({ ...PLAN, subnet4: '10.99.0.0/24' }, scene.nowMs)
    assert.deepEqual(
      [...scene.bindings].sort(),
      ['10.99.0.1', address6, linkLocal].map((text) => bound(text!)),
    )
  })

  test('a DHCPv4 client that has no address yet, and nobody else to all', () => {
    const scene = new StationScene()
    const client = { destinationMac: 'ffffffffffff', source: '0.0.0.0', destination: '255.255.255.255' }
    const discover = broadcast(client, 67, hexToBytes('0102'))
    scene.ask(discover)
    assert.deepEqual(
      scene.dhcp4.map(({ payload, source, sourceMac, destinationPort }) => [
        hex(payload),
        formatIp(source),
        hex(sourceMac),
        destinationPort,
      ]),
      [['0102', '0.0.0.0', hex(CLIENT_MAC), 67]],
    )
    assert.equal(dropOf(scene, broadcast(client, 53, clientFrame('dnsA').slice(42))), 'not-for-us')
    scene.station.sendDhcp4({
      destinationMac: CLIENT_MAC,
      destination: address('255.255.255.255'),
      sourcePort: 67,
      destinationPort: 68,
      payload: hexToBytes('02'),
    })
    assert.equal(scene.takeSent().length, 1)
    assert.equal(scene.station.stats.dhcp4, 1)
  })

  test('its new addresses when the plan changes, and the old ones no more', () => {
    const scene = new StationScene()
    scene.station.setPlan({ ...PLAN, subnet4: '10.99.0.0/24' }, scene.nowMs)
    const asked = clientFrame('arpRequest')
    assert.equal(scene.station.isForStation(asked, 0, asked.length), false)
    const anew = changed(asked, 38, 10, 99, 0, 1)
    assert.equal(scene.station.isForStation(anew, 0, anew.length), true)
    assert.equal(dropOf(scene, anew), 'answered')
    assert.equal(dropOf(scene, clientFrame('echo4')), 'not-for-us')
    assert.throws(() => scene.station.setPlan({ ...PLAN, subnet4: 'x' }, 0), { code: 'ERR_ADDRESS_INVALID' })
    assert.equal(dropOf(scene, anew), 'answered', 'the plan before stays')
  })
})

/** The neighbour solicitation of a host that wants to have `target` (RFC 4862 §5.4.2). */
function detection(target: Uint8Array): Uint8Array {
  const frame = clientFrame('neighbourSolicitation').slice(0, -8)
  frame[19] = 24
  frame.fill(0, 22, 38)
  frame.set(target, 62)
  return fixedIcmpv6(frame)
}

function fixedIcmpv6(frame: Uint8Array): Uint8Array {
  frame.set([0, 0], 56)
  const sum = ~sumOf(frame.subarray(22), frame.length - 54 + 58) & 0xffff
  frame.set([sum >>> 8, sum & 255], 56)
  return frame
}

function fixed4(frame: Uint8Array): Uint8Array {
  frame.set([0, 0], 24)
  const sum = ~sumOf(frame.subarray(14, 34), 0) & 0xffff
  frame.set([sum >>> 8, sum & 255], 24)
  return frame
}

function sumOf(bytes: Uint8Array, initial: number): number {
  let sum = initial
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}

function tagged(frame: Uint8Array): Uint8Array {
  return Uint8Array.of(...frame.subarray(0, 12), 0x81, 0, 0, 7, ...frame.subarray(12))
}

function grown(frame: Uint8Array, ipBytes: number): Uint8Array {
  const bytes = new Uint8Array(14 + ipBytes)
  bytes.set(frame)
  return bytes
}

function broadcast(
  way: { readonly destinationMac: string; readonly source: string; readonly destination: string },
  port: number,
  payload: Uint8Array,
): Uint8Array {
  const scene = new StationScene()
  const frame = scene.datagram(address(way.destination), port, payload, address(way.source))
  frame.set(hexToBytes(way.destinationMac))
  return frame
}

test('the client of the captured frames is where the tests expect it', () => {
  const frame = clientFrame('echo4')
  assert.equal(hex(frame.subarray(26, 30)), hex(CLIENT4))
})
