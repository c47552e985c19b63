import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeBpdu, encodeIgmp, IGMP_V2_REPORT } from '@wakunet/ethernet'
import { DEFAULT_PORT_RATES } from '../src/guards/guard-port.ts'
import { mldFrame } from '../src/multicast/group-frames.ts'
import {
  ALL_NODES,
  bytesOf,
  ChainTest,
  ethernet,
  ip4,
  ipv4,
  ipv6,
  join,
  linkLocal,
  mac,
  nd,
  routerAdvertisement,
  solicitation,
  tag,
  tcp,
  udp,
} from './guard-support.ts'

/** A frame with LLC bytes instead of an EtherType. */
function llc(
  payload: Uint8Array,
  destination = bytesOf('0180c2000000'),
  length = payload.length,
): Uint8Array {
  const frame = ethernet(1, length, payload, { destination })
  return frame
}

const bpdu = (rootPriority: number, type: 0 | 2 = 2) =>
  join(
    bytesOf('424203'),
    encodeBpdu({
      type,
      flags: 0,
      rootId: join(Uint8Array.of(rootPriority >>> 8, rootPriority), mac(1)),
      rootPathCost: 0,
      bridgeId: join(bytesOf('8000'), mac(1)),
      portId: 0x8001,
      messageAgeMs: 0,
      maxAgeMs: 20_000,
      helloMs: 2_000,
      forwardDelayMs: 15_000,
    }),
  )

describe('FrameGuard (L12)', () => {
  const attacks: [string, Uint8Array][] = [
    ['a runt', bytesOf('020000000001 020000000002 08')],
    ['a cut tag', bytesOf('020000000001 020000000002 8100 00')],
    ['an IPv4 header that is cut', ethernet(1, 0x0800, bytesOf('4500001400000000'))],
    [
      'an IPv4 total length behind the frame',
      ethernet(1, 0x0800, join(bytesOf('450000ff'), new Uint8Array(16))),
    ],
    [
      'an IPv6 payload length behind the frame',
      ethernet(1, 0x86dd, join(bytesOf('6000000000ff3aff'), new Uint8Array(32))),
    ],
    ['a UDP header that is cut', ipv4(1, 17, new Uint8Array(7))],
    ['a TCP header that is cut', ipv4(1, 6, new Uint8Array(19))],
    [
      'a TCP data offset behind the packet',
      ipv4(1, 6, join(new Uint8Array(12), bytesOf('f0'), new Uint8Array(10))),
    ],
    ['a TCP data offset under the header', ipv4(1, 6, new Uint8Array(40))],
    ['an ICMPv6 message that is cut', ipv6(1, 58, new Uint8Array(7))],
    ['an LLC length behind the frame', llc(bpdu(0), undefined, 200)],
    ['a length that is neither length nor type', llc(new Uint8Array(1600), undefined, 1501)],
  ]

  it('drops what its own headers do not fit, of either side', () => {
    const test = new ChainTest()
    for (const [what, frame] of attacks) {
      assert.equal(test.inspect(frame), 'malformed', what)
      assert.equal(test.fromTap(frame), 'malformed', what)
    }
    assert.equal(test.count('malformed'), 2 * attacks.length)
  })

  it('lets them pass when it is off: the negative control', () => {
    const test = new ChainTest()
    test.chain.switch('frame', false)
    test.chain.switch('bpdu', false)
    for (const [what, frame] of attacks) assert.equal(test.inspect(frame), 'pass', what)
  })

  it('drops packets behind SNAP headers, and lets other SNAP and LLC through', () => {
    const test = new ChainTest()
    const snap = (oui: string, type: string) =>
      llc(join(bytesOf(`aaaa03 ${oui} ${type}`), new Uint8Array(40)), mac(9))
    for (const type of ['0800', '0806', '86dd', '8100', '88a8'])
      for (const oui of ['000000', '0000f8']) assert.equal(test.inspect(snap(oui, type)), 'snap', type)
    assert.equal(test.inspect(snap('080007', '809b')), 'pass')
    assert.equal(test.inspect(snap('000000', '80f3')), 'pass')
    assert.equal(test.inspect(llc(bytesOf('e0e003'), mac(9))), 'pass')
    test.chain.switch('frame', false)
    assert.equal(test.inspect(snap('000000', '86dd')), 'pass')
  })
})

