import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  decodeArp,
  decodeEthernet,
  decodeIpv6,
  decodeNeighborMessage,
  linkAddressOf,
  type NeighborMessage,
} from '@wakunet/ethernet'
import fc from 'fast-check'
import { announcementFrame, probeFrame } from '../src/neighbour-frames.ts'
import { NeighbourProxy, PROXY_FRESH_MS } from '../src/neighbour-proxy.ts'
import {
  ALL_NODES,
  advertisement,
  arp,
  bytesOf,
  ChainTest,
  ip4,
  ipv6,
  join,
  link,
  linkLocal,
  mac,
  macNumber,
  nd,
  solicitation,
  tag,
  ula,
} from './guard-support.ts'

const TAP = 1
const ALICE = 5

class ProxyTest extends ChainTest {
  readonly proxy = new NeighbourProxy(this.chain.bindings, this.chain.tap)

  constructor() {
    super()
    this.chain.bindings.setStatic(ip4('10.1.0.5'), macNumber(ALICE), this.alice, 0)
    this.chain.bindings.setStatic(ula(ALICE), macNumber(ALICE), this.alice, 0)
    this.chain.bindings.setStatic(ip4('10.1.0.1'), macNumber(TAP), this.chain.tap, 0)
  }

  answer(frame: Uint8Array, nowMs = this.nowMs): Uint8Array | null {
    const bytes = join(bytesOf('eeee'), frame, bytesOf('ee'))
    return this.proxy.answer(bytes, 2, frame.length, nowMs)
  }
}

/** ff02::1:ff00:n, and its MAC address. */
const solicited = (n: number) => bytesOf(`ff02${'00'.repeat(9)}01ff0000${n.toString(16).padStart(2, '0')}`)
const question6 = (more: Parameters<typeof nd>[2] = {}, target = ula(ALICE), options = [link(1, mac(TAP))]) =>
  nd(TAP, solicitation(target, options), {
    destination: solicited(ALICE),
    destinationMac: bytesOf('3333ff000005'),
    ...more,
  })

function neighborMessage(frame: Uint8Array): NeighborMessage {
  const packet = decodeIpv6(decodeEthernet(frame)!.payload)!
  const message = decodeNeighborMessage(packet)
  assert.ok(message)
  return message
}

