import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode } from 'cborg'
import fc from 'fast-check'
import { z } from 'zod'
import { decodeMessage, encodeMessage, type MessageFormat } from '../src/index.ts'

const FORMAT = {
  name: 'greeting',
  schema: z.strictObject({ type: z.literal('hello'), names: z.array(z.string().max(8)).max(4) }),
  maxBytes: 64,
  maxDepth: 2,
} satisfies MessageFormat<z.ZodType>
const HELLO = { type: 'hello', names: ['a', 'b'] } as const
const refused = (bytes: Uint8Array, message: RegExp) =>
  assert.throws(() => decodeMessage(FORMAT, bytes), { code: 'ERR_DECODE', message })

test('a message comes back as it went, and every part of it alone is refused', () => {
  const encoded = encodeMessage(FORMAT, { ...HELLO, names: [...HELLO.names] })
  assert.deepEqual(decodeMessage(FORMAT, encoded), HELLO)
  for (let end = 0; end < encoded.length; end++)
    refused(encoded.subarray(0, end), /^malformed greeting: (0 bytes|not strict CBOR)$/)
  refused(Buffer.concat([encoded, Buffer.of(0)]), /not strict CBOR/)
})

test('what is too large, too deep, of another shape or not in its one form is refused', () => {
  refused(new Uint8Array(65), /65 bytes/)
  refused(encode({ type: 'hello', names: [7] }), /names\.0/)
  refused(encode({ type: 'hello', names: [['x']] }), /not strict CBOR/)
  refused(encode({ ...HELLO, more: 1 }), /message/)
  refused(encode(new Map([[1, 'hello']])), /not strict CBOR/)
  refused(Uint8Array.of(0xbf, 0xff), /not strict CBOR/)
  refused(Buffer.from('a2647479706568656c6c6f', 'hex'), /not strict CBOR/)
})

test('a key called __proto__ reaches no prototype', () => {
  refused(
    encode(new Map<string, unknown>([...Object.entries(HELLO), ['__proto__', { polluted: 1 }]])),
    /message/,
  )
  assert.equal(({} as { polluted?: number }).polluted, undefined)
})

test('a message of ours that is too large is a fault of ours', () => {
  const large = { type: 'hello' as const, names: ['x'.repeat(80)] }
  assert.throws(() => encodeMessage(FORMAT, large), { code: 'ERR_INTERNAL' })
})

test('any bytes are a message or are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      try {
        decodeMessage(FORMAT, bytes)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ERR_DECODE')
      }
    }),
  )
})
