import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NEEDS_CSUM } from '@wakunet/interface'
import fc from 'fast-check'
import { completeChecksum, createOffloadHint } from '../src/index.ts'
import { buildFrame, concat, naiveSum, pattern, put16, shape } from './support.ts'

describe('completeChecksum', () => {
  test('gives the sum that a naive oracle gives, for both families and protocols', () => {
    for (const family of [4, 6] as const) {
      for (const protocol of ['tcp', 'udp'] as const) {
        const property = fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(2), (payload, tags) => {
          const test = buildFrame({ family, protocol, tags, payload, gsoSize: 0, ipOptionBytes: 8 })
          const { csumOffset } = test.hint
          const pseudo = naiveSum(test.frame.subarray(test.l4 + csumOffset, test.l4 + csumOffset + 2))
          assert.equal(completeChecksum(test.frame, 0, test.frame.length, test.hint), true)
          // A right checksum makes everything add up to all ones (RFC 1071 §1).
          const total = naiveSum(concat(Uint8Array.of(pseudo >>> 8, pseudo), test.frame.subarray(test.l4)))
          assert.equal(total, 0xffff)
        })
        fc.assert(property, { numRuns: 200 })
      }
    }
  })

  test('leaves padding out of the sum', () => {
    const test = buildFrame(shape(4, 'tcp', { payload: pattern(0), gsoSize: 0 }))
    const padded = concat(test.frame, new Uint8Array(6).fill(0xab))
    const hint = { ...test.hint }
    completeChecksum(test.frame, 0, test.frame.length, test.hint)
    assert.equal(completeChecksum(padded, 0, padded.length, hint), true)
    assert.deepEqual([...padded.subarray(0, 54)], [...test.frame])
  })

  test('never writes zero, which UDP reads as no checksum', () => {
    const test = buildFrame(shape(4, 'udp', { payload: pattern(4), gsoSize: 0 }))
    const { frame, l4, hint } = test
    // Choose the last word so that the sum of everything is 0xffff, whose complement is zero.
    put16(frame, l4 + 10, 0)
    put16(frame, l4 + 10, 0xffff - naiveSum(frame.subarray(l4)))
    assert.equal(completeChecksum(frame, 0, frame.length, hint), true)
    assert.deepEqual([frame[l4 + 6], frame[l4 + 7]], [0xff, 0xff])
  })

  test('does it once: the hint says that it is done', () => {
    const test = buildFrame(shape(6, 'udp', { payload: pattern(40), gsoSize: 0 }))
    completeChecksum(test.frame, 0, test.frame.length, test.hint)
    const once = Uint8Array.from(test.frame)
    assert.deepEqual(test.hint, createOffloadHint())
    assert.equal(completeChecksum(test.frame, 0, test.frame.length, test.hint), true)
    assert.deepEqual(test.frame, once)
  })

  test('refuses super-frames and hints that do not fit, and changes nothing', () => {
    const superFrame = buildFrame(shape(4, 'tcp'))
    const wrong = buildFrame(shape(4, 'tcp', { payload: pattern(40), gsoSize: 0 }))
    wrong.hint.csumStart = 14
    const cut = buildFrame(shape(4, 'tcp', { payload: pattern(40), gsoSize: 0 }))
    for (const [test, length] of [
      [superFrame, superFrame.frame.length],
      [wrong, wrong.frame.length],
      [cut, cut.frame.length - 1],
    ] as const) {
      const before = Uint8Array.from(test.frame)
      assert.equal(completeChecksum(test.frame, 0, length, test.hint), false)
      assert.deepEqual(test.frame, before)
      assert.equal(test.hint.flags, NEEDS_CSUM)
    }
  })
})