describe('TagGuard (L10)', () => {
  const tagged = (...vids: number[]) =>
    ethernet(1, 0x88b5, new Uint8Array(46), { tags: vids.map((vid) => tag(vid)) })

  it('none: carries untagged and priority-tagged frames alone', () => {
    const test = new ChainTest()
    assert.equal(test.inspect(tagged()), 'pass')
    assert.equal(test.inspect(tagged(0)), 'pass')
    for (const vid of [1, 100, 4094, 4095]) assert.equal(test.inspect(tagged(vid)), 'tag-filtered')
    assert.equal(test.count('tag-filtered'), 4)
  })

  it('filter: carries the listed ids; carry: all but the reserved one', () => {
    const test = new ChainTest({ tagPolicy: { mode: 'filter', vids: [7, 4094, 4095] } })
    assert.deepEqual(
      [0, 7, 4094, 8, 4095].map((vid) => test.inspect(tagged(vid))),
      ['pass', 'pass', 'pass', 'tag-filtered', 'tag-filtered'],
    )
    test.chain.tag.setPolicy({ mode: 'carry' })
    assert.deepEqual(
      [1, 8, 4094, 4095].map((vid) => test.inspect(tagged(vid))),
      ['pass', 'pass', 'pass', 'tag-filtered'],
    )
  })

  it('never carries two tags, in whatever order and of whatever kind', () => {
    const test = new ChainTest({ tagPolicy: { mode: 'carry' } })
    assert.equal(test.inspect(tagged(0, 0)), 'tag-double')
    assert.equal(test.inspect(tagged(1, 100)), 'tag-double')
    const service = ethernet(1, 0x88b5, new Uint8Array(46), { tags: [tag(5, 0x88a8), tag(6)] })
    assert.equal(test.inspect(service), 'tag-double')
    const third = ethernet(1, 0x8100, bytesOf('000708000000'), { tags: [tag(5), tag(6)] })
    assert.equal(test.inspect(third), 'tag-double')
    const old = ethernet(1, 0x9100, bytesOf('000708000000'))
    assert.equal(test.inspect(old), 'tag-filtered')
    const mixed = ethernet(1, 0x9100, bytesOf('000708000000'), { tags: [tag(5)] })
    assert.equal(test.inspect(mixed), 'tag-double')
  })

  it('10,000 double-tagged frames: 0 crossed; all of them when it is off', () => {
    const test = new ChainTest()
    let crossed = 0
    for (let i = 0; i < 10_000; i++) if (test.inspect(tagged(1 + (i % 4094), i % 4095)) === 'pass') crossed++
    assert.equal(crossed, 0)
    test.chain.switch('tag', false)
    for (let i = 0; i < 100; i++) assert.equal(test.inspect(tagged(1 + i, 7)), 'pass')
  })
})

describe('BpduGuard (L7)', () => {
  const frames = [
    llc(bpdu(0)),
    llc(join(bytesOf('424203'), encodeBpdu({ type: 0x80 }))),
    llc(bpdu(0), mac(9)),
    llc(join(bytesOf('aaaa0300000c010b'), encodeBpdu({ type: 0x80 })), bytesOf('01000ccccccd')),
  ]

  it('no BPDU comes from a member, in whatever frame; all do when it is off', () => {
    const test = new ChainTest()
    for (const frame of frames) assert.equal(test.inspect(frame), 'bpdu-member')
    assert.equal(test.chain.bpdu.bridgeSeenMs, null)
    test.chain.switch('bpdu', false)
    for (const frame of frames) assert.equal(test.inspect(frame), 'pass')
  })

  it('from an edge TAP they are dropped, and tell that a bridge is there', () => {
    const test = new ChainTest()
    assert.equal(test.fromTap(frames[0]!), 'bpdu-edge')
    assert.equal(test.chain.bpdu.bridgeSeenMs, test.nowMs)
    assert.equal(test.fromTap(llc(bytesOf('e0e003'))), 'pass')
  })

  it('from a bridged TAP they are for the spanning tree of this switch, at a bearable rate', () => {
    const test = new ChainTest({ isBridged: true })
    let taken = 0
    for (let i = 0; i < 1_000; i++) if (test.fromTap(frames[0]!) === 'local-bpdu') taken++
    assert.equal(taken, DEFAULT_PORT_RATES.bpdu.burst)
    assert.equal(test.count('bpdu-rate'), 1_000 - taken)
    assert.equal(test.chain.locals['local-bpdu'], taken)
    test.nowMs += 1_000
    assert.equal(test.fromTap(frames[1]!), 'local-bpdu')
  })
})

