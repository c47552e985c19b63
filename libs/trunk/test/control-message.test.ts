import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WakunetError } from '@wakunet/interface'
import { encode } from 'cborg'
import fc from 'fast-check'
import { type ControlMessage, decodeControlMessage, encodeControlMessage } from '../src/index.ts'
import vectors from './vectors.json' with { type: 'json' }

const hello: ControlMessage = {
  type: 'hello',
  versions: [1],
  agent: 'wakunet/0.1.0',
  role: [],
  bootNonce: new Uint8Array(8).fill(1),
  capabilities: [],
  maxRecordBytes: 131_072,
  maxVlans: 256,
  heartbeatMs: 1_000,
  wallMs: 1_800_000_000_000,
}
const membership = {
  vlan: new Uint8Array(16).fill(2),
  bootNonce: new Uint8Array(8).fill(3),
  mac: new Uint8Array(6).fill(2),
  addresses: ['10.1.2.3/20'],
  addressAttempt: 0,
  hostname: 'desk',
  recordSequence: 1,
}
const messages: Record<string, ControlMessage> = {
  hello,
  refuse: { type: 'refuse', code: 'version', message: 'no common version' },
  memberships: { type: 'memberships', sequence: 1, memberships: [membership] },
  heartbeat: { type: 'heartbeat', sequence: 7 },
  'heartbeat-ack': { type: 'heartbeat-ack', sequence: 7 },
  'record-request': { type: 'record-request', vlan: new Uint8Array(16).fill(2) },
  record: { type: 'record', vlan: new Uint8Array(16).fill(2), record: Uint8Array.of(1, 2, 3) },
  'record not known': { type: 'record', vlan: new Uint8Array(16).fill(2), record: null },
  'vlan-peers-request': { type: 'vlan-peers-request', vlan: new Uint8Array(16).fill(2) },
  'vlan-peers': {
    type: 'vlan-peers',
    vlan: new Uint8Array(16).fill(2),
    peers: [{ peerId: '12D3KooWMember', addresses: ['/ip4/192.0.2.7/tcp/4740'] }],
  },
  'peers-request': { type: 'peers-request' },
  peers: {
    type: 'peers',
    peers: [{ record: Uint8Array.of(1, 2, 3), vlans: [new Uint8Array(16).fill(2)] }],
  },
  'datagram-offer': {
    type: 'datagram-offer',
    generation: 0,
    index: 0x01020304,
    publicKey: new Uint8Array(32).fill(4),
    port: 4740,
    ciphers: ['aes-128-gcm', 'chacha20-poly1305'],
  },
  'datagram-answer': {
    type: 'datagram-answer',
    generation: 0,
    index: 0xffff_ffff,
    publicKey: new Uint8Array(32).fill(5),
    port: 65_535,
    cipher: 'aes-128-gcm',
  },
  'datagram-confirm': { type: 'datagram-confirm', generation: 1 },
  'datagram-refuse': { type: 'datagram-refuse', generation: 0, reason: 'cipher' },
  'datagram-candidates': {
    type: 'datagram-candidates',
    sequence: 3,
    candidates: [
      { host: '192.0.2.7', port: 4740, kind: 'host' },
      { host: '2001:db8::7', port: 61_000, kind: 'reflexive' },
    ],
  },
  'reach-request': { type: 'reach-request', sequence: 3, addresses: ['/ip4/192.0.2.7/tcp/4740'] },
  'reach-answer': {
    type: 'reach-answer',
    sequence: 3,
    observed: '/ip4/192.0.2.7/tcp/50123',
    reached: [true],
  },
  close: { type: 'close', code: 'stopping', message: 'bye' },
}
const isDecodeError = (error: unknown): boolean =>
  error instanceof WakunetError && error.code === 'ERR_DECODE'

