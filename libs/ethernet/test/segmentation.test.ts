import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NEEDS_CSUM } from '@wakunet/interface'
import fc from 'fast-check'
import {
  createOffloadHint,
  finishForPlainPort,
  MAX_UDP_SEGMENTS,
  readVirtioHeader,
  segment,
  TCP_ACK,
  TCP_CWR,
  TCP_ECE,
  TCP_FIN,
  TCP_PSH,
} from '../src/index.ts'
import { buildFrame, concat, type FrameShape, linuxFrames, naiveSum, pseudoHeader } from './support.ts'

const number = (bytes: Uint8Array, offset: number, length: number) =>
  bytes.subarray(offset, offset + length).reduce((value, byte) => value * 256 + byte, 0)

const shapes = fc.record({
  family: fc.constantFrom(4 as const, 6 as const),
  protocol: fc.constantFrom('tcp' as const, 'udp' as const),
  tags: fc.nat(2),
  ipOptionBytes: fc.constantFrom(0, 8, 16),
  tcpOptionBytes: fc.constantFrom(0, 12, 40),
  payload: fc.uint8Array({ maxLength: 4000 }),
  gsoSize: fc.integer({ min: 48, max: 1300 }),
  tcpFlags: fc.constantFrom(TCP_ACK, TCP_ACK | TCP_PSH | TCP_FIN, TCP_ACK | TCP_CWR | TCP_ECE, 0xf9),
  sequence: fc.constantFrom(1, 0xfffffff0, 0x7fffffff),
  identification: fc.constantFrom(0, 0xffff, 0x1234),
})

/** Reads one segment with fixed positions and a checksum of its own: nothing of the code under test. */
function inspect(shape: FrameShape, part: Uint8Array) {
  const l3 = 14 + (shape.tags ?? 0) * 4
  const l4 = l3 + (shape.family === 4 ? 20 : 40) + (shape.ipOptionBytes ?? 0)
  const upper = part.subarray(l4)
  const headerBytes = shape.protocol === 'tcp' ? 20 + (shape.tcpOptionBytes ?? 0) : 8
  const pseudo = pseudoHeader(shape, upper.length)
  const even = upper.length % 2 === 0 ? upper : concat(upper, Uint8Array.of(0))
  return {
    l3,
    l4,
    payload: upper.subarray(headerBytes),
    ipLength: shape.family === 4 ? number(part, l3 + 2, 2) : number(part, l3 + 4, 2) + 40,
    ipSum: shape.family === 4 ? naiveSum(part.subarray(l3, l4)) : 0xffff,
    upperSum: naiveSum(concat(pseudo, even)),
  }
}

