import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  type DnsMessage,
  decodeDnsHeader,
  decodeDnsMessage,
  decodeEdns,
  dnsLabels,
  dnsOpcode,
  encodeDnsMessage,
  encodeDnsName,
  encodeEdns,
  MAX_DNS_RECORDS,
  readDnsName,
  splitDnsName,
  toLowerDnsName,
} from '../src/index.ts'
import { concat, hexToBytes, plain, viewsOf } from './support.ts'

/** Any bytes: names of DNS have no alphabet. At most 6 x 41 + 1 bytes, so under the limit of 255. */
const label = fc.uint8Array({ minLength: 1, maxLength: 40 })
const plainLabel = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/)
const name = fc.oneof(
  fc.array(label, { maxLength: 6 }).map(nameOf),
  fc.array(plainLabel, { maxLength: 5 }).map((labels) => labels.join('.')),
)
const question = fc.record({ name, type: fc.nat(0xffff), class: fc.nat(0xffff) })
const record = fc.record({
  name,
  type: fc.nat(0xffff),
  class: fc.nat(0xffff),
  ttlSeconds: fc.nat(0xffffffff),
  data: fc.uint8Array({ maxLength: 30 }),
})
const section = fc.array(record, { maxLength: 3 })
const message: fc.Arbitrary<DnsMessage> = fc.record({
  id: fc.nat(0xffff),
  flags: fc.nat(0xffff),
  questions: fc.array(question, { maxLength: 2 }),
  answers: section,
  authorities: section,
  additionals: section,
})

function nameOf(labels: readonly Uint8Array[]): string {
  const bytes = concat(...labels.flatMap((bytes) => [Uint8Array.of(bytes.length), bytes]), new Uint8Array(1))
  return readDnsName(bytes, 0)!.name
}

/** dig @10.77.16.1 Laptop.home.waku.internal A, without its cookie. */
const QUERY = hexToBytes(
  '2f0f01200001000000000001064c6170746f7004686f6d650477616b7508696e7465726e616c000001000100002904d0000000000000',
)
/** Of ns.example, with the name of the answer as a pointer: RFC 1035 §4.1.4. */
const RESPONSE = hexToBytes(
  '000184000001000100000000026e73076578616d706c650000010001c00c00010001000000 1e0004c0000201'.replace(
    / /g,
    '',
  ),
)

describe('DNS messages', () => {
  test('come back as they were, whatever bytes are in their names', () => {
    fc.assert(
      fc.property(message, (value) => {
        const bytes = encodeDnsMessage(value)
        assert.ok(bytes !== null)
        assert.deepEqual(plain(decodeDnsMessage(bytes)), plain(value))
      }),
    )
  })

  test('of real programs are read', () => {
    const query = decodeDnsMessage(QUERY)!
    assert.deepEqual(query.questions, [{ name: 'Laptop.home.waku.internal', type: 1, class: 1 }])
    assert.deepEqual(plain(decodeEdns(query.additionals[0]!)), {
      udpBytes: 1232,
      extendedCode: 0,
      version: 0,
      dnssecOk: false,
      options: '',
    })
    const [answer] = decodeDnsMessage(RESPONSE)!.answers
    assert.deepEqual(plain(answer), {
      name: 'ns.example',
      type: 1,
      class: 1,
      ttlSeconds: 30,
      data: 'c0000201',
    })
  })

  test('repeat a name as a pointer, in the case that it has', () => {
    const one = { type: 1, class: 1 }
    const other = { ...one, ttlSeconds: 0, data: new Uint8Array(0) }
    const value: DnsMessage = {
      id: 1,
      flags: 0,
      questions: [{ ...one, name: 'A.example' }],
      answers: [
        { ...other, name: 'A.example' },
        { ...other, name: 'b.example' },
        { ...other, name: 'a.EXAMPLE' },
      ],
      authorities: [],
      additionals: [],
    }
    const bytes = encodeDnsMessage(value)!
    assert.equal(bytes.length, 12 + 15 + (2 + 10) + (4 + 10) + (11 + 10))
    assert.deepEqual(plain(decodeDnsMessage(bytes)), plain(value))
  })

  test('cut anywhere are refused, and so are bytes behind them', () => {
    for (const bytes of [QUERY, RESPONSE]) {
      for (let length = 0; length < bytes.length; length++) {
        assert.equal(decodeDnsMessage(bytes.slice(0, length)), null, String(length))
        assert.equal(decodeDnsMessage(bytes, 0, length), null, String(length))
      }
      assert.equal(decodeDnsMessage(concat(bytes, new Uint8Array(1))), null)
    }
    assert.equal(decodeDnsHeader(QUERY.slice(0, 11)), null)
    assert.deepEqual(decodeDnsHeader(QUERY), { id: 0x2f0f, flags: 0x0120 })
  })

  test('of any bytes never throw, and show only what is inside them', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.tuple(message, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
        const bytes = encodeDnsMessage(value)!
        bytes[at % bytes.length] = byte
        return bytes
      }),
    )
    fc.assert(
      fc.property(noise, fc.nat(8), (bytes, offset) => {
        const padded = concat(new Uint8Array(offset).fill(0xc0), bytes, new Uint8Array(4).fill(0xff))
        const decoded = decodeDnsMessage(padded, offset, bytes.length)
        assert.deepEqual(plain(decoded), plain(decodeDnsMessage(bytes)))
        for (const view of viewsOf(decoded)) assert.equal(view.buffer, padded.buffer)
        if (decoded !== null) assert.ok(encodeDnsMessage(decoded) !== null, 'can be said again')
      }),
      { numRuns: 500 },
    )
  })

  test('with more questions and records than the limit are refused before they are read', () => {
    const header = (count: number) => concat(new Uint8Array(4), Uint8Array.of(0, count), new Uint8Array(6))
    const questions = (count: number) => new Uint8Array(5 * count)
    assert.ok(decodeDnsMessage(concat(header(MAX_DNS_RECORDS), questions(MAX_DNS_RECORDS))) !== null)
    const more = MAX_DNS_RECORDS + 1
    assert.equal(decodeDnsMessage(concat(header(more), questions(more))), null)
  })

  test('have their operation in four bits of the flags', () => {
    assert.equal(dnsOpcode(0x8580), 0)
    assert.equal(dnsOpcode(0x2800), 5)
  })
})

