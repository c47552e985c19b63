import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NoiseReader } from '../src/noise-reader.ts'

function framed(messages: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    messages.flatMap((message) => [Uint8Array.of(message.length >> 8, message.length), message]),
  )
}

test('messages come out whole however the stream is cut, and nothing stays behind', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 700 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 40 }),
      (messages, cuts) => {
        const stream = framed(messages)
        const reader = new NoiseReader()
        const read: Uint8Array[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const end = Math.min(stream.length, at + cuts[i % cuts.length]!)
          const middle = at + ((end - at) >> 1)
          // A read may be one array or a list of them.
          const data =
            i % 2 === 0
              ? stream.subarray(at, end)
              : [stream.subarray(at, middle), stream.subarray(middle, end)]
          read.push(...reader.decode(data))
          at = end
        }
        assert.deepEqual(
          read.map((message) => [...message]),
          messages.map((message) => [...message]),
        )
      },
    ),
  )
})

test('the largest message that the format allows passes in any two pieces', () => {
  const message = new Uint8Array(65_535).fill(7)
  const stream = framed([message])
  for (const cut of [0, 1, 2, 3, 40_000, 65_536, 65_537]) {
    const reader = new NoiseReader()
    const read = [...reader.decode(stream.subarray(0, cut)), ...reader.decode(stream.subarray(cut))]
    assert.deepEqual(
      read.map(({ length }) => length),
      [65_535],
    )
  }
})

test('messages of no bytes are passed over', () => {
  const reader = new NoiseReader()
  assert.deepEqual(reader.decode(Uint8Array.of(0, 0, 0, 1, 9, 0, 0)), [Uint8Array.of(9)])
})

test('a message that spans reads has memory of its own: the reads may be reused', () => {
  const reader = new NoiseReader()
  const buffer = Uint8Array.of(0, 3, 1)
  assert.deepEqual(reader.decode(buffer), [])
  buffer.fill(0xee)
  assert.deepEqual(
    reader.decode(Uint8Array.of(2, 3)).map((message) => [...message]),
    [[1, 2, 3]],
  )
})