describe('NeighbourProxy', () => {
  it('answers an ARP request as the station itself would', () => {
    const test = new ProxyTest()
    const reply = test.answer(arp(TAP, '10.1.0.1', '10.1.0.5'))
    assert.ok(reply)
    const frame = decodeEthernet(reply)!
    assert.deepEqual([frame.destination, frame.source], [mac(TAP), mac(ALICE)])
    assert.deepEqual(decodeArp(frame.payload), {
      operation: 2,
      senderMac: mac(ALICE),
      senderAddress: ip4('10.1.0.5'),
      targetMac: mac(TAP),
      targetAddress: ip4('10.1.0.1'),
    })
    assert.equal(reply.length, 60)
    assert.equal(test.proxy.answered, 1)
  })

  it('answers a neighbour solicitation, as a proxy that overrides nothing', () => {
    const test = new ProxyTest()
    const reply = test.answer(question6())
    assert.ok(reply)
    const frame = decodeEthernet(reply)!
    assert.deepEqual([frame.destination, frame.source], [mac(TAP), mac(ALICE)])
    const packet = decodeIpv6(frame.payload)!
    assert.deepEqual([packet.source, packet.destination], [ula(ALICE), linkLocal(TAP)])
    const message = neighborMessage(reply)
    assert.equal(message.type, 136)
    assert.ok(message.type === 136 && message.solicited && !message.override && !message.router)
    assert.deepEqual(linkAddressOf(message, 2), mac(ALICE))
    // The buffer is used again, with nothing of the first answer left in it.
    assert.deepEqual(test.answer(question6()), reply)
  })

  it('its own answers pass the guards of the TAP’s side as the member’s', () => {
    const test = new ProxyTest()
    for (const question of [arp(TAP, '10.1.0.1', '10.1.0.5'), question6()])
      assert.equal(test.inspect(test.answer(question)!.slice(), test.alice), 'pass')
  })

  it('lets through what asks whether an address is free: probes, announcements, duplicate address detection', () => {
    const test = new ProxyTest()
    assert.equal(test.answer(arp(TAP, '0.0.0.0', '10.1.0.5')), null)
    assert.equal(test.answer(arp(TAP, '10.1.0.5', '10.1.0.5')), null)
    assert.equal(test.answer(question6({ source: new Uint8Array(16) }, ula(ALICE), [])), null)
    assert.equal(test.proxy.passed, 3)
    assert.equal(test.proxy.answered, 0)
  })

  it('lets through what asks one station, replies, tagged frames, and what nobody is known for', () => {
    const test = new ProxyTest()
    for (const frame of [
      arp(TAP, '10.1.0.1', '10.1.0.5', { destination: mac(ALICE) }),
      arp(TAP, '10.1.0.1', '10.1.0.5', { operation: 2 }),
      arp(TAP, '10.1.0.1', '10.1.0.5', { tags: [tag(0)] }),
      arp(TAP, '10.1.0.1', '10.1.0.99'),
      question6({ destinationMac: mac(ALICE), destination: ula(ALICE) }),
      question6({ destination: ula(ALICE) }),
      question6({}, ula(77)),
      question6({}, ALL_NODES),
      question6({}, ula(ALICE), []),
      question6({}, ula(ALICE), [link(1, mac(7))]),
      question6({ hopLimit: 64 }),
      question6({ source: ula(ALICE) }),
      nd(TAP, advertisement(ula(ALICE))),
      ipv6(TAP, 58, bytesOf('8700')),
    ])
      assert.equal(test.answer(frame), null)
  })

  it('answers nothing that is malformed or has a wrong checksum', () => {
    const test = new ProxyTest()
    const question = question6()
    for (let length = 0; length < question.length; length++)
      assert.equal(test.answer(question.subarray(0, length)), null)
    const wrong = question.slice()
    wrong[56]! ^= 1
    assert.equal(test.answer(wrong), null)
    const request = arp(TAP, '10.1.0.1', '10.1.0.5')
    for (let length = 0; length < 42; length++) assert.equal(test.answer(request.subarray(0, length)), null)
    fc.assert(
      fc.property(
        fc.constantFrom(question, request),
        fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 5 }),
        (frame, changes) => {
          const changed = frame.slice()
          for (const [at, value] of changes) if (at < changed.length) changed[at] = value
          const reply = test.answer(changed)
          if (reply !== null) assert.deepEqual(reply.subarray(6, 12), mac(ALICE))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('does not answer for the TAP’s own side, nor for a binding without a station', () => {
    const test = new ProxyTest()
    assert.equal(test.answer(arp(7, '10.1.0.7', '10.1.0.1')), null)
    test.chain.bindings.setStatic(ip4('10.1.0.6'), null, test.alice, 0)
    assert.equal(test.answer(arp(TAP, '10.1.0.1', '10.1.0.6')), null)
  })

  it('vouches for a learned address while it is fresh and nobody doubts it', () => {
    const test = new ProxyTest()
    test.inspect(arp(ALICE, '10.1.0.77', '10.1.0.9'), test.alice)
    const question = arp(TAP, '10.1.0.1', '10.1.0.77')
    assert.ok(test.answer(question, test.nowMs + PROXY_FRESH_MS))
    assert.equal(test.answer(question, test.nowMs + PROXY_FRESH_MS + 1), null)
    test.inspect(arp(9, '10.1.0.77', '10.1.0.9'), test.mallory)
    assert.equal(test.answer(question), null)
    test.inspect(arp(ALICE, '10.1.0.77', '10.1.0.9'), test.alice)
    assert.ok(test.answer(question))
  })

  it('answers nothing when it is off', () => {
    const test = new ProxyTest()
    test.proxy.isOn = false
    assert.equal(test.answer(arp(TAP, '10.1.0.1', '10.1.0.5')), null)
  })
})

describe('neighbour frames', () => {
  it('a probe asks one station and claims nothing; its answer keeps the binding', () => {
    const frames: Uint8Array[] = []
    const test = new ChainTest({
      bindings: {
        onProbe: ({ address, mac: station }) => frames.push(probeFrame({ address, mac: station! }, mac(TAP))),
      },
    })
    const answers = [
      [arp(ALICE, '10.1.0.77', '10.1.0.1'), arp(9, '10.1.0.77', '10.1.0.1')],
      [nd(ALICE, advertisement(ula(77))), nd(9, advertisement(ula(77)))],
    ] as const
    for (const [honest, forged] of answers) {
      test.inspect(honest, test.alice)
      test.inspect(forged, test.mallory)
      test.nowMs += 100
      assert.equal(test.inspect(frames.at(-1)!, test.chain.tap), 'pass')
      assert.equal(test.inspect(honest, test.alice), 'pass')
      test.nowMs += 1_000
      test.chain.bindings.tick(test.nowMs)
    }
    assert.equal(test.chain.bindings.stats.moved, 0)
    assert.deepEqual(
      frames.map((frame) => decodeEthernet(frame)!.destination),
      [mac(ALICE), mac(ALICE)],
    )
    const probe = decodeArp(decodeEthernet(frames[0]!)!.payload)!
    assert.deepEqual([probe.senderAddress, probe.targetAddress], [ip4('0.0.0.0'), ip4('10.1.0.77')])
    assert.deepEqual(decodeIpv6(decodeEthernet(frames[1]!)!.payload)!.destination, solicited(77 /* 0x4d */))
    assert.equal(neighborMessage(frames[1]!).type, 135)
  })

  it('an announcement tells where an address is now', () => {
    const request = announcementFrame({ address: ip4('10.1.0.77'), mac: macNumber(9) })
    const packet = decodeArp(decodeEthernet(request)!.payload)!
    assert.deepEqual(
      [packet.senderMac, packet.senderAddress, packet.targetAddress],
      [mac(9), ip4('10.1.0.77'), ip4('10.1.0.77')],
    )
    const message = neighborMessage(announcementFrame({ address: ula(77), mac: macNumber(9) }))
    assert.ok(message.type === 136 && message.override && !message.solicited)
    assert.deepEqual(linkAddressOf(message, 2), mac(9))
  })
})