describe('HeaderChainGuard and RouterGuard (L6)', () => {
  const ra = nd(9, routerAdvertisement).subarray(14 + 40)
  const options = (next: number) => join(Uint8Array.of(next, 0, 1, 4), new Uint8Array(4))
  const fragmentHeader = (next: number, offset: number, more: 0 | 1) =>
    Uint8Array.of(next, 0, offset >>> 8, (offset & 0xf8) | more, 0, 0, 0, 7)
  const chain = (count: number, next: number) =>
    join(...Array.from({ length: count }, (_, i) => options(i === count - 1 ? next : 60)))

  const attacks: [string, Uint8Array, string][] = [
    ['a plain one', ipv6(9, 58, ra), 'router-advertisement'],
    [
      'to one host',
      ipv6(9, 58, ra, { destination: linkLocal(5), destinationMac: mac(5) }),
      'router-advertisement',
    ],
    [
      'from an address that is not link-local',
      ipv6(9, 58, ra, { source: linkLocal(1).fill(0xfd, 0, 2) }),
      'router-advertisement',
    ],
    ['behind a priority tag', ipv6(9, 58, ra, { tags: [tag(0)] }), 'router-advertisement'],
    ['behind destination options', ipv6(9, 60, join(options(58), ra)), 'router-advertisement'],
    ['behind seven headers', ipv6(9, 60, join(chain(7, 58), ra)), 'router-advertisement'],
    ['behind more headers than are looked through', ipv6(9, 60, join(chain(9, 58), ra)), 'header-chain'],
    ['in an atomic fragment', ipv6(9, 44, join(fragmentHeader(58, 0, 0), ra)), 'router-advertisement'],
    ['in a first fragment', ipv6(9, 44, join(fragmentHeader(58, 0, 1), ra)), 'router-advertisement'],
    [
      'in a first fragment without the message',
      ipv6(9, 44, join(fragmentHeader(60, 0, 1), options(58))),
      'fragment-tiny',
    ],
    [
      'behind a header that ends in a later fragment',
      ipv6(9, 44, join(fragmentHeader(60, 0, 1), Uint8Array.of(58, 9, 0, 0, 0, 0, 0, 0))),
      'malformed',
    ],
    ['behind a header nobody knows', ipv6(9, 253, join(options(58), ra)), 'header-chain'],
    [
      'a redirect',
      nd(9, { type: 137, target: linkLocal(1), destination: linkLocal(2), options: [] }),
      'redirect',
    ],
  ]

  it('no router advertisement crosses, however it is wrapped, in either direction', () => {
    for (const [what, frame, reason] of attacks) {
      const test = new ChainTest()
      assert.equal(test.inspect(frame), reason, what)
      assert.equal(test.fromTap(frame), reason, what)
    }
  })

  it('passes when the guards are off: the negative control', () => {
    const test = new ChainTest()
    for (const name of ['frame', 'fragment', 'header-chain', 'router', 'nd'] as const)
      test.chain.switch(name, false)
    for (const [what, frame] of attacks) assert.equal(test.inspect(frame), 'pass', what)
  })

  it('each of the guards is what stops its kind', () => {
    const test = new ChainTest()
    test.chain.switch('fragment', false)
    const hidden = ipv6(9, 44, join(fragmentHeader(60, 0, 1), options(58)))
    assert.equal(test.inspect(hidden), 'header-chain')
    test.chain.switch('header-chain', false)
    assert.equal(test.inspect(hidden), 'pass')
    assert.equal(test.inspect(attacks[6]![1]), 'pass')
    assert.equal(test.inspect(attacks[0]![1]), 'router-advertisement')
  })

  it('solicitations stay with the TAP, and do not come from members', () => {
    const test = new ChainTest()
    const solicit = nd(9, { type: 133, options: [] })
    assert.equal(test.fromTap(solicit), 'local-router-solicitation')
    assert.equal(test.inspect(solicit), 'router-solicitation')
  })

  it('honest IPv6 passes: TCP, UDP, ESP, SCTP, nothing, echo, options, later fragments', () => {
    const test = new ChainTest()
    for (const [next, payload] of [
      [6, tcp()],
      [17, udp(1000, 2000)],
      [50, new Uint8Array(20)],
      [132, new Uint8Array(20)],
      [59, new Uint8Array(0)],
      [58, bytesOf('8000000000010001')],
      [0, join(options(17), udp(1000, 2000))],
      [44, join(fragmentHeader(58, 8, 0), new Uint8Array(16))],
    ] as const)
      assert.equal(test.inspect(ipv6(9, next, payload, { destination: linkLocal(5) })), 'pass', `${next}`)
  })
})

