import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  DATA_VALID,
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  NEEDS_CSUM,
} from '@wakunet/interface'
import {
  checkOffload,
  createOffloadHint,
  encodeArp,
  encodeEthernet,
  encodeIpv4,
  encodeIpv6,
  MAX_UDP_SEGMENTS,
  MIN_TCP_SEGMENT_BYTES,
  MIN_UDP_SEGMENT_BYTES,
  readVirtioHeader,
} from '../src/index.ts'
import {
  buildFrame,
  check,
  concat,
  DESTINATION4,
  DESTINATION6,
  type FrameShape,
  hexToBytes,
  linuxFrames,
  MTU,
  pattern,
  put16,
  SOURCE4,
  SOURCE6,
  shape,
  type TestFrame,
} from './support.ts'

/** The verdict after a lie, having made sure that without it the frame passes. */
function lie(honest: FrameShape, tell: (frame: TestFrame) => void, mtu = MTU) {
  const frame = buildFrame(honest)
  assert.equal(check(frame, mtu), 'ok', 'the honest frame passes')
  tell(frame)
  return check(frame, mtu)
}

/** IPv4 packet with any upper layer, and a hint for a partial sum. */
function ipv4Frame(protocol: number, payload: Uint8Array, csumStart: number, csumOffset: number) {
  const header = {
    trafficClass: 0,
    identification: 0,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 1,
    protocol,
    source: SOURCE4,
    destination: DESTINATION4,
    options: new Uint8Array(0),
  }
  return ethernetFrame(0x0800, encodeIpv4(header, payload), csumStart, csumOffset)
}

function ethernetFrame(etherType: number, payload: Uint8Array, csumStart: number, csumOffset: number) {
  const destination = hexToBytes('020000000002')
  const source = hexToBytes('020000000001')
  const hint = { ...createOffloadHint(), flags: NEEDS_CSUM, csumStart, csumOffset }
  return { frame: encodeEthernet({ destination, source, tags: [], etherType, payload }), hint }
}

describe('checkOffload lets honest frames pass', () => {
  test('everything that Linux put on a TAP', () => {
    for (const { name, frame, virtioHeader } of linuxFrames()) {
      const hint = createOffloadHint()
      readVirtioHeader(virtioHeader, 0, hint)
      assert.equal(check({ frame, hint }), 'ok', name)
    }
  })

  test('both families and protocols with tags and options, whole and as super-frames', () => {
    for (const family of [4, 6] as const) {
      for (const protocol of ['tcp', 'udp'] as const) {
        for (const tags of [0, 1, 2]) {
          for (const ipOptionBytes of [0, 8, 24]) {
            for (const tcpOptionBytes of [0, 12, 40]) {
              const more = { tags, ipOptionBytes, tcpOptionBytes }
              assert.equal(check(buildFrame(shape(family, protocol, more))), 'ok')
              const whole = { ...more, payload: pattern(64), gsoSize: 0 }
              assert.equal(check(buildFrame(shape(family, protocol, whole))), 'ok')
            }
          }
        }
      }
    }
  })

  test('a super-frame with ECN, and one whose payload fits a single segment', () => {
    const ecn = buildFrame(shape(4, 'tcp'))
    ecn.hint.gsoType |= GSO_ECN
    assert.equal(check(ecn), 'ok')
    assert.equal(check(buildFrame(shape(6, 'tcp', { payload: pattern(10) }))), 'ok')
    assert.equal(check(buildFrame(shape(6, 'udp', { payload: pattern(0) }))), 'ok')
  })

  test('a segment that fills the MTU to the last byte', () => {
    assert.equal(check(buildFrame(shape(4, 'tcp', { gsoSize: MTU - 40 }))), 'ok')
    assert.equal(check(buildFrame(shape(6, 'udp', { tags: 2, gsoSize: MTU - 48 }))), 'ok')
    assert.equal(check(buildFrame(shape(4, 'udp', { payload: pattern(MTU - 28), gsoSize: 0 }))), 'ok')
    assert.equal(
      check(buildFrame(shape(4, 'udp', { tags: 2, payload: pattern(MTU - 28), gsoSize: 0 }))),
      'ok',
    )
  })

  test('frames without IP and with padding, as long as nothing is claimed about them', () => {
    const arp = encodeArp({
      operation: 1,
      senderMac: new Uint8Array(6),
      senderAddress: SOURCE4,
      targetMac: new Uint8Array(6),
      targetAddress: DESTINATION4,
    })
    const frame = encodeEthernet({
      destination: new Uint8Array(6).fill(255),
      source: new Uint8Array(6),
      tags: [],
      etherType: 0x0806,
      payload: concat(arp, new Uint8Array(18)),
    })
    assert.equal(check({ frame, hint: createOffloadHint() }), 'ok')
    const llc = concat(new Uint8Array(12), Uint8Array.of(0, 38), new Uint8Array(46))
    assert.equal(check({ frame: llc, hint: createOffloadHint() }), 'ok')
  })

  test('a short packet with a partial checksum and Ethernet padding behind it', () => {
    const { frame, hint } = buildFrame(shape(4, 'tcp', { payload: pattern(0), gsoSize: 0 }))
    assert.equal(frame.length, 54)
    assert.equal(check({ frame: concat(frame, new Uint8Array(6)), hint }), 'ok')
    assert.equal(check({ frame: concat(frame, new Uint8Array(7)), hint }), 'csum-length')
  })

  test('checksums left over in ICMPv6 and inside tunnels', () => {
    const icmp = encodeIpv6(
      {
        trafficClass: 0,
        flowLabel: 0,
        nextHeader: 58,
        hopLimit: 1,
        source: SOURCE6,
        destination: DESTINATION6,
      },
      pattern(16),
    )
    assert.equal(check(ethernetFrame(0x86dd, icmp, 54, 2)), 'ok')
    assert.equal(check(ethernetFrame(0x86dd, icmp, 54, 4)), 'csum-range')
    assert.equal(check(ipv4Frame(47, pattern(80), 34 + 24, 16)), 'ok')
    assert.equal(check(ipv4Frame(4, pattern(80), 34 + 20, 16)), 'ok')
    assert.equal(check(ipv4Frame(17, pattern(80), 34 + 8 + 8 + 34, 6)), 'ok')
  })

  test('fields that the flags and the type give no meaning do not matter', () => {
    const frame = buildFrame(shape(4, 'tcp', { payload: pattern(8), gsoSize: 0 })).frame
    const hint = { flags: DATA_VALID, gsoType: GSO_NONE, gsoSize: 999, csumStart: 60_000, csumOffset: 60_000 }
    assert.equal(check({ frame, hint }), 'ok')
  })

  test('at any offset in a larger buffer', () => {
    const { frame, hint } = buildFrame(shape(6, 'tcp'))
    const buffer = concat(pattern(33), frame, pattern(9))
    assert.equal(checkOffload(buffer, 33, frame.length, hint, MTU), 'ok')
    assert.equal(checkOffload(buffer, 33, frame.length - 1, hint, MTU), 'ip-length')
    assert.equal(checkOffload(buffer, 32, frame.length, hint, MTU) === 'ok', false)
    assert.equal(checkOffload(buffer, 33, buffer.length, hint, MTU), 'frame-length')
  })
})

