import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DEFAULT_PORT_RATES } from '../src/guards/guard-port.ts'
import {
  ALL_NODES,
  advertisement,
  arp,
  bytesOf,
  ChainTest,
  ethernet,
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
} from './guard-support.ts'

const ALICE = 5
const MALLORY = 9
const ADDRESS = '10.1.0.5'

/** Alice has 10.1.0.5 and fe80::5 by membership or lease. */
function bound(): ChainTest {
  const test = new ChainTest()
  test.chain.bindings.setStatic(ip4(ADDRESS), macNumber(ALICE), test.alice, 0)
  test.chain.bindings.setStatic(linkLocal(ALICE), macNumber(ALICE), test.alice, 0)
  return test
}

describe('ArpGuard (L3)', () => {
  const spoofs = [
    arp(MALLORY, ADDRESS, '10.1.0.6', { operation: 2, destination: mac(6) }),
    arp(MALLORY, ADDRESS, ADDRESS),
    arp(MALLORY, ADDRESS, '10.1.0.6'),
    arp(MALLORY, ADDRESS, '10.1.0.6', { tags: [tag(0)] }),
  ]

  it('10,000 spoofed packets: 0 delivered, from members and from the TAP, and honest ones all the while', () => {
    const test = bound()
    for (let i = 0; i < 10_000; i++) {
      test.nowMs += 10
      const port = i % 2 === 0 ? test.mallory : test.chain.tap
      assert.equal(test.inspect(spoofs[i % spoofs.length]!, port), 'arp-spoofed')
      if (i % 10 === 0) assert.equal(test.inspect(arp(ALICE, ADDRESS, '10.1.0.6'), test.alice), 'pass')
    }
    assert.equal(test.count('arp-spoofed'), 10_000)
  })

  it('lets them pass when it is off: the negative control', () => {
    const test = bound()
    test.chain.switch('arp', false)
    for (const frame of spoofs) assert.equal(test.inspect(frame), 'pass')
  })

  it('drops a sender that is not the frame’s, groups and loopback as sender, and other forms', () => {
    const test = bound()
    assert.equal(test.inspect(arp(MALLORY, '10.1.0.9', '10.1.0.6', { senderMac: mac(ALICE) })), 'arp-source')
    for (const sender of ['224.0.0.1', '255.255.255.255', '127.0.0.1', '0.0.0.9'])
      assert.equal(test.inspect(arp(MALLORY, sender, '10.1.0.6')), 'arp-malformed')
    assert.equal(test.inspect(arp(MALLORY, '0.0.0.0', '10.1.0.6', { operation: 2 })), 'arp-malformed')
    for (const operation of [0, 3, 8, 0x101])
      assert.equal(test.inspect(arp(MALLORY, '10.1.0.9', '10.1.0.6', { operation })), 'arp-malformed')
    const form = arp(MALLORY, '10.1.0.9', '10.1.0.6')
    for (const at of [14, 15, 16, 17, 18, 19]) {
      const frame = form.slice()
      frame[at]! ^= 1
      assert.equal(test.inspect(frame), 'arp-malformed')
    }
    assert.equal(test.inspect(form.subarray(0, 14 + 27)), 'arp-malformed')
  })

  it('probes pass: they claim nothing (RFC 5227)', () => {
    const test = bound()
    assert.equal(test.inspect(arp(MALLORY, '0.0.0.0', ADDRESS)), 'pass')
    assert.equal(test.chain.bindings.find(ip4(ADDRESS), 0, 4, 0)?.owner, test.alice)
  })

  it('learns an address that nobody has, defends it, and lets it move', () => {
    const test = new ChainTest()
    assert.equal(test.inspect(arp(ALICE, '10.1.0.77', '10.1.0.6'), test.alice), 'pass')
    assert.equal(test.inspect(arp(MALLORY, '10.1.0.77', '10.1.0.6')), 'arp-spoofed')
    test.nowMs += 100
    assert.equal(test.inspect(arp(ALICE, '10.1.0.77', '0.0.0.1', { operation: 2 }), test.alice), 'pass')
    test.chain.bindings.tick(test.nowMs + 1_000)
    test.nowMs += 1_000
    assert.equal(test.inspect(arp(MALLORY, '10.1.0.77', '10.1.0.77'), test.mallory), 'arp-spoofed')
    test.nowMs += 500
    test.chain.bindings.tick(test.nowMs)
    assert.equal(test.inspect(arp(MALLORY, '10.1.0.77', '10.1.0.77'), test.mallory), 'pass')
  })

  it('limits the rate of a port, and of no other', () => {
    const test = bound()
    for (let i = 0; i < 1_000; i++) test.inspect(arp(MALLORY, '10.1.0.9', '10.1.0.6'))
    assert.equal(test.count('arp-rate'), 1_000 - DEFAULT_PORT_RATES.arp.burst)
    assert.equal(test.inspect(arp(ALICE, ADDRESS, '10.1.0.6'), test.alice), 'pass')
  })

  it('leaves inner VLANs alone: their addresses are others', () => {
    const test = bound()
    test.chain.tag.setPolicy({ mode: 'carry' })
    assert.equal(test.inspect(arp(MALLORY, ADDRESS, '10.1.0.6', { tags: [tag(7)] })), 'pass')
  })
})

