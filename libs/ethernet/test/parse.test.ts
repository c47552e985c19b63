import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_FRAME_BYTES } from '@wakunet/interface'
import fc from 'fast-check'
import {
  createFrameView,
  encodeEthernet,
  encodeIpv6,
  FIRST_FRAGMENT,
  FRAME_FAULTS,
  LATER_FRAGMENT,
  MAX_EXTENSION_HEADERS,
  NOT_FRAGMENTED,
  parseFrame,
} from '../src/index.ts'
import { buildFrame, concat, DESTINATION6, type FrameShape, hexToBytes, SOURCE6 } from './support.ts'

const payload = new Uint8Array(32).fill(7)
function parse(frame: Uint8Array) {
  const view = createFrameView()
  const fault = parseFrame(frame, 0, frame.length, view)
  return { fault, ...view }
}

/** An IPv6 frame whose payload starts with this chain. */
function chain(nextHeader: number, ...parts: Uint8Array[]): Uint8Array {
  const header = {
    trafficClass: 0,
    flowLabel: 0,
    nextHeader,
    hopLimit: 1,
    source: SOURCE6,
    destination: DESTINATION6,
  }
  return encodeEthernet({
    destination: new Uint8Array(6),
    source: new Uint8Array(6),
    tags: [],
    etherType: 0x86dd,
    payload: encodeIpv6(header, concat(...parts)),
  })
}

const option = (next: number, units = 0) => concat(Uint8Array.of(next, units), new Uint8Array(6 + units * 8))

