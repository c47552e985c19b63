import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WakunetError } from '@wakunet/interface'
import { encode } from 'cborg'
import fc from 'fast-check'
import { type DirectoryMessage, decodeDirectoryMessage, encodeDirectoryMessage } from '../src/index.ts'

const bytes = (length: number) => new Uint8Array(length).fill(5)
const MESSAGES: readonly DirectoryMessage[] = [
  { type: 'summary', digests: bytes(512) },
  { type: 'inventory-request', buckets: [0, 63] },
  { type: 'inventory', bucket: 3, entries: bytes(48) },
  { type: 'listing-request', ids: bytes(32) },
  { type: 'listings', items: [bytes(70), bytes(300)] },
  { type: 'search', id: 7, query: 'café', limit: 64 },
  { type: 'results', id: 7, items: [bytes(70)], done: true },
]

function refused(encoded: Uint8Array): void {
  assert.throws(
    () => decodeDirectoryMessage(encoded),
    (error) => error instanceof WakunetError && error.code === 'ERR_DECODE',
  )
}

describe('a message of the directory', () => {
  for (const message of MESSAGES)
    test(`'${message.type}' is read as it was written, and not when it is cut or has more`, () => {
      const encoded = encodeDirectoryMessage(message)
      assert.deepEqual(decodeDirectoryMessage(encoded), message)
      for (let end = 0; end < encoded.length; end++) refused(encoded.subarray(0, end))
      refused(Uint8Array.from([...encoded, 0]))
      refused(encode({ ...message, more: 1 }))
    })

  test('out of its limits is refused', () => {
    for (const value of [
      { type: 'unknown' },
      { type: 'summary', digests: bytes(511) },
      { type: 'inventory-request', buckets: [] },
      { type: 'inventory-request', buckets: new Array(65).fill(0) },
      { type: 'inventory-request', buckets: [64] },
      { type: 'inventory', bucket: 0, entries: bytes(23) },
      { type: 'inventory', bucket: 0, entries: bytes(24 * 2_049) },
      { type: 'listing-request', ids: bytes(0) },
      { type: 'listing-request', ids: bytes(16 * 65) },
      { type: 'listings', items: ['text'] },
      { type: 'search', id: -1, query: '', limit: 1 },
      { type: 'search', id: 1, query: 'x'.repeat(129), limit: 1 },
      { type: 'search', id: 1, query: '', limit: 65 },
      { type: 'results', id: 1, items: [[[]]], done: true },
      [1],
    ])
      refused(encode(value))
    refused(bytes(65_537))
  })

  test('of any bytes at all is read or refused in one way', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (encoded) => {
        try {
          decodeDirectoryMessage(encoded)
        } catch (error) {
          assert.ok(error instanceof WakunetError && error.code === 'ERR_DECODE')
        }
      }),
    )
  })
})