describe('names of DNS', () => {
  const readAt = (hex: string, at: number) => readDnsName(hexToBytes(hex), at)

  test('have escapes for what is not plain text', () => {
    assert.equal(readAt('03612e62015c0201ff00', 0)?.name, 'a\\.b.\\\\.\\001\\255')
    assert.deepEqual(plain(encodeDnsName('a\\.b.\\\\.\\001\\255')), '03612e62015c0201ff00')
    assert.deepEqual(plain(encodeDnsName('')), '00')
    assert.deepEqual(splitDnsName('a\\.b.c.\\\\.\\046d'), ['a\\.b', 'c', '\\\\', '\\046d'])
    assert.deepEqual(splitDnsName(''), [])
    assert.equal(toLowerDnsName('ÄLPHA\\065'), 'Älpha\\065')
  })

  test('that are no names are refused', () => {
    const long = `${'a'.repeat(63)}.`.repeat(3)
    for (const text of ['.', 'a..b', '.a', 'a.', 'a b', 'ä', 'a\\', 'a\\25', 'a\\256', 'a'.repeat(64)])
      assert.equal(dnsLabels(text), null, text)
    assert.equal(dnsLabels(`${long}${'a'.repeat(61)}`)?.length, 4, '255 bytes')
    assert.equal(dnsLabels(`${long}${'a'.repeat(62)}`), null, '256 bytes')
    assert.equal(dnsLabels('a.'.repeat(100_000)), null)
  })

  test('with a pointer that does not lead back are refused: to itself, forward, in a ring', () => {
    assert.equal(readAt('c000', 0), null)
    assert.equal(readAt('c00200', 0), null)
    assert.equal(readAt('0161c000', 0), null, 'back to its own first label')
    assert.equal(readAt('c0020161c000', 2), null, 'two names that lead to each other')
    assert.equal(readAt('c0', 0), null, 'cut')
    assert.equal(readAt('4161', 0), null, 'reserved label type')
    assert.equal(readAt('8161', 0), null, 'reserved label type')
    assert.deepEqual(readAt('01610001 62c000'.replace(' ', ''), 3), { name: 'b.a', end: 7 })
  })

  test('with a chain of pointers end after as many steps as there are pointers', () => {
    const steps = 8_000
    const bytes = new Uint8Array(1 + 2 * steps)
    for (let i = 0; i < steps; i++) {
      const target = i === 0 ? 0 : 1 + 2 * (i - 1)
      bytes.set([0xc0 | (target >>> 8), target & 0xff], 1 + 2 * i)
    }
    assert.deepEqual(readDnsName(bytes, 1 + 2 * (steps - 1)), { name: '', end: bytes.length })
  })

  test('longer than 255 bytes are refused when pointers make them so', () => {
    const part = concat(Uint8Array.of(63), new Uint8Array(63).fill(0x61))
    const fourParts = concat(part, part, part, part, new Uint8Array(1))
    assert.equal(readDnsName(fourParts, 0), null)
    const tail = concat(part, part, part, new Uint8Array(1), part, Uint8Array.of(0xc0, 0))
    assert.equal(readDnsName(tail, 193), null)
    assert.ok(readDnsName(tail, 0) !== null)
  })
})

describe('EDNS', () => {
  test('comes back', () => {
    const edns = fc.record({
      udpBytes: fc.nat(0xffff),
      extendedCode: fc.nat(255),
      version: fc.nat(255),
      dnssecOk: fc.boolean(),
      options: fc.uint8Array({ maxLength: 20 }),
    })
    fc.assert(
      fc.property(edns, (value) => assert.deepEqual(plain(decodeEdns(encodeEdns(value))), plain(value))),
    )
  })

  test('is at the root alone', () => {
    const record = encodeEdns({
      udpBytes: 0,
      extendedCode: 0,
      version: 0,
      dnssecOk: false,
      options: new Uint8Array(0),
    })
    assert.equal(decodeEdns({ ...record, name: 'a' }), null)
    assert.equal(decodeEdns({ ...record, type: 1 }), null)
  })
})