describe('parseFrame', () => {
  test('finds the upper-layer header behind tags, options and extension headers', () => {
    for (const family of [4, 6] as const) {
      for (const protocol of ['tcp', 'udp'] as const) {
        for (const tags of [0, 1, 2]) {
          for (const ipOptionBytes of [0, 8, 40]) {
            const shape: FrameShape = { family, protocol, tags, ipOptionBytes, payload, gsoSize: 0 }
            const { frame, l4 } = buildFrame(shape)
            const view = createFrameView()
            assert.equal(parseFrame(frame, 0, frame.length, view), 'ok')
            assert.deepEqual(view, {
              etherType: family === 4 ? 0x0800 : 0x86dd,
              tagCount: tags,
              l3Offset: 14 + 4 * tags,
              ipVersion: family,
              protocol: protocol === 'tcp' ? 6 : 17,
              l4Offset: l4,
              ipEnd: frame.length,
              fragment: NOT_FRAGMENTED,
            })
          }
        }
      }
    }
  })

  test('leaves no trace of the frame before', () => {
    const view = createFrameView()
    const { frame } = buildFrame({ family: 6, protocol: 'udp', tags: 2, payload, gsoSize: 0 })
    assert.equal(parseFrame(frame, 0, frame.length, view), 'ok')
    const arp = hexToBytes(`ffffffffffff0200000000010806${'00'.repeat(28)}`)
    assert.equal(parseFrame(arp, 0, arp.length, view), 'ok')
    assert.deepEqual(view, { ...createFrameView(), etherType: 0x0806, l3Offset: 14 })
  })

  test('tells fragments apart', () => {
    const { frame } = buildFrame({ family: 4, protocol: 'udp', payload, gsoSize: 0 })
    const fragmented = (high: number, low: number) => {
      const copy = Uint8Array.from(frame)
      copy[20] = high
      copy[21] = low
      return parse(copy)
    }
    assert.equal(fragmented(0x40, 0).fragment, NOT_FRAGMENTED)
    assert.equal(fragmented(0x20, 0).fragment, FIRST_FRAGMENT)
    assert.equal(fragmented(0x20, 0).l4Offset, 34)
    assert.equal(fragmented(0x20, 5).fragment, LATER_FRAGMENT)
    assert.equal(fragmented(0, 1).fragment, LATER_FRAGMENT)
    assert.equal(fragmented(0, 1).l4Offset, 0)

    const first = parse(chain(44, Uint8Array.of(17, 0, 0, 1, 0, 0, 0, 9), payload))
    assert.deepEqual([first.fragment, first.protocol, first.l4Offset], [FIRST_FRAGMENT, 17, 62])
    const later = parse(chain(44, Uint8Array.of(17, 0, 0, 8, 0, 0, 0, 9), payload))
    assert.deepEqual([later.fragment, later.protocol, later.l4Offset], [LATER_FRAGMENT, 17, 0])
  })

  test('walks every kind of extension header and stops at what it cannot see through', () => {
    const ah = concat(Uint8Array.of(60, 1), new Uint8Array(10))
    const view = parse(chain(0, option(43), option(51), ah, option(6, 2), payload))
    assert.deepEqual([view.fault, view.protocol, view.l4Offset], ['ok', 6, 54 + 8 + 8 + 12 + 24])
    assert.equal(parse(chain(50, payload)).protocol, 50)
    assert.equal(parse(chain(59)).protocol, 59)
  })

  test('does not follow a chain that is longer than an honest one', () => {
    const parts = (count: number) => Array.from({ length: count }, (_, i) => option(i + 1 === count ? 6 : 60))
    const longest = parse(chain(60, ...parts(MAX_EXTENSION_HEADERS), payload))
    assert.deepEqual([longest.fault, longest.protocol], ['ok', 6])
    const longer = parse(chain(60, ...parts(MAX_EXTENSION_HEADERS + 1), payload))
    assert.deepEqual([longer.fault, longer.protocol, longer.l4Offset], ['ok', -1, 0])
  })

  test('names every lie about a length', () => {
    const v4 = buildFrame({ family: 4, protocol: 'tcp', payload, gsoSize: 0 }).frame
    const v6 = buildFrame({ family: 6, protocol: 'tcp', payload, gsoSize: 0 }).frame
    const changed = (frame: Uint8Array, position: number, value: number) => {
      const copy = Uint8Array.from(frame)
      copy[position] = value
      return parse(copy).fault
    }
    assert.equal(changed(v4, 14, 0x65), 'ip-header')
    assert.equal(changed(v4, 14, 0x44), 'ip-header')
    assert.equal(changed(v4.subarray(0, 60), 14, 0x4f), 'ip-header')
    assert.equal(changed(v4, 17, v4[17]! + 1), 'ip-length')
    assert.equal(changed(v4, 17, 19), 'ip-length')
    assert.equal(changed(v6, 14, 0x40), 'ip-header')
    assert.equal(changed(v6, 19, v6[19]! + 1), 'ip-length')
    assert.equal(parse(chain(0, option(6, 9).subarray(0, 72))).fault, 'ip-extension')
    assert.equal(parse(chain(0, Uint8Array.of(6, 0, 0, 0, 0, 0, 0))).fault, 'ip-extension')
    assert.equal(parse(chain(0)).fault, 'ip-extension')
  })

  test('refuses frames outside the limits and outside the buffer', () => {
    const view = createFrameView()
    const bytes = new Uint8Array(MAX_FRAME_BYTES + 10)
    assert.equal(parseFrame(bytes, 0, 13, view), 'frame-length')
    assert.equal(parseFrame(bytes, 0, 14, view), 'ok')
    assert.equal(parseFrame(bytes, 0, MAX_FRAME_BYTES, view), 'ok')
    assert.equal(parseFrame(bytes, 0, MAX_FRAME_BYTES + 1, view), 'frame-length')
    assert.equal(parseFrame(bytes, 11, MAX_FRAME_BYTES, view), 'frame-length')
    assert.equal(parseFrame(bytes, -1, 100, view), 'frame-length')
    assert.equal(parseFrame(bytes, 0, Number.NaN, view), 'frame-length')
    assert.equal(parseFrame(bytes, 0, 20.5, view), 'frame-length')
  })

  test('stays total at every truncation', () => {
    for (const family of [4, 6] as const) {
      const { frame } = buildFrame({
        family,
        protocol: 'tcp',
        tags: 2,
        ipOptionBytes: 8,
        payload,
        gsoSize: 0,
      })
      for (let length = 0; length < frame.length; length++) {
        const fault = parseFrame(frame, 0, length, createFrameView())
        const expected =
          length < 14
            ? 'frame-length'
            : length < 22
              ? 'tag-truncated'
              : length < 22 + (family === 4 ? 28 : 40)
                ? 'ip-header'
                : 'ip-length'
        assert.equal(fault, expected, `IPv${family} cut to ${length}`)
      }
    }
  })

  test('answers with offsets inside the frame for any bytes', () => {
    const faults = new Set<string>(['ok', ...FRAME_FAULTS])
    const view = createFrameView()
    const start = fc.constantFrom('0800', '86dd', '81000001', '88a8000281000003', '810000010800', '0806')
    const ip = fc.constantFrom('', '45', '46', '4f', '60', '6000000000100600', '6000000000280001')
    fc.assert(
      fc.property(start, ip, fc.uint8Array({ maxLength: 120 }), fc.nat(9), (type, version, rest, offset) => {
        const head = hexToBytes(`${'00'.repeat(offset)}020000000002020000000001${type}${version}`)
        const bytes = concat(head, rest)
        const length = bytes.length - offset
        const fault = parseFrame(bytes, offset, length, view)
        assert.ok(faults.has(fault))
        if (fault !== 'ok') return
        assert.ok(view.l3Offset <= length && view.ipEnd <= length)
        assert.ok(view.l4Offset === 0 || (view.l4Offset >= view.l3Offset + 20 && view.l4Offset <= view.ipEnd))
      }),
      { numRuns: 20_000 },
    )
  })
})