describe('checkOffload refuses a hint that lies about', () => {
  test('flags that nobody defined', () => {
    for (const flag of [4, 8, 16, 32, 64, 128]) {
      assert.equal(
        lie(shape(4, 'tcp'), ({ hint }) => {
          hint.flags |= flag
        }),
        'flags',
      )
    }
  })

  test('a type that is not carried', () => {
    for (let type = 1; type < 256; type++) {
      const known = [GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, GSO_TCPV4 | GSO_ECN, GSO_TCPV6 | GSO_ECN]
      if (known.includes(type)) continue
      assert.equal(
        lie(shape(4, 'tcp'), ({ hint }) => (hint.gsoType = type)),
        'gso-type',
        `${type}`,
      )
    }
  })

  test('a type of another protocol than the frame shows', () => {
    const types = { tcp4: GSO_TCPV4, tcp6: GSO_TCPV6, udp4: GSO_UDP_L4, udp6: GSO_UDP_L4 }
    for (const family of [4, 6] as const) {
      for (const protocol of ['tcp', 'udp'] as const) {
        for (const type of new Set(Object.values(types))) {
          if (type === types[`${protocol}${family}`]) continue
          assert.equal(
            lie(shape(family, protocol), ({ hint }) => (hint.gsoType = type)),
            'gso-protocol',
          )
        }
      }
    }
    const arp = ethernetFrame(0x0806, pattern(1000), 34, 16)
    assert.equal(check({ ...arp, hint: { ...arp.hint, gsoType: GSO_TCPV4, gsoSize: 500 } }), 'gso-protocol')
  })

  test('segment sizes of 0, 8 and 65,535', () => {
    for (const protocol of ['tcp', 'udp'] as const) {
      for (const family of [4, 6] as const) {
        const size = (gsoSize: number) =>
          lie(shape(family, protocol), ({ hint }) => {
            hint.gsoSize = gsoSize
          })
        assert.equal(size(0), 'gso-too-small')
        assert.equal(size(8), 'gso-too-small')
        assert.equal(size(65_535), 'gso-too-large')
        assert.equal(size(4000), 'gso-too-large')
      }
    }
  })

  test('segments of one byte more than the MTU takes, tags not counted', () => {
    const over = (honest: FrameShape, largest: number) => {
      const set = (extra: number) => (frame: TestFrame) => {
        frame.hint.gsoSize = largest + extra
      }
      assert.equal(lie(honest, set(0)), 'ok')
      assert.equal(lie(honest, set(1)), 'gso-too-large')
    }
    over(shape(4, 'tcp'), MTU - 20 - 20)
    over(shape(4, 'tcp', { tags: 2, ipOptionBytes: 8, tcpOptionBytes: 12 }), MTU - 28 - 32)
    over(shape(6, 'tcp', { ipOptionBytes: 16 }), MTU - 56 - 20)
    over(shape(4, 'udp'), MTU - 20 - 8)
    over(shape(6, 'udp', { tags: 1 }), MTU - 40 - 8)
  })

  test('more segments than the limits allow', () => {
    const udp = shape(4, 'udp', { payload: pattern(MAX_UDP_SEGMENTS * 100) })
    const size = (gsoSize: number) => (frame: TestFrame) => {
      frame.hint.gsoSize = gsoSize
    }
    assert.equal(lie(udp, size(100)), 'ok')
    assert.equal(lie(udp, size(99)), 'gso-too-small')
    const small = shape(4, 'udp', { payload: pattern(100) })
    assert.equal(lie(small, size(MIN_UDP_SEGMENT_BYTES)), 'ok')
    assert.equal(lie(small, size(MIN_UDP_SEGMENT_BYTES - 1)), 'gso-too-small')
    assert.equal(lie(shape(4, 'tcp'), size(MIN_TCP_SEGMENT_BYTES)), 'ok')
    assert.equal(lie(shape(4, 'tcp'), size(MIN_TCP_SEGMENT_BYTES - 1)), 'gso-too-small')
  })

  test('the checksum of a super-frame', () => {
    for (const honest of [shape(4, 'tcp'), shape(6, 'tcp', { tags: 1 }), shape(6, 'udp')]) {
      assert.equal(
        lie(honest, ({ hint }) => {
          hint.flags = 0
        }),
        'gso-checksum',
      )
      assert.equal(
        lie(honest, ({ hint }) => {
          hint.flags = DATA_VALID
        }),
        'gso-checksum',
      )
      for (const start of [-4, -1, 1, 4, 20, 60_000]) {
        assert.equal(
          lie(honest, ({ hint }) => (hint.csumStart = (hint.csumStart + start) & 0xffff)),
          'gso-checksum',
        )
      }
      for (const offset of [0, 1, 4, 15, 17, 60_000]) {
        assert.equal(
          lie(honest, ({ hint }) => (hint.csumOffset = offset)),
          'gso-checksum',
        )
      }
    }
  })

  test('a fragment', () => {
    assert.equal(
      lie(shape(4, 'tcp'), ({ frame }) => {
        frame[20] = 0x20
      }),
      'gso-fragment',
    )
    assert.equal(
      lie(shape(4, 'udp'), ({ frame }) => {
        frame[21] = 1
      }),
      'gso-fragment',
    )
    const atomic = ({ frame }: TestFrame) => {
      frame[20] = 44
      frame.set([6, 0, 0, 0, 0, 0, 0, 1], 54)
    }
    assert.equal(lie(shape(6, 'tcp', { ipOptionBytes: 8 }), atomic), 'gso-fragment')
    const fragment = buildFrame(shape(4, 'udp', { payload: pattern(64), gsoSize: 0 }))
    fragment.frame[20] = 0x20
    assert.equal(check(fragment), 'csum-fragment')
    fragment.frame[21] = 9
    assert.equal(check(fragment), 'csum-fragment')
    fragment.hint.flags = 0
    assert.equal(check(fragment), 'ok')
  })

  test('the length of a super-frame', () => {
    const shrink = (by: number) => (test: TestFrame) => put16(test.frame, 16, test.frame.length - 14 - by)
    assert.equal(lie(shape(4, 'tcp'), shrink(1)), 'gso-length')
    assert.equal(lie(shape(4, 'tcp'), shrink(-1)), 'ip-length')
    assert.equal(
      lie(shape(6, 'tcp'), ({ frame }) => put16(frame, 18, 0)),
      'gso-length',
    )
    assert.equal(
      lie(shape(6, 'udp'), ({ frame, l4 }) => put16(frame, l4 + 4, 1008)),
      'gso-length',
    )
  })

  test('the TCP header of a super-frame', () => {
    const offset = (words: number) => (test: TestFrame) => {
      test.frame[test.l4 + 12] = words << 4
    }
    assert.equal(lie(shape(4, 'tcp'), offset(4)), 'gso-header')
    assert.equal(lie(shape(4, 'tcp', { payload: pattern(8) }), offset(15)), 'gso-header')
    for (const flag of [2, 4, 0x12]) {
      assert.equal(
        lie(shape(6, 'tcp'), (test) => {
          test.frame[test.l4 + 13] = flag
        }),
        'gso-header',
      )
    }
    const short = ipv4Frame(6, pattern(19), 34, 16)
    assert.equal(check({ ...short, hint: { ...short.hint, gsoType: 1, gsoSize: 100 } }), 'gso-header')
    const udp = ipv4Frame(17, pattern(7), 34, 6)
    assert.equal(check({ ...udp, hint: { ...udp.hint, gsoType: 5, gsoSize: 100 } }), 'gso-header')
  })

  test('being no super-frame: a zeroed header over a large frame', () => {
    const zeroed = ({ hint }: TestFrame) => void Object.assign(hint, createOffloadHint())
    assert.equal(lie(shape(4, 'tcp', { payload: pattern(64_000) }), zeroed), 'giant')
    assert.equal(lie(shape(6, 'udp', { payload: pattern(MTU - 47), gsoSize: 1000 }), zeroed), 'giant')
    assert.equal(lie(shape(6, 'udp', { payload: pattern(MTU - 48), gsoSize: 1000 }), zeroed), 'ok')
    const raw = concat(new Uint8Array(14), new Uint8Array(MTU + 1))
    assert.equal(check({ frame: raw, hint: createOffloadHint() }), 'giant')
    assert.equal(check({ frame: raw.subarray(1), hint: createOffloadHint() }), 'ok')
  })

  test('where a partial checksum is', () => {
    const plain = shape(4, 'tcp', { payload: pattern(100), gsoSize: 0 })
    const place = (csumStart: number, csumOffset: number) => (test: TestFrame) =>
      void Object.assign(test.hint, { csumStart, csumOffset })
    // Inside the Ethernet header, the IP header, another field, the payload, past the end.
    for (const [start, offset] of [
      [0, 0],
      [12, 2],
      [14, 10],
      [33, 16],
      [34, 0],
      [34, 14],
      [54, 16],
      [34, 119],
      [153, 0],
      [34, 65_535],
      [65_535, 65_535],
    ] as const) {
      assert.equal(lie(plain, place(start, offset)), 'csum-range', `${start}+${offset}`)
    }
    const udp = shape(4, 'udp', { payload: pattern(100), gsoSize: 0 })
    assert.equal(lie(udp, place(34, 4)), 'csum-range')
    assert.equal(lie(udp, place(36, 6)), 'csum-range')
    assert.equal(lie(udp, place(142, 0)), 'csum-range')
    assert.equal(lie(udp, place(140, 0)), 'ok')
  })

  test('a checksum in what guards have read: ARP, ICMP, IGMP, DHCP, undecidable chains', () => {
    assert.equal(check(ethernetFrame(0x0806, pattern(46), 34, 2)), 'csum-protocol')
    assert.equal(check(ethernetFrame(0x88cc, pattern(46), 34, 2)), 'csum-protocol')
    assert.equal(check(ipv4Frame(1, pattern(46), 34, 2)), 'csum-protocol')
    assert.equal(check(ipv4Frame(2, pattern(46), 34, 2)), 'csum-protocol')
    for (const port of [67, 68, 546, 547]) {
      for (const at of [34, 36]) {
        const tunnel = ipv4Frame(17, pattern(80), 60, 2)
        assert.equal(check(tunnel), 'ok')
        put16(tunnel.frame, at, port)
        assert.equal(check(tunnel), 'csum-protocol')
      }
    }
    const header = {
      trafficClass: 0,
      flowLabel: 0,
      nextHeader: 60,
      hopLimit: 1,
      source: SOURCE6,
      destination: DESTINATION6,
    }
    const options = new Uint8Array(9 * 8)
    for (let i = 0; i < 9; i++) options[i * 8] = i === 8 ? 6 : 60
    const hidden = ethernetFrame(0x86dd, encodeIpv6(header, concat(options, pattern(40))), 54 + 72, 16)
    assert.equal(check(hidden), 'csum-protocol')
  })

  test('anything, when the frame is cut at any byte', () => {
    for (const honest of [shape(4, 'tcp', { tags: 2 }), shape(6, 'udp', { ipOptionBytes: 8 })]) {
      const { frame, hint } = buildFrame(honest)
      for (let length = 0; length < frame.length; length++) {
        assert.notEqual(checkOffload(frame, 0, length, hint, MTU), 'ok', `cut to ${length}`)
      }
    }
  })
})
