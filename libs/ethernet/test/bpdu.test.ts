import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import * as ethernet from '../src/index.ts'
import { concat, hexToBytes, plain } from './support.ts'

const fixed = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const timeMs = fc.nat(0xffff).map((units) => (units * 1000) / 256)
const bpdu = fc.oneof(
  fc.constant({ type: ethernet.BPDU_TOPOLOGY_CHANGE }),
  fc.record({
    type: fc.constantFrom(ethernet.BPDU_CONFIGURATION, ethernet.BPDU_RAPID),
    flags: fc.nat(255),
    rootId: fixed(8),
    rootPathCost: fc.nat(0xffffffff),
    bridgeId: fixed(8),
    portId: fc.nat(0xffff),
    messageAgeMs: timeMs,
    maxAgeMs: timeMs,
    helloMs: timeMs,
    forwardDelayMs: timeMs,
  }),
) as fc.Arbitrary<ethernet.Bpdu>

describe('BPDUs', () => {
  test('come back, with anything behind them', () => {
    fc.assert(
      fc.property(bpdu, fc.uint8Array({ maxLength: 20 }), (value, rest) => {
        const bytes = concat(ethernet.encodeBpdu(value), rest)
        assert.deepEqual(plain(ethernet.decodeBpdu(bytes)), plain(value))
      }),
    )
  })

  test('are refused at every truncation', () => {
    fc.assert(
      fc.property(bpdu, (value) => {
        const bytes = ethernet.encodeBpdu(value)
        for (let length = 0; length < bytes.length; length++)
          assert.equal(ethernet.decodeBpdu(bytes, 0, length), null)
      }),
      { numRuns: 10 },
    )
  })

  test('a multiple spanning tree BPDU is read as a rapid one, another protocol or type not at all', () => {
    const rapid = concat(hexToBytes('0000030200'), new Uint8Array(100))
    assert.equal(ethernet.decodeBpdu(rapid)?.type, ethernet.BPDU_RAPID)
    for (const [at, value] of [
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 3],
    ] as const) {
      const changed = rapid.slice()
      changed[at] = value
      assert.equal(ethernet.decodeBpdu(changed), null, `byte ${at}`)
    }
  })

  test('are found behind their LLC header, inside the frame only', () => {
    const frame = concat(
      new Uint8Array(14),
      hexToBytes('424203'),
      ethernet.encodeBpdu({ type: ethernet.BPDU_TOPOLOGY_CHANGE }),
    )
    assert.equal(ethernet.bpduOffset(frame, 14, frame.length), 17)
    assert.equal(ethernet.bpduOffset(frame, 14, frame.length - 1), 0)
    for (const at of [14, 15, 16]) {
      const changed = frame.slice()
      changed[at]! ^= 1
      assert.equal(ethernet.bpduOffset(changed, 14, changed.length), 0)
    }
  })

  test('a time that is too long stays at the longest', () => {
    const base: ethernet.Bpdu = {
      type: ethernet.BPDU_RAPID,
      flags: 0,
      rootId: new Uint8Array(8),
      rootPathCost: 0,
      bridgeId: new Uint8Array(8),
      portId: 1,
      messageAgeMs: 10 ** 9,
      maxAgeMs: 0,
      helloMs: 0,
      forwardDelayMs: 0,
    }
    const decoded = ethernet.decodeBpdu(ethernet.encodeBpdu(base))
    assert.equal(decoded?.type === ethernet.BPDU_RAPID && decoded.messageAgeMs, (0xffff * 1000) / 256)
  })
})