for (const [name, message] of Object.entries(messages)) {
  test(`${name} is written as the vector says and read back the same`, () => {
    const encoded = encodeControlMessage(message)
    assert.equal(Buffer.from(encoded).toString('hex'), (vectors.messages as Record<string, string>)[name])
    assert.deepEqual(decodeControlMessage(encoded), message)
  })

  test(`${name} cut off at any byte, or with a byte behind it, is malformed`, () => {
    const encoded = encodeControlMessage(message)
    for (let end = 0; end < encoded.length; end++) {
      assert.throws(() => decodeControlMessage(encoded.subarray(0, end)), isDecodeError)
    }
    assert.throws(() => decodeControlMessage(new Uint8Array([...encoded, 0])), isDecodeError)
  })
}

test('arbitrary bytes decode or fail in the one way', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        decodeControlMessage(bytes)
      } catch (error) {
        assert.ok(isDecodeError(error))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('a flipped byte in a good message decodes or fails in the one way', () => {
  const encoded = encodeControlMessage(messages.memberships!)
  for (let at = 0; at < encoded.length; at++) {
    for (const flip of [1, 0x20, 0x80, 0xff]) {
      const bent = encoded.slice()
      bent[at]! ^= flip
      try {
        decodeControlMessage(bent)
      } catch (error) {
        assert.ok(isDecodeError(error))
      }
    }
  }
})

const refused: Record<string, Uint8Array> = {
  'an unknown type': encode({ type: 'reboot' }),
  'a list in place of a map': encode([1, 2]),
  'an unknown key': encode({ type: 'heartbeat', sequence: 1, more: 1 }),
  'a missing key': encode({ type: 'heartbeat' }),
  'a negative sequence': encode({ type: 'heartbeat', sequence: -1 }),
  'a fraction': encode({ type: 'heartbeat', sequence: 1.5 }),
  'a number over 2^53': encode({ type: 'heartbeat', sequence: 2n ** 60n }),
  'a short boot nonce': encode({ ...hello, bootNonce: new Uint8Array(7) }),
  'no version': encode({ ...hello, versions: [] }),
  'too many VLANs': encode({ type: 'memberships', sequence: 1, memberships: Array(257).fill(membership) }),
  'a record that is too large': encode({ ...messages.record, record: new Uint8Array(32_769) }),
  'too many VLAN peers': encode({
    type: 'vlan-peers',
    vlan: new Uint8Array(16),
    peers: Array(17).fill({ peerId: 'x', addresses: [] }),
  }),
  'too many exchanged peers': encode({
    type: 'peers',
    peers: Array(17).fill({ record: new Uint8Array(1), vlans: [] }),
  }),
  'an exchanged record that is too large': encode({
    type: 'peers',
    peers: [{ record: new Uint8Array(2_049), vlans: [] }],
  }),
  'an exchanged peer in too many VLANs': encode({
    type: 'peers',
    peers: [{ record: new Uint8Array(1), vlans: Array(17).fill(new Uint8Array(16)) }],
  }),
  'a VLAN peer with too many addresses': encode({
    type: 'vlan-peers',
    vlan: new Uint8Array(16),
    peers: [{ peerId: 'x', addresses: Array(9).fill('/') }],
  }),
  'an address that is too long': encode({
    type: 'vlan-peers',
    vlan: new Uint8Array(16),
    peers: [{ peerId: 'x', addresses: ['/'.repeat(129)] }],
  }),
  'a key __proto__ that carries the fields': encode(
    new Map<string, unknown>([['__proto__', { type: 'heartbeat', sequence: 1 }]]),
  ),
  'ten thousand nested lists': new Uint8Array(10_000).fill(0x81),
  'an indefinite map': Uint8Array.of(0xbf, 0xff),
  'a duplicate key': Buffer.from('a2647479706569686561727462656174647479706569686561727462656174', 'hex'),
  nothing: new Uint8Array(0),
  'more than a message may have': new Uint8Array(65_537),
}
for (const [what, bytes] of Object.entries(refused)) {
  test(`${what} is malformed`, () => assert.throws(() => decodeControlMessage(bytes), isDecodeError))
}
