import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packSocketAddress, SOCKET_ADDRESS_BYTES } from '@wakunet/netio'
import fc from 'fast-check'
import { decodePathMessage, encodePathMessage, type PathMessage } from '../../src/index.ts'
import vectors from './vectors.json' with { type: 'json' }

const packed = (host: string, port: number) => {
  const bytes = new Uint8Array(SOCKET_ADDRESS_BYTES)
  packSocketAddress(bytes, 0, host, port)
  return bytes
}
const token = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const messages: Record<keyof typeof vectors.messages, PathMessage> = {
  challenge: { type: 'challenge', token, received: 0x01020304 },
  'response over IPv4': { type: 'response', token, received: 7, observed: packed('192.0.2.7', 4740) },
  'response over IPv6': { type: 'response', token, received: 7, observed: packed('2001:db8::7', 4740) },
}

for (const [name, message] of Object.entries(messages)) {
  test(`a ${name} is written as the vector says and read back the same`, () => {
    const encoded = encodePathMessage(message)
    assert.equal(
      Buffer.from(encoded).toString('hex'),
      vectors.messages[name as keyof typeof vectors.messages],
    )
    assert.deepEqual(decodePathMessage(encoded), message)
  })

  test(`a ${name} cut off at any byte, or with a byte behind it, is none`, () => {
    const encoded = encodePathMessage(message)
    for (let end = 0; end < encoded.length; end++)
      assert.equal(decodePathMessage(encoded.subarray(0, end)), null)
    assert.equal(decodePathMessage(Uint8Array.of(...encoded, 0)), null)
  })
}

test('arbitrary bytes are a message that is written the same, or none', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc
      .tuple(fc.constantFrom(1, 2), fc.uint8Array({ minLength: 12, maxLength: 12 }))
      .map(([t, b]) => Uint8Array.of(t, ...b)),
    fc
      .tuple(fc.constantFrom(4, 6), fc.uint8Array({ minLength: 18, maxLength: 18 }))
      .map(([family, b]) => Uint8Array.of(2, ...token, 0, 0, 0, 0, family, ...b)),
  )
  fc.assert(
    fc.property(bytes, (input) => {
      const message = decodePathMessage(input)
      if (message !== null) assert.deepEqual(encodePathMessage(message), input)
    }),
    { numRuns: 2_000 },
  )
})
