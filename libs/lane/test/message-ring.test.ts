import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkProperty } from '@wakunet/testing'
import fc from 'fast-check'
import { LENGTH_BYTES, MessageRing, readLength, writeLength } from '../src/message-ring.ts'

const CAPACITY = 64

describe('MessageRing', () => {
  it('behaves like a list that drops its oldest entries, whatever is pushed and shifted', async () => {
    const step = fc.oneof(
      fc.record({ push: fc.uint8Array({ maxLength: CAPACITY - LENGTH_BYTES }) }),
      fc.constant({ push: null }),
    )
    await checkProperty(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const ring = new MessageRing(CAPACITY)
        const list: Uint8Array[] = []
        for (const { push } of steps) {
          if (push === null) {
            const oldest = list.shift()
            assert.equal(ring.shift(), oldest === undefined ? 0 : oldest.length + LENGTH_BYTES)
          } else {
            const cut = push.length >> 1
            const dropped = ring.push([push.subarray(0, cut), push.subarray(cut)], push.length)
            list.push(push)
            list.splice(0, dropped)
          }
          assert.equal(ring.count, list.length)
          assert.equal(
            ring.usedBytes,
            list.reduce((sum, m) => sum + m.length + LENGTH_BYTES, 0),
          )
          assert.ok(ring.usedBytes <= CAPACITY)
          assert.deepEqual(messagesOf(ring.peekRun()), list.slice(0, messagesOf(ring.peekRun()).length))
          assert.deepEqual(ring.peek(), list[0] ?? null)
        }
      }),
    )
  })

  it('drops nothing while there is room for all', () => {
    const ring = new MessageRing(CAPACITY)
    for (let round = 0; round < 100; round++) {
      assert.equal(ring.push([new Uint8Array(16).fill(round)], 16), 0)
      assert.equal(ring.push([new Uint8Array(8).fill(round)], 8), 0)
      assert.equal(ring.shift(), 20)
      assert.equal(ring.shift(), 12)
    }
  })

  it('reads back every 32-bit length', async () => {
    await checkProperty(
      fc.property(fc.nat(0xffff_ffff), (length) => {
        const bytes = new Uint8Array(6)
        assert.equal(writeLength(bytes, 1, length), 5)
        assert.equal(readLength(bytes, 1), length)
      }),
    )
  })
})

function messagesOf(run: Uint8Array | null): Uint8Array[] {
  const messages: Uint8Array[] = []
  for (let at = 0; run !== null && at < run.length; ) {
    const length = readLength(run, at)
    messages.push(new Uint8Array(run.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + length)))
    at += LENGTH_BYTES + length
  }
  return messages
}