describe('NdGuard (L3)', () => {
  const target = linkLocal(ALICE)
  const spoofs = [
    nd(MALLORY, advertisement(target, [link(2, mac(MALLORY))])),
    nd(MALLORY, advertisement(target), { source: target }),
    nd(MALLORY, solicitation(linkLocal(6), [link(1, mac(MALLORY))]), { source: target }),
    nd(MALLORY, advertisement(target, [link(2, mac(MALLORY))]), { tags: [tag(0)] }),
  ]

  it('10,000 spoofed messages: 0 delivered, from members and from the TAP, and honest ones all the while', () => {
    const test = bound()
    const honest = nd(ALICE, advertisement(target, [link(2, mac(ALICE))]))
    for (let i = 0; i < 10_000; i++) {
      test.nowMs += 10
      const port = i % 2 === 0 ? test.mallory : test.chain.tap
      assert.equal(test.inspect(spoofs[i % spoofs.length]!, port), 'nd-spoofed')
      if (i % 10 === 0) assert.equal(test.inspect(honest, test.alice), 'pass')
    }
  })

  it('lets them pass when it is off: the negative control', () => {
    const test = bound()
    test.chain.switch('nd', false)
    for (const frame of spoofs) assert.equal(test.inspect(frame), 'pass')
  })

  it('drops a link-layer address that is not the frame’s', () => {
    const test = bound()
    const frames = [
      nd(MALLORY, advertisement(linkLocal(MALLORY), [link(2, mac(ALICE))])),
      nd(MALLORY, solicitation(linkLocal(6), [link(1, mac(ALICE))])),
      nd(
        MALLORY,
        advertisement(linkLocal(MALLORY), [{ type: 14, data: new Uint8Array(6) }, link(2, mac(ALICE))]),
      ),
    ]
    for (const frame of frames) assert.equal(test.inspect(frame), 'nd-source')
  })

  it('duplicate address detection passes: it claims nothing', () => {
    const test = bound()
    const unspecified = new Uint8Array(16)
    assert.equal(test.inspect(nd(MALLORY, solicitation(target), { source: unspecified })), 'pass')
    const withLink = nd(MALLORY, solicitation(target, [link(1, mac(MALLORY))]), { source: unspecified })
    assert.equal(test.inspect(withLink), 'nd-malformed')
    assert.equal(test.chain.bindings.find(target, 0, 16, 0)?.owner, test.alice)
  })

  it('drops fragments, other hop limits and codes, cut messages and options, and groups as target', () => {
    const test = bound()
    const honest = nd(MALLORY, advertisement(linkLocal(MALLORY), [link(2, mac(MALLORY))]))
    const body = honest.subarray(54)
    assert.equal(test.inspect(honest), 'pass')
    assert.equal(test.inspect(ipv6(MALLORY, 44, join(bytesOf('3a00000000000007'), body))), 'nd-fragmented')
    assert.equal(
      test.inspect(nd(MALLORY, advertisement(linkLocal(MALLORY)), { hopLimit: 64 })),
      'nd-malformed',
    )
    assert.equal(test.inspect(nd(MALLORY, advertisement(ALL_NODES))), 'nd-malformed')
    assert.equal(test.inspect(nd(MALLORY, solicitation(ALL_NODES))), 'nd-malformed')
    assert.equal(test.inspect(nd(MALLORY, solicitation(linkLocal(6)), { source: ALL_NODES })), 'nd-malformed')
    for (const change of [
      (bytes: Uint8Array) => bytes.set([1], 1),
      (bytes: Uint8Array) => bytes.set([0], 25),
      (bytes: Uint8Array) => bytes.set([2], 25),
    ]) {
      const changed = body.slice()
      change(changed)
      assert.equal(test.inspect(ipv6(MALLORY, 58, changed)), 'nd-malformed')
    }
    for (const length of [23, 25, 31])
      assert.equal(test.inspect(ipv6(MALLORY, 58, body.subarray(0, length))), 'nd-malformed')
  })

  it('looks behind extension headers', () => {
    const test = bound()
    const body = spoofs[0]!.subarray(54)
    assert.equal(test.inspect(ipv6(MALLORY, 60, join(bytesOf('3a00010400000000'), body))), 'nd-spoofed')
  })

  it('limits the rate of a port', () => {
    const test = bound()
    for (let i = 0; i < 1_000; i++) test.inspect(nd(MALLORY, solicitation(linkLocal(6))))
    assert.equal(test.count('nd-rate'), 1_000 - DEFAULT_PORT_RATES.nd.burst)
  })

  it('leaves other ICMPv6 alone', () => {
    const test = bound()
    assert.equal(test.inspect(ipv6(MALLORY, 58, bytesOf('8000000000010001'))), 'pass')
    assert.equal(test.inspect(ethernet(MALLORY, 0x88b5, new Uint8Array(46))), 'pass')
  })
})