describe('segment', () => {
  test('keeps the payload, and gives every segment its own lengths and checksums', () => {
    const property = fc.property(shapes, (shape) => {
      const { frame, hint } = buildFrame(shape)
      const before = Uint8Array.from(frame)
      const parts = segment(frame, hint)
      const tooMany = shape.protocol === 'udp' && shape.payload.length > shape.gsoSize * MAX_UDP_SEGMENTS
      assert.equal(parts.length, tooMany ? 0 : Math.max(1, Math.ceil(shape.payload.length / shape.gsoSize)))
      assert.deepEqual(frame, before, 'the super-frame is left alone')
      if (tooMany) return
      const seen = parts.map((part) => inspect(shape, part))
      assert.deepEqual(concat(...seen.map((one) => one.payload)), shape.payload)
      seen.forEach((one, i) => {
        const part = parts[i]!
        assert.equal(one.ipLength, part.length - one.l3)
        assert.equal(one.ipSum, 0xffff)
        assert.equal(one.upperSum, 0xffff)
        if (i + 1 < parts.length) assert.equal(one.payload.length, shape.gsoSize)
        if (shape.family === 4) {
          assert.equal(number(part, one.l3 + 4, 2), ((shape.identification ?? 0) + i) % 0x10000)
        }
      })
    })
    fc.assert(property, { numRuns: 1000 })
  })

  test('counts TCP sequence numbers on, with wrap-around', () => {
    const payload = new Uint8Array(1000)
    const { frame, hint, l4 } = buildFrame({
      family: 4,
      protocol: 'tcp',
      payload,
      gsoSize: 300,
      sequence: 0xffffff00,
    })
    const sequences = segment(frame, hint).map((part) => number(part, l4 + 4, 4))
    assert.deepEqual(sequences, [0xffffff00, 0x2c, 0x158, 0x284])
  })

  test('leaves FIN and PSH to the last segment, CWR to the first, and everything else to all', () => {
    const tcpFlags = TCP_ACK | TCP_PSH | TCP_FIN | TCP_CWR | TCP_ECE
    const payload = new Uint8Array(1000)
    const { frame, hint, l4 } = buildFrame({ family: 6, protocol: 'tcp', payload, gsoSize: 400, tcpFlags })
    const flags = segment(frame, hint).map((part) => part[l4 + 13])
    const common = TCP_ACK | TCP_ECE
    assert.deepEqual(flags, [common | TCP_CWR, common, common | TCP_PSH | TCP_FIN])
  })

  test('gives every UDP segment its own length and a checksum that is never zero', () => {
    const payload = Uint8Array.from({ length: 60_000 }, (_, i) => i >>> 8)
    const { frame, hint, l4 } = buildFrame({ family: 4, protocol: 'udp', payload, gsoSize: 1000 })
    const parts = segment(frame, hint)
    assert.equal(parts.length, 60)
    for (const part of parts) {
      assert.equal(number(part, l4 + 4, 2), 1008)
      assert.notEqual(number(part, l4 + 6, 2), 0)
    }
  })

  test('cuts what Linux put on a TAP', () => {
    let cut = 0
    for (const { name, frame, virtioHeader } of linuxFrames()) {
      const hint = createOffloadHint()
      readVirtioHeader(virtioHeader, 0, hint)
      if (hint.gsoType === 0) continue
      const parts = segment(frame, hint)
      const headerBytes = hint.csumOffset === 6 ? hint.csumStart + 8 : tcpEnd(frame, hint.csumStart)
      const rejoined = concat(...parts.map((part) => part.subarray(headerBytes)))
      assert.deepEqual(rejoined, frame.subarray(headerBytes), name)
      for (const part of parts) assert.ok(part.length - 14 <= 1400, name)
      // The kernel's seed is that of a length it knew; the sum with ours must be whole.
      for (const part of parts) assert.equal(wholeSum(part, hint.csumStart), 0xffff, name)
      cut++
    }
    assert.equal(cut, 7)
  })

  test('answers with nothing for a hint that lies, whatever it is', () => {
    const honest = buildFrame({ family: 4, protocol: 'tcp', payload: new Uint8Array(3000), gsoSize: 1000 })
    assert.equal(segment(honest.frame, honest.hint).length, 3)
    for (const lie of [{ gsoSize: 0 }, { gsoSize: 8 }, { gsoType: 4 }, { flags: 0 }, { csumStart: 14 }]) {
      assert.deepEqual(segment(honest.frame, { ...honest.hint, ...lie }), [])
    }
    for (let length = 0; length < honest.frame.length; length++) {
      assert.deepEqual(segment(honest.frame.subarray(0, length), honest.hint), [])
    }
  })
})

describe('finishForPlainPort', () => {
  test('cuts super-frames, completes partial checksums, and passes the rest on', () => {
    const whole = { family: 4, protocol: 'udp', payload: new Uint8Array(50).fill(3), gsoSize: 0 } as const
    const partial = buildFrame(whole)
    const [finished] = finishForPlainPort(partial.frame, partial.hint)
    assert.equal(finished, partial.frame)
    assert.equal(inspect(whole, partial.frame).upperSum, 0xffff)
    assert.equal(partial.hint.flags, 0)
    assert.deepEqual(finishForPlainPort(partial.frame, partial.hint), [partial.frame])

    const large = buildFrame({ ...whole, payload: new Uint8Array(500), gsoSize: 100 })
    assert.equal(finishForPlainPort(large.frame, large.hint).length, 5)
  })

  test('control: a port that ignores the hint would send wrong checksums', () => {
    const whole = { family: 6, protocol: 'tcp', payload: new Uint8Array(50).fill(3), gsoSize: 0 } as const
    assert.notEqual(inspect(whole, buildFrame(whole).frame).upperSum, 0xffff)
  })

  test('gives nothing for a hint that does not fit', () => {
    const frame = new Uint8Array(60)
    const hint = { ...createOffloadHint(), flags: NEEDS_CSUM, csumStart: 34, csumOffset: 16 }
    assert.deepEqual(finishForPlainPort(frame, hint), [])
  })
})

const tcpEnd = (frame: Uint8Array, l4: number) => l4 + (frame[l4 + 12]! >>> 4) * 4

/** Sum of pseudo header and upper layer of an untagged frame, from its own addresses. */
function wholeSum(part: Uint8Array, l4: number): number {
  const v4 = part[12] === 0x08
  const addresses = v4 ? part.subarray(26, 34) : part.subarray(22, 54)
  const upper = part.subarray(l4)
  const protocol = v4 ? part[23]! : l4 === 54 ? part[20]! : part[54]!
  const tail = Uint8Array.of(upper.length >>> 8, upper.length, 0, protocol)
  return naiveSum(concat(addresses, tail, upper, new Uint8Array(upper.length % 2)))
}
