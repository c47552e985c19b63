import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WakunetError } from '@wakunet/interface'
import {
  chooseCipher,
  cipherList,
  type DatagramAnswer,
  type DatagramControl,
  type DatagramKeys,
  type DatagramOffer,
  deriveKeys,
  type Hello,
  hasAesInHardware,
  KEYS_EXPIRE_MS,
  KEYS_OVERLAP_MS,
  KeyExchange,
  keyShareOf,
  newKeyShare,
  REKEY_AFTER_DATAGRAMS,
  REKEY_AFTER_MS,
  type TrunkIdentity,
} from '../../src/index.ts'
import vectors from './vectors.json' with { type: 'json' }

const hello = (agent: string): Hello => ({
  type: 'hello',
  versions: [1],
  agent,
  role: [],
  bootNonce: new Uint8Array(8).fill(1),
  capabilities: ['datagram', 'mesh'],
  maxRecordBytes: 131_072,
  maxVlans: 256,
  heartbeatMs: 1_000,
  wallMs: 1_800_000_000_000,
})
const identity: TrunkIdentity = {
  initiatorId: new Uint8Array(16).fill(0xa1),
  responderId: new Uint8Array(16).fill(0xb2),
  initiatorHello: hello('initiator'),
  responderHello: hello('responder'),
}
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const isDecodeError = (error: unknown) => error instanceof WakunetError && error.code === 'ERR_DECODE'

/** A negotiation with fixed private keys: 32 times 0x11 and 32 times 0x22. */
function fixedNegotiation(
  change: { identity?: Partial<TrunkIdentity>; offer?: Partial<DatagramOffer> } = {},
) {
  const [ours, theirs] = [0x11, 0x22].map((byte) => keyShareOf(new Uint8Array(32).fill(byte)))
  const offer: DatagramOffer = {
    type: 'datagram-offer',
    generation: 0,
    index: 0x01020304,
    publicKey: ours!.publicKey,
    port: 4740,
    ciphers: ['aes-128-gcm', 'aes-256-gcm', 'chacha20-poly1305'],
    ...change.offer,
  }
  const answer: DatagramAnswer = {
    type: 'datagram-answer',
    generation: 0,
    index: 0x05060708,
    publicKey: theirs!.publicKey,
    port: 4741,
    cipher: 'aes-256-gcm',
  }
  const of = { ...identity, ...change.identity }
  const initiator = deriveKeys(ours!, answer.publicKey, of, offer, answer, 'aes-256-gcm')
  const responder = deriveKeys(theirs!, offer.publicKey, of, offer, answer, 'aes-256-gcm')
  return { initiator, responder, offer, answer }
}

test('both sides derive the keys of the vector', () => {
  const { initiator, responder, offer, answer } = fixedNegotiation()
  assert.deepEqual(initiator, responder)
  assert.deepEqual(
    {
      offerPublicKey: hex(offer.publicKey),
      answerPublicKey: hex(answer.publicKey),
      initiatorKey: hex(initiator.initiator.key),
      initiatorSalt: hex(initiator.initiator.salt),
      responderKey: hex(initiator.responder.key),
      responderSalt: hex(initiator.responder.salt),
    },
    vectors.keys,
  )
})

test('the keys are other ones when anything that was said differs', () => {
  const usual = hex(fixedNegotiation().initiator.initiator.key)
  const changes = [
    { identity: { initiatorId: new Uint8Array(16) } },
    { identity: { responderHello: hello('somebody') } },
    { identity: { initiatorHello: { ...hello('initiator'), capabilities: ['datagram'] } } },
    { offer: { index: 7 } },
    { offer: { ciphers: ['aes-256-gcm'] } },
  ]
  for (const change of changes)
    assert.notEqual(hex(fixedNegotiation(change).initiator.initiator.key), usual, JSON.stringify(change))
})

test('a public key of low order is refused', () => {
  const { offer, answer } = fixedNegotiation()
  for (const low of [new Uint8Array(32), Uint8Array.from([1, ...new Uint8Array(31)])])
    assert.throws(() => deriveKeys(newKeyShare(), low, identity, offer, answer, 'aes-128-gcm'), isDecodeError)
})

test('ChaCha20 is taken where one side has no AES in hardware, else what the initiator likes best', () => {
  const aes = cipherList('auto', () => true)
  const chacha = cipherList('auto', () => false)
  assert.equal(chooseCipher(aes, aes), 'aes-128-gcm')
  assert.equal(chooseCipher(aes, chacha), 'chacha20-poly1305')
  assert.equal(chooseCipher(chacha, aes), 'chacha20-poly1305')
  assert.equal(chooseCipher(['rot13', 'aes-256-gcm'], aes), 'aes-256-gcm', 'unknown names are passed over')
  assert.equal(chooseCipher(['aes-256-gcm'], chacha), 'aes-256-gcm')
  assert.equal(chooseCipher(cipherList('aes-128-gcm', assert.fail), ['aes-256-gcm']), null)
  assert.equal(hasAesInHardware(), hasAesInHardware(), 'is found out once')
})

/** One side of an exchange, and what it was told to do. */
class Side {
  readonly keys = new Map<number, DatagramKeys>()
  readonly outbox: DatagramControl[] = []
  readonly exchange: KeyExchange
  using: number | null = null

