import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Block, BlockPool } from '../src/index.ts'

test('a block that is not released is never handed out again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 600_000 }), fc.boolean(), fc.nat(50)), { maxLength: 120 }),
      (steps) => {
        const pool = new BlockPool()
        const held: { block: Block; mark: number }[] = []
        for (const [i, [length, release, which]] of steps.entries()) {
          const block = pool.allocate(length)
          block.bytes.fill(i)
          held.push({ block, mark: i & 0xff })
          if (release) for (const gone of held.splice(which % held.length, 3)) gone.block.release()
          for (const { block, mark } of held) {
            assert.equal(block.bytes[0], mark)
            assert.equal(block.bytes.at(-1), mark)
          }
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('blocks that are released in turn live in the same few slabs', () => {
  const pool = new BlockPool()
  const memories = new Set<ArrayBuffer>()
  let previous: Block | null = null
  for (let i = 0; i < 10_000; i++) {
    const block = pool.allocate(60_000)
    memories.add(block.bytes.buffer)
    previous?.release()
    previous = block
  }
  assert.ok(memories.size <= 3, `${memories.size} slabs`)
})

test('without release every block is new memory', () => {
  const pool = new BlockPool()
  const memories = new Set<ArrayBuffer>()
  for (let i = 0; i < 80; i++) memories.add(pool.allocate(60_000).bytes.buffer)
  assert.equal(memories.size, 10)
})

test('releasing twice frees once', () => {
  const pool = new BlockPool()
  const [a, b] = [pool.allocate(400_000), pool.allocate(100_000)]
  a.release()
  a.release()
  pool.allocate(400_000)
  const later = pool.allocate(400_000)
  assert.notEqual(later.bytes.buffer, b.bytes.buffer)
})