describe('DhcpGuard (L4) and DhcpClientGuard (L5)', () => {
  const boot = (change: (message: Uint8Array) => void = () => {}, op = 1) => {
    const message = new Uint8Array(300)
    message.set([op, 1, 6, 0])
    message.set(mac(9), 28)
    message.set(bytesOf('63825363 350101ff'), 236)
    change(message)
    return message
  }
  const request = (message = boot()) =>
    ipv4(9, 17, udp(68, 67, message), { source: '0.0.0.0', destination: '255.255.255.255' })
  const solicit6 = ipv6(9, 17, udp(546, 547, bytesOf('01000001')), { hopLimit: 1 })

  it('no server message crosses, in either direction, also in fragments and to one host', () => {
    const attacks = [
      ipv4(9, 17, udp(67, 68, boot(undefined, 2))),
      ipv4(9, 17, udp(67, 67, boot(undefined, 2))),
      ipv4(9, 17, udp(1234, 68, boot(undefined, 2))),
      ipv4(9, 17, udp(67, 1234, boot(undefined, 2))),
      ipv6(9, 17, udp(547, 546, bytesOf('02000001'))),
      ipv6(9, 17, udp(547, 547, bytesOf('0d000001'))),
      ipv6(9, 60, join(bytesOf('1100010400000000'), udp(547, 546, bytesOf('07000001')))),
    ]
    for (const frame of attacks) {
      const test = new ChainTest()
      assert.equal(test.inspect(frame), 'dhcp-server')
      test.chain.switch('dhcp', false)
      assert.equal(test.inspect(frame), 'pass')
      assert.equal(test.fromTap(frame), 'pass')
    }
    const test = new ChainTest()
    // In fragments that are in order: a multiple of eight bytes.
    const first = ipv4(9, 17, udp(67, 68, boot(undefined, 2)).subarray(0, 304), { fragment: 0x2000 })
    assert.equal(test.inspect(first), 'dhcp-server')
  })

  it('10,000 offers of a rogue server: 0 delivered', () => {
    const test = new ChainTest()
    let delivered = 0
    const offer = ipv4(9, 17, udp(67, 68, boot(undefined, 2)))
    for (let i = 0; i < 10_000; i++) if (test.inspect(offer) === 'pass') delivered++
    assert.equal(delivered, 0)
    assert.equal(test.count('dhcp-server'), 10_000)
  })

  it('requests stay with the TAP and do not come from members', () => {
    const test = new ChainTest()
    assert.equal(test.fromTap(request()), 'local-dhcpv4')
    assert.equal(test.fromTap(solicit6), 'local-dhcpv6')
    assert.equal(test.inspect(request()), 'dhcp-client')
    assert.equal(test.inspect(solicit6), 'dhcp-client')
  })

  it('a request in the name of another station, or through a relay, is dropped; not when the guard is off', () => {
    const attacks = [
      boot((message) => message.set(mac(1), 28)),
      boot((message) => message.set([10, 0, 0, 1], 24)),
      boot((message) => message.set([0, 2], 1)),
      boot((message) => message.set([7], 2)),
      boot(undefined, 2),
      boot().subarray(0, 239),
    ]
    for (const message of attacks) {
      const test = new ChainTest()
      assert.equal(test.fromTap(request(message)), 'dhcp-chaddr')
      test.chain.switch('dhcp-client', false)
      assert.equal(test.fromTap(request(message)), 'local-dhcpv4')
    }
  })

  it('a starving flood is limited, and an honest request gets through two seconds later', () => {
    const test = new ChainTest()
    for (let i = 0; i < 10_000; i++) test.fromTap(request())
    assert.equal(test.count('dhcp-rate'), 10_000 - DEFAULT_PORT_RATES.dhcp.burst)
    test.nowMs += 2_000
    assert.equal(test.fromTap(request()), 'local-dhcpv4')
  })
})