  constructor(initiator: boolean, ciphers = cipherList('auto', () => true)) {
    let index = initiator ? 100 : 200
    this.exchange = new KeyExchange({
      initiator,
      identity,
      ciphers,
      port: 4740,
      user: {
        addKeys: (generation, keys) => this.keys.set(generation, keys),
        useKeys: (generation) => {
          this.using = generation
        },
        dropKeys: (generation) => this.keys.delete(generation),
      },
      send: (message) => this.outbox.push(message),
      newShare: newKeyShare,
      newIndex: () => ++index,
      random: () => 0.5,
    })
  }

  /** Hands over what this side has said. */
  tell(other: Side, nowMs: number): void {
    for (const message of this.outbox.splice(0))
      other.exchange.receive(message as Parameters<KeyExchange['receive']>[0], nowMs)
  }
}

function pair(): { a: Side; b: Side; talk: (nowMs: number) => void } {
  const [a, b] = [new Side(true), new Side(false)]
  const talk = (nowMs: number) => {
    while (a.outbox.length + b.outbox.length > 0) {
      a.tell(b, nowMs)
      b.tell(a, nowMs)
    }
  }
  a.exchange.start(0)
  b.exchange.start(0)
  talk(0)
  return { a, b, talk }
}

function fits(a: Side, b: Side, generation: number): void {
  const [ours, theirs] = [a.keys.get(generation)!, b.keys.get(generation)!]
  assert.deepEqual(
    [ours.sendKey, ours.sendSalt, ours.sendIndex],
    [theirs.receiveKey, theirs.receiveSalt, theirs.receiveIndex],
  )
  assert.notDeepEqual(ours.sendKey, ours.receiveKey)
}

test('one offer, one answer and one confirmation give both sides keys that fit', () => {
  const { a, b } = pair()
  assert.deepEqual([a.using, b.using, a.exchange.theirPort], [0, 0, 4740])
  fits(a, b, 0)
  fits(b, a, 0)
})

test('nobody sends with keys that the other may not have yet', () => {
  const [a, b] = [new Side(true), new Side(false)]
  a.exchange.start(0)
  assert.equal(a.keys.size, 0)
  a.tell(b, 0)
  assert.equal(b.keys.size, 1, 'receives')
  assert.equal(b.using, null, 'does not send before it is confirmed')
  b.tell(a, 0)
  assert.equal(a.using, 0)
  a.tell(b, 0)
  assert.equal(b.using, 0)
})

for (const [why, afterMs, datagrams] of [
  ['time', REKEY_AFTER_MS, 0],
  ['volume', 1_000, REKEY_AFTER_DATAGRAMS],
] as const)
  test(`keys are renewed by ${why}, and the old ones are kept for what is under way`, () => {
    const { a, b, talk } = pair()
    a.exchange.tick(afterMs - 1, datagrams - 1)
    assert.equal(a.outbox.length, 0)
    a.exchange.tick(afterMs, datagrams)
    talk(afterMs)
    fits(a, b, 1)
    assert.deepEqual([a.using, b.using], [1, 1])
    for (const side of [a, b]) {
      side.exchange.tick(afterMs + KEYS_OVERLAP_MS - 1, 0)
      assert.deepEqual([...side.keys.keys()], [0, 1])
      side.exchange.tick(afterMs + KEYS_OVERLAP_MS, 0)
      assert.deepEqual([...side.keys.keys()], [1])
    }
  })

test('keys that the initiator does not renew are given up', () => {
  const { b } = pair()
  b.exchange.tick(KEYS_EXPIRE_MS, 0)
  assert.equal(b.exchange.generation, 0)
  b.exchange.tick(KEYS_EXPIRE_MS + 1, 0)
  assert.equal(b.exchange.generation, null)
  assert.equal(b.keys.size, 0)
})

test('what is out of order breaks the protocol', () => {
  const { a, b } = pair()
  const offer = fixedNegotiation().offer
  const wrong: [Side, Parameters<KeyExchange['receive']>[0]][] = [
    [a, { ...offer, generation: 1 }],
    [b, { ...offer, generation: 0 }],
    [b, { ...offer, generation: 2 }],
    [b, { type: 'datagram-confirm', generation: 0 }],
    [a, fixedNegotiation().answer],
    [a, { type: 'datagram-refuse', generation: 0, reason: 'cipher' }],
  ]
  for (const [side, message] of wrong)
    assert.throws(() => side.exchange.receive(message, 0), isDecodeError, message.type)
})

test('an answer with a cipher that was not offered is refused', () => {
  const a = new Side(true, ['aes-256-gcm'])
  a.exchange.start(0)
  const answer = { ...fixedNegotiation().answer, cipher: 'aes-128-gcm' }
  assert.throws(() => a.exchange.receive(answer, 0), isDecodeError)
})

test('no common cipher is said to the initiator, and nothing is derived', () => {
  const [a, b] = [new Side(true, ['aes-128-gcm']), new Side(false, ['chacha20-poly1305'])]
  a.exchange.start(0)
  a.tell(b, 0)
  b.tell(a, 0)
  assert.deepEqual([a.exchange.refused, b.exchange.refused], [true, true])
  assert.equal(a.keys.size + b.keys.size, 0)
})

test('closing drops all keys', () => {
  const { a } = pair()
  a.exchange.close()
  assert.equal(a.keys.size, 0)
})
