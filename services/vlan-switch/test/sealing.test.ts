import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { noSealing, SEALING_CIPHER_BITS } from '@wakunet/addressing'
import { AEAD_ALGORITHMS, type AeadAlgorithm } from '@wakunet/netio'
import {
  createDecodedRecord,
  decodeRecord,
  RECORD_FIELD,
  RECORD_HEADER_BYTES,
  SEAL_TAG_BYTES,
} from '@wakunet/record'
import { SEQUENCE_WINDOW } from '@wakunet/switching'
import fc from 'fast-check'
import { agreedCipher, announcedCiphers } from '../src/sealing/ciphers.ts'
import { directionKey, sealingKeyPairOf, sharedSecret } from '../src/sealing/pair-keys.ts'
import { MAX_SEALING_PEERS, RecordSealing } from '../src/sealing/record-sealing.ts'
import { openRecord, SealingNode, sealingPair } from './sealing-support.ts'
import { bytesOf, hex } from './support.ts'

const SECRET = Buffer.from('a secret that nobody on the way may read')
const frameOf = (size = 100): Uint8Array => {
  const frame = new Uint8Array(size).fill(0x5a)
  frame.set(SECRET, 14)
  return frame
}

interface Vectors {
  readonly pairs: readonly {
    readonly cipher: AeadAlgorithm
    readonly vlanId: string
    readonly ingress: VectorEnd
    readonly egress: VectorEnd
    readonly secret: string
    readonly key: string
    readonly salt: string
    readonly sequence: number
    readonly record: string
    readonly frames: readonly string[]
  }[]
  readonly refused: readonly { readonly why: string; readonly record: string; readonly verdict: string }[]
}
interface VectorEnd {
  readonly nodeId: string
  readonly bootNonce: string
  readonly privateKey: string
  readonly publicKey: string
}
const vectors = JSON.parse(readFileSync(new URL('sealing-vectors.json', import.meta.url), 'utf8')) as Vectors

function opener({ ingress, egress, vlanId, cipher }: Vectors['pairs'][number]): RecordSealing {
  const sealing = new RecordSealing({
    vlanId: bytesOf(vlanId),
    nodeId: bytesOf(egress.nodeId),
    bootNonce: bytesOf(egress.bootNonce),
    keyPair: sealingKeyPairOf(bytesOf(egress.privateKey)),
    ciphers: SEALING_CIPHER_BITS[cipher],
    isMember: () => true,
  })
  const key = {
    bootNonce: bytesOf(ingress.bootNonce),
    publicKey: bytesOf(ingress.publicKey),
    ciphers: SEALING_CIPHER_BITS[cipher],
  }
  sealing.learn(bytesOf(ingress.nodeId), key, 1)
  return sealing
}