describe('MulticastControlGuard and MulticastRateGuard (L11)', () => {
  const igmp = ipv4(9, 2, encodeIgmp({ type: IGMP_V2_REPORT, group: ip4('239.1.1.1') }))
  const speaker = { mac: mac(9), address4: ip4('10.1.0.9'), address6: linkLocal(9) }
  const none = { suppress: false, robustness: 2, intervalSeconds: 125, sources: [] }
  const query = mldFrame(speaker, ALL_NODES, {
    type: 130,
    version: 2,
    maxResponseMs: 1,
    group: new Uint8Array(16),
    ...none,
  })

  it('no query or report comes from a member; all do when it is off', () => {
    const test = new ChainTest()
    assert.equal(test.inspect(igmp), 'multicast-control')
    assert.equal(test.inspect(query), 'multicast-control')
    test.chain.switch('multicast-control', false)
    assert.equal(test.inspect(igmp), 'pass')
    assert.equal(test.inspect(query), 'pass')
  })

  it('those of the TAP are for this switch, at a bearable rate; without limit when that guard is off', () => {
    const test = new ChainTest()
    const flood = () => {
      let taken = 0
      for (let i = 0; i < 1_000; i++) if (test.fromTap(igmp) === 'local-multicast') taken++
      return taken
    }
    assert.equal(flood(), DEFAULT_PORT_RATES.multicastControl.burst)
    assert.equal(test.count('multicast-rate'), 1_000 - DEFAULT_PORT_RATES.multicastControl.burst)
    test.chain.switch('multicast-rate', false)
    assert.equal(flood(), 1_000)
  })

  it('other ICMPv6 is not its business', () => {
    const test = new ChainTest()
    assert.equal(test.inspect(nd(9, solicitation(linkLocal(5)))), 'pass')
  })
})

describe('StormGuard (L8)', () => {
  const frame = ethernet(9, 0x88b5, new Uint8Array(46))

  /** Frames that reach the TAP in two seconds, with 2,000 in a second from each of the ports. */
  function storm(
    test: ChainTest,
    ports: ChainTest['alice'][],
    traffic: 'broadcast' | 'multicast' | 'unknown-unicast',
  ) {
    let delivered = 0
    for (let ms = 0; ms < 2_000; ms++) {
      test.nowMs++
      for (const port of ports)
        for (let i = 0; i < 2; i++) if (test.inspect(frame, port, traffic) === 'pass') delivered++
    }
    return delivered
  }

  it('the TAP gets at most 1,000 frames to everybody in a second, from however many members', () => {
    const test = new ChainTest()
    const ports = Array.from({ length: 5 }, () => test.chain.newMemberPort())
    const delivered = (['broadcast', 'multicast', 'unknown-unicast'] as const).map((traffic) =>
      storm(test, ports, traffic),
    )
    // One burst more than the rate in the first second.
    assert.deepEqual(
      delivered.map((count) => count <= 400 * 3),
      [true, true, true],
    )
    assert.ok(delivered[2]! <= 200 * 3)
    assert.ok(delivered[0]! >= 400 * 2)
  })

  it('one member cannot take the share of another', () => {
    const test = new ChainTest()
    storm(test, [test.mallory], 'broadcast')
    let honest = 0
    for (let i = 0; i < 100; i++) {
      test.nowMs += 10
      for (let j = 0; j < 20; j++) test.inspect(frame, test.mallory, 'broadcast')
      if (test.inspect(frame, test.alice, 'broadcast') === 'pass') honest++
    }
    assert.equal(honest, 100)
  })

  it('known unicast and subscribed streams are not touched', () => {
    const test = new ChainTest()
    storm(test, [test.mallory], 'broadcast')
    for (let i = 0; i < 1_000; i++) {
      assert.equal(test.inspect(frame, test.mallory, 'unicast'), 'pass')
      assert.equal(test.inspect(frame, test.alice, 'stream'), 'pass')
    }
  })

  it('a super-frame counts as the frames that it becomes', () => {
    const test = new ChainTest()
    const large = ethernet(9, 0x88b5, new Uint8Array(60_000))
    let delivered = 0
    for (let i = 0; i < 100; i++) if (test.inspect(large, test.mallory, 'multicast') === 'pass') delivered++
    assert.equal(delivered, 5)
  })

  it('lets the storm through when it is off', () => {
    const test = new ChainTest()
    test.chain.switch('storm', false)
    for (let i = 0; i < 2_000; i++) assert.equal(test.inspect(frame, test.mallory, 'broadcast'), 'pass')
  })

  it('what the TAP itself sends is limited by its own rate alone', () => {
    const test = new ChainTest()
    storm(test, [test.mallory], 'broadcast')
    assert.equal(test.fromTap(frame, 'broadcast'), 'pass')
    for (let i = 0; i < 1_000; i++) test.fromTap(frame, 'broadcast')
    assert.equal(test.fromTap(frame, 'broadcast'), 'storm-broadcast')
  })
})
