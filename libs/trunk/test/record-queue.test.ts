import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Block, BlockPool, RecordQueue } from '../src/index.ts'

const pool = new BlockPool()
const unit = (size: number, fill = 0): Block => {
  const block = pool.allocate(size)
  block.bytes.fill(fill)
  return block
}

test('a full queue throws out the oldest records, counts them, and keeps the newest', () => {
  const queue = new RecordQueue(300)
  for (let i = 0; i < 5; i++) queue.push(unit(100, i))
  assert.equal(queue.dropped, 2)
  assert.equal(queue.bytes, 300)
  assert.deepEqual(
    [queue.shift()!.bytes[0], queue.shift()!.bytes[0], queue.shift()!.bytes[0], queue.shift()],
    [2, 3, 4, undefined],
  )
})

test('a record larger than the queue is dropped without emptying it', () => {
  const queue = new RecordQueue(300)
  queue.push(unit(100, 1))
  queue.push(unit(301, 2))
  assert.equal(queue.dropped, 1)
  assert.equal(queue.shift()!.bytes[0], 1)
})

test('it behaves like an array that is cut at the front', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 1, max: 120 }), fc.constant('shift' as const)), { maxLength: 400 }),
      (steps) => {
        const queue = new RecordQueue(1_000)
        const naive: Block[] = []
        let dropped = 0
        const bytes = (): number => naive.reduce((sum, { bytes: { length } }) => sum + length, 0)
        for (const step of steps) {
          if (step === 'shift') assert.equal(queue.shift(), naive.shift())
          else {
            const pushed = unit(step)
            while (bytes() + step > 1_000) dropped += naive.shift() === undefined ? 0 : 1
            naive.push(pushed)
            queue.push(pushed)
          }
          assert.equal(queue.bytes, bytes())
          assert.equal(queue.length, naive.length)
          assert.equal(queue.dropped, dropped)
        }
      },
    ),
  )
})

test('it stays small over many records', () => {
  const queue = new RecordQueue(10_000)
  for (let i = 0; i < 100_000; i++) {
    queue.push(unit(10))
    if (i % 2 === 0) queue.shift()
  }
  assert.ok(queue.bytes <= 10_000)
  assert.equal(queue.length, 1_000)
})