describe('sealing', () => {
  it('derives the keys of the vectors, and opens their records', () => {
    assert.deepEqual(
      vectors.pairs.map(({ cipher }) => cipher),
      [...AEAD_ALGORITHMS],
    )
    for (const vector of vectors.pairs) {
      const endOf = (end: VectorEnd) => ({
        nodeId: bytesOf(end.nodeId),
        bootNonce: bytesOf(end.bootNonce),
        publicKey: bytesOf(end.publicKey),
      })
      const own = sealingKeyPairOf(bytesOf(vector.ingress.privateKey))
      assert.equal(hex(own.publicKey), vector.ingress.publicKey)
      const secret = sharedSecret(own, bytesOf(vector.egress.publicKey))!
      assert.equal(hex(secret), vector.secret)
      const ends = [endOf(vector.ingress), endOf(vector.egress)] as const
      const { key, salt } = directionKey(secret, bytesOf(vector.vlanId), vector.cipher, ...ends)
      assert.deepEqual([hex(key), hex(salt)], [vector.key, vector.salt])
      const { verdict, frames } = openRecord(opener(vector), bytesOf(vector.record))
      assert.equal(verdict, 'ok')
      assert.deepEqual(frames.map(hex), vector.frames)
    }
  })

  it('refuses the vectors that are to be refused, and they change nothing', () => {
    const [vector] = vectors.pairs
    const sealing = opener(vector!)
    for (const { why, record, verdict } of vectors.refused)
      assert.equal(openRecord(sealing, bytesOf(record)).verdict, verdict, why)
    assert.equal(openRecord(sealing, bytesOf(vector!.record)).verdict, 'ok')
  })

  it('is opened by its egress node and shows nobody else a byte of the frames', () => {
    for (const cipher of AEAD_ALGORITHMS) {
      const [a, b] = sealingPair({ cipher })
      const record = a.seal(b, [frameOf(), frameOf(60_000)])!
      assert.equal(Buffer.from(record).includes(SECRET), false)
      assert.equal(record.length, RECORD_HEADER_BYTES + 24 + 60_100 + SEAL_TAG_BYTES)
      const { verdict, frames } = b.open(record)
      assert.equal(verdict, 'ok')
      assert.deepEqual(
        frames.map((frame) => frame.length),
        [100, 60_000],
      )
      assert.equal(Buffer.from(frames[0]!).includes(SECRET), true, 'the negative control: it was there')
    }
  })

  it('has a nonce of its own for each record, and a key of its own for each direction', () => {
    const [a, b] = sealingPair()
    const bodies = [a, b].flatMap((from) =>
      [1, 2, 3].map(() => hex(from.seal(from === a ? b : a, [frameOf()])!.subarray(RECORD_HEADER_BYTES))),
    )
    assert.equal(new Set(bodies).size, 6)
  })

  it('lets the hop limit change on the way, and no other bit of header, frames or tag', () => {
    const [a, b] = sealingPair()
    const record = a.seal(b, [frameOf()])!
    for (let bit = 0; bit < record.length * 8; bit++) {
      const changed = record.slice()
      changed[bit >>> 3]! ^= 1 << (bit & 7)
      if (bit >>> 3 === RECORD_FIELD.hopLimit) continue
      assert.notEqual(b.open(changed).verdict, 'ok', `bit ${bit}`)
    }
    const late = record.slice()
    late[RECORD_FIELD.hopLimit] = 3
    assert.equal(b.open(late).verdict, 'ok', 'nothing that was refused has moved the window')
  })

  it('is refused with any bytes for any others', () => {
    const [a, b] = sealingPair()
    const record = a.seal(b, [frameOf()])!
    const change = fc.tuple(fc.nat(record.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const other = record.slice()
        for (const [at, value] of changes) other[at] = value
        other[RECORD_FIELD.hopLimit] = record[RECORD_FIELD.hopLimit]!
        if (Buffer.compare(other, record) !== 0) assert.notEqual(b.open(other).verdict, 'ok')
      }),
      { numRuns: 500 },
    )
    assert.equal(b.open(record).verdict, 'ok')
  })

  it('is nobody else to open: another pair, another VLAN, another start, the other direction', () => {
    const [a, b] = sealingPair()
    const c = new SealingNode(3)
    c.meet(a)
    a.meet(c)
    const record = a.seal(b, [frameOf()])!
    assert.equal(c.open(record.slice()).verdict, 'forged')
    const elsewhere = new SealingNode(2, { vlanId: new Uint8Array(16).fill(0x78) })
    elsewhere.meet(a)
    assert.equal(elsewhere.open(record.slice()).verdict, 'forged')
    const restarted = new SealingNode(2, { boot: 2 })
    restarted.meet(a)
    assert.equal(restarted.open(record.slice()).verdict, 'forged')
    // Reflected: the same bytes back to who sealed them, with the ends exchanged.
    const reflected = record.slice()
    reflected.set(b.nodeId, RECORD_FIELD.ingress)
    reflected.set(a.nodeId, RECORD_FIELD.egress)
    reflected.set(b.bootNonce, RECORD_FIELD.bootNonce)
    assert.equal(a.open(reflected).verdict, 'forged')
    assert.equal(b.open(record).verdict, 'ok', 'the negative control')
  })

  it('is taken once, in any order within the window, and never moved by what is forged', () => {
    const [a, b] = sealingPair()
    const records = Array.from({ length: 40 }, () => a.seal(b, [frameOf()])!)
    const forged = records[0]!.slice()
    forged.set([0x1f, 0xff, 0xff], RECORD_FIELD.sequence + 1)
    assert.equal(b.open(forged).verdict, 'forged')
    for (const record of [...records].reverse()) assert.equal(b.open(record.slice()).verdict, 'ok')
    for (const record of records) assert.equal(b.open(record.slice()).verdict, 'seen')
    for (let i = 0; i < SEQUENCE_WINDOW; i++) a.seal(b, [new Uint8Array(14)])
    assert.equal(b.open(a.seal(b, [frameOf()])!).verdict, 'ok')
    assert.equal(b.open(records[0]!.slice()).verdict, 'old')
  })

  it('is not new again when its member goes and comes back, or an older announcement of it turns up', () => {
    const [a, b] = sealingPair()
    const record = a.seal(b, [frameOf()])!
    assert.equal(b.open(record.slice()).verdict, 'ok')
    b.meet(a, 5)
    assert.equal(b.open(record.slice()).verdict, 'seen')
    const later = new SealingNode(1, { boot: 2 })
    b.meet(later, 6)
    assert.equal(b.open(record.slice()).verdict, 'no-key')
    b.meet(a, 5)
    assert.equal(b.open(record.slice()).verdict, 'no-key', 'an announcement that is out of date')
    later.meet(b)
    assert.equal(b.open(later.seal(b, [frameOf()])!).verdict, 'ok')
  })

  it('needs a key: none is known, it is of low order, or no cipher is common', () => {
    const [a, b] = [new SealingNode(1), new SealingNode(2)]
    assert.equal(a.seal(b, [frameOf()]), null)
    a.meet(b, 1, { ...b.sealing.announced, publicKey: new Uint8Array(32).fill(0) })
    assert.equal(a.seal(b, [frameOf()]), null)
    a.meet(b, 2, noSealing(b.bootNonce))
    assert.equal(a.seal(b, [frameOf()]), null)
    const strict = new SealingNode(2, { cipher: 'aes-256-gcm' })
    const other = new SealingNode(1, { cipher: 'chacha20-poly1305' })
    other.meet(strict)
    assert.equal(other.seal(strict, [frameOf()]), null)
    assert.equal(other.sealing.cipherOf(strict.nodeId), null)
    a.meet(strict, 3)
    assert.notEqual(a.seal(strict, [frameOf()]), null, 'the negative control')
    assert.equal(a.sealing.cipherOf(strict.nodeId), 'aes-256-gcm')
  })

  it('leaves nothing on the heap for a record that is opened', () => {
    const [a, b] = sealingPair()
    const records = Array.from({ length: 3_000 }, () => a.seal(b, [frameOf()])!)
    const decoded = createDecodedRecord()
    let next = 0
    const openNext = () => {
      decodeRecord(records[next++]!, decoded)
      assert.equal(b.sealing.open(decoded), 'ok')
    }
    for (let i = 0; i < 2_000; i++) openNext()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < 900; i++) openNext()
    const bytes = (process.memoryUsage().heapUsed - before) / 900
    assert.ok(bytes < 200, `${bytes} bytes a record`)
  })

  it('holds keys of a bounded number of members, and forgets those that are gone first', () => {
    const gone = new Set<number>()
    const node = new SealingNode(1, { isMember: (id) => !gone.has(id[0]! * 256 + id[1]!) })
    const idOf = (n: number) => Uint8Array.of(n >>> 8, n, ...new Uint8Array(14).fill(9))
    const key = new SealingNode(2).sealing.announced
    for (let n = 0; n < MAX_SEALING_PEERS + 10; n++) node.sealing.learn(idOf(n), key, 1)
    assert.deepEqual([node.sealing.size, node.sealing.refused], [MAX_SEALING_PEERS, 10])
    gone.add(77)
    node.sealing.learn(idOf(MAX_SEALING_PEERS + 10), key, 1)
    assert.deepEqual([node.sealing.size, node.sealing.refused], [MAX_SEALING_PEERS, 10])
    assert.equal(node.sealing.sealerFor(idOf(77), 0), null)
    assert.notEqual(node.sealing.sealerFor(idOf(78), 0), null)
  })
})

describe('the cipher of a pair', () => {
  const AES = announcedCiphers('auto', () => true)
  const NO_AES = announcedCiphers('auto', () => false)

  it('is the same for both, whoever asks', () => {
    const said = fc.constantFrom(AES, NO_AES, 0, 1, 2, 4)
    fc.assert(fc.property(said, said, (a, b) => assert.equal(agreedCipher(a, b), agreedCipher(b, a))))
  })

  it('is AES where both have it in hardware, what one of them insists on, and else ChaCha20', () => {
    assert.equal(agreedCipher(AES, AES), 'aes-128-gcm')
    assert.equal(agreedCipher(AES, NO_AES), 'chacha20-poly1305')
    assert.equal(agreedCipher(AES, announcedCiphers('aes-256-gcm')), 'aes-256-gcm')
    assert.equal(agreedCipher(NO_AES, announcedCiphers('aes-256-gcm')), 'aes-256-gcm')
    assert.equal(agreedCipher(AES, announcedCiphers('chacha20-poly1305')), 'chacha20-poly1305')
    assert.equal(agreedCipher(announcedCiphers('aes-128-gcm'), announcedCiphers('aes-256-gcm')), null)
  })
})
