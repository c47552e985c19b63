import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gcm } from '@noble/ciphers/aes.js'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { checkProperty, seededBytes, seededRandom, testSeed } from '@wakunet/testing'
import fc from 'fast-check'
import { AEAD_ALGORITHMS, type AeadAlgorithm, type AeadBatch, AeadContext } from '../src/index.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))

const keyBytes = (algorithm: AeadAlgorithm): number => (algorithm === 'aes-128-gcm' ? 16 : 32)

function reference(algorithm: AeadAlgorithm, key: Uint8Array, nonce: Uint8Array, aad?: Uint8Array) {
  return algorithm === 'chacha20-poly1305' ? chacha20poly1305(key, nonce, aad) : gcm(key, nonce, aad)
}

const PUBLISHED: readonly {
  name: string
  algorithm: AeadAlgorithm
  key: string
  nonce: string
  aad: string
  plain: string
  sealed: string
}[] = [
  {
    name: 'RFC 8439 section 2.8.2',
    algorithm: 'chacha20-poly1305',
    key: '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f',
    nonce: '070000004041424344454647',
    aad: '50515253c0c1c2c3c4c5c6c7',
    plain: Buffer.from(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    ).toString('hex'),
    sealed: `d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6
      3dbea45e8ca9671282fafb69da92728b 1a71de0a9e060b2905d6a5b67ecd3b36
      92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc
      3ff4def08e4b7a9de576d26586cec64b 6116 1ae10b594f09e26a7e902ecbd0600691`,
  },
  {
    name: 'NIST GCM (McGrew and Viega) test case 2',
    algorithm: 'aes-128-gcm',
    key: '00000000000000000000000000000000',
    nonce: '000000000000000000000000',
    aad: '',
    plain: '00000000000000000000000000000000',
    sealed: '0388dace60b6a392f328c2b971b2fe78 ab6e47d42cec13bdf53a67b21257bddf',
  },
  {
    name: 'NIST GCM (McGrew and Viega) test case 16',
    algorithm: 'aes-256-gcm',
    key: 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308',
    nonce: 'cafebabefacedbaddecaf888',
    aad: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    plain: `d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
      1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39`,
    sealed: `522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
      8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662 76fc6ece0f4e1768cddf8853bb2d551b`,
  },
]

for (const vector of PUBLISHED) {
  test(`the published vector of ${vector.name} is met by every way to seal and open`, () => {
    const context = new AeadContext(vector.algorithm, hex(vector.key))
    const [nonce, aad, plain, sealed] = [
      hex(vector.nonce),
      hex(vector.aad),
      hex(vector.plain),
      hex(vector.sealed),
    ]
    const out = new Uint8Array(sealed.length)
    assert.equal(context.sealOne(nonce, aad, plain, 0, plain.length, out, 0), sealed.length)
    assert.deepEqual(out, sealed)
    assert.equal(
      context.seal(nonce, aad, [plain.subarray(0, 5), plain.subarray(5)], out.fill(0), 0),
      sealed.length,
    )
    assert.deepEqual(out, sealed)
    assert.equal(context.openOne(nonce, aad, out, 0, out.length, out, 0), plain.length)
    assert.deepEqual(out.subarray(0, plain.length), plain)
    const opened = new Uint8Array(plain.length)
    assert.equal(
      context.open(nonce, aad, [sealed.subarray(0, -7), sealed.subarray(-7)], opened, 0),
      plain.length,
    )
    assert.deepEqual(opened, plain)
  })
}

for (const algorithm of AEAD_ALGORITHMS) {
  const key = seededBytes(keyBytes(algorithm), seededRandom())
  const context = new AeadContext(algorithm, key)

  test(`${algorithm} agrees with @noble/ciphers on any message, with and without additional data`, async () => {
    const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
    await checkProperty(
      fc.property(
        fc.uint8Array({ minLength: 12, maxLength: 12 }),
        fc.option(bytes(64)),
        bytes(600),
        (nonce, aad, plain) => {
          const out = new Uint8Array(plain.length + 16)
          context.sealOne(nonce, aad, plain, 0, plain.length, out, 0)
          assert.deepEqual(out, reference(algorithm, key, nonce, aad ?? undefined).encrypt(plain))
          const opened = new Uint8Array(plain.length)
          assert.equal(context.openOne(nonce, aad, out, 0, out.length, opened, 0), plain.length)
          assert.deepEqual(opened, plain)
        },
      ),
      { runs: 300 },
    )
  })

  test(`${algorithm} takes a message in any parts, opened with its tag cut anywhere`, async () => {
    await checkProperty(
      fc.property(fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 12 }), fc.nat(), (parts, cut) => {
        const nonce = new Uint8Array(12).fill(3)
        const whole = Buffer.concat(parts)
        const out = new Uint8Array(whole.length + 16 + 5)
        assert.equal(context.seal(nonce, null, parts, out, 5), whole.length + 16)
        const sealed = out.subarray(5)
        assert.deepEqual(sealed, reference(algorithm, key, nonce).encrypt(whole))
        const at = cut % (sealed.length + 1)
        const opened = Buffer.alloc(whole.length)
        const pieces = [sealed.subarray(0, at), new Uint8Array(0), sealed.subarray(at)]
        assert.equal(context.open(nonce, null, pieces, opened, 0), whole.length)
        assert.deepEqual(opened, whole)
      }),
      { runs: 200 },
    )
  })

  test(`${algorithm} seals and opens in place, and where input and output overlap in any way`, async () => {
    await checkProperty(
      fc.property(fc.nat({ max: 400 }), fc.nat({ max: 500 }), fc.nat({ max: 500 }), (length, from, to) => {
        const nonce = new Uint8Array(12).fill(7)
        const buffer = seededBytes(1000, seededRandom(length + from))
        const plain = buffer.slice(from, from + length)
        context.sealOne(nonce, null, buffer, from, length, buffer, to)
        const sealed = reference(algorithm, key, nonce).encrypt(plain)
        assert.deepEqual(buffer.subarray(to, to + length + 16), sealed)
        assert.equal(context.openOne(nonce, null, buffer, to, length + 16, buffer, from), length)
        assert.deepEqual(buffer.subarray(from, from + length), plain)
      }),
      { runs: 300 },
    )
  })

  test(`${algorithm} refuses every bit flip, truncation, foreign nonce and foreign additional data`, () => {
    const nonce = new Uint8Array(12)
    const aad = Uint8Array.of(1, 2, 3)
    const plain = seededBytes(33, seededRandom())
    const sealed = new Uint8Array(plain.length + 16)
    context.seal(nonce, aad, plain, sealed, 0)
    const out = new Uint8Array(64)
    const open = (n: Uint8Array, a: Uint8Array | null, message: Uint8Array) =>
      context.open(n, a, message, out.fill(1), 0)
    assert.equal(open(nonce, aad, sealed), 33)
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const forged = sealed.slice()
      forged[bit >> 3]! ^= 1 << (bit & 7)
      assert.equal(open(nonce, aad, forged), -1)
      assert.equal(context.open(nonce, aad, [forged.subarray(0, 9), forged.subarray(9)], out, 0), -1)
    }
    for (let length = 0; length < sealed.length; length++) {
      assert.equal(open(nonce, aad, sealed.subarray(0, length)), -1)
      assert.equal(context.open(nonce, aad, [sealed.subarray(0, length)], out, 0), -1)
    }
    assert.equal(open(new Uint8Array(12).fill(1), aad, sealed), -1)
    assert.equal(open(nonce, null, sealed), -1)
    assert.equal(open(nonce, aad.subarray(1), sealed), -1)
  })

  test(`${algorithm} wipes what a forged message decrypted to`, () => {
    const nonce = new Uint8Array(12)
    const sealed = new Uint8Array(48)
    context.sealOne(nonce, null, new Uint8Array(32).fill(0x55), 0, 32, sealed, 0)
    sealed[47]! ^= 1
    const out = new Uint8Array(34).fill(0xaa)
    assert.equal(context.openOne(nonce, null, sealed, 0, 48, out, 1), -1)
    assert.deepEqual([...out], [0xaa, ...new Array<number>(32).fill(0), 0xaa])
  })

  test(`${algorithm} carries the largest message of a Noise transport`, () => {
    const nonce = new Uint8Array(12)
    const buffer = seededBytes(65_535, seededRandom())
    const plain = buffer.slice(0, 65_519)
    assert.equal(context.sealOne(nonce, null, buffer, 0, 65_519, buffer, 0), 65_535)
    assert.equal(context.openOne(nonce, null, buffer, 0, 65_535, buffer, 0), 65_519)
    assert.deepEqual(buffer.subarray(0, 65_519), plain)
  })

  test(`${algorithm} seals a batch as one by one, and opens it telling the forged (seed ${testSeed})`, () => {
    const random = seededRandom()
    const count = 40
    const header = 12
    const lengths = Array.from({ length: count }, () => Math.floor(random() * 300))
    const slot = header + 300 + 16
    const bytes = seededBytes(count * slot, random)
    const offsets = Uint32Array.from(lengths, (_, i) => i * slot + header)
    const salt = seededBytes(12, random)
    const counters = BigUint64Array.from(lengths, (_, i) => (i === 0 ? 2n ** 64n - 1n : BigInt(i) << 30n))
    const batch: AeadBatch = {
      salt,
      counters,
      aadBytes: header,
      input: bytes,
      inputOffsets: offsets,
      inputLengths: Uint32Array.from(lengths),
      output: bytes,
      outputOffsets: offsets,
      count,
    }
    const plain = bytes.slice()
    assert.equal(context.sealBatch(batch), count)
    for (const [i, length] of lengths.entries()) {
      const nonce = salt.slice()
      const counter = new DataView(new ArrayBuffer(8))
      counter.setBigUint64(0, counters[i]!)
      for (let k = 0; k < 8; k++) nonce[4 + k]! ^= counter.getUint8(k)
      const at = offsets[i]!
      const aad = plain.subarray(at - header, at)
      const expected = reference(algorithm, key, nonce, aad).encrypt(plain.subarray(at, at + length))
      assert.deepEqual(bytes.subarray(at, at + length + 16), expected)
    }
    bytes[offsets[3]! - 1]! ^= 1
    bytes[offsets[9]!]! ^= 1
    const sealedLengths = Uint32Array.from(lengths, (length) => length + 16)
    sealedLengths[20] = 15
    const opened = new Uint8Array(count).fill(9)
    assert.equal(context.openBatch({ ...batch, inputLengths: sealedLengths }, opened), count - 3)
    assert.deepEqual(
      [...opened],
      lengths.map((_, i) => (i === 3 || i === 9 || i === 20 ? 0 : 1)),
    )
    const at = offsets[39]!
    assert.deepEqual(bytes.subarray(at, at + lengths[39]!), plain.subarray(at, at + lengths[39]!))
  })
}

test('a part that overlaps the output anywhere but at its own place is refused', () => {
  const context = new AeadContext('aes-256-gcm', new Uint8Array(32))
  const nonce = new Uint8Array(12)
  const buffer = new Uint8Array(100)
  const head = new Uint8Array(10)
  assert.equal(context.seal(nonce, null, [head, buffer.subarray(10, 50)], buffer, 0), 66)
  assert.equal(context.open(nonce, null, [buffer.subarray(0, 30), buffer.subarray(30, 66)], buffer, 0), 50)
  assert.throws(() => context.seal(nonce, null, [head, buffer.subarray(9, 50)], buffer, 0), RangeError)
  assert.throws(() => context.seal(nonce, null, [head, buffer.subarray(0, 10)], buffer, 0), RangeError)
})

test('wrong algorithms, keys, nonces and ranges throw instead of reading beside a buffer', () => {
  assert.throws(() => new AeadContext('aes-128-cbc' as AeadAlgorithm, new Uint8Array(16)), RangeError)
  assert.throws(() => new AeadContext('aes-256-gcm', new Uint8Array(31)), RangeError)
  assert.throws(() => new AeadContext('aes-256-gcm', 'x'.repeat(32) as unknown as Uint8Array), TypeError)
  const context = new AeadContext('aes-256-gcm', new Uint8Array(32))
  const [nonce, input, output] = [new Uint8Array(12), new Uint8Array(10), new Uint8Array(26)]
  const seal = (n: Uint8Array, at: number, length: number, to: number) =>
    context.sealOne(n, null, input, at, length, output, to)
  assert.equal(seal(nonce, 0, 10, 0), 26)
  assert.throws(() => seal(nonce.subarray(1), 0, 10, 0), RangeError)
  for (const [at, length, to] of [
    [0, 11, 0],
    [1, 10, 0],
    [0, 10, 1],
    [-1, 1, 0],
    [0, -1, 0],
    [0, 1.5, 0],
    [Number.NaN, 1, 0],
    [0, 2 ** 53, 0],
    [2 ** 32, 0, 0],
    [0, 0, Number.POSITIVE_INFINITY],
  ] as const) {
    assert.throws(() => seal(nonce, at, length, to), RangeError)
  }
})

test('a closed context throws, and closing again does nothing', () => {
  const context = new AeadContext('chacha20-poly1305', new Uint8Array(32))
  context.close()
  context.close()
  const bytes = new Uint8Array(64)
  assert.throws(() => context.sealOne(new Uint8Array(12), null, bytes, 0, 8, bytes, 0), {
    code: 'ERR_CLOSED',
  })
  assert.throws(() => context.open(new Uint8Array(12), null, [bytes], bytes, 0), { code: 'ERR_CLOSED' })
})

test('a failed open leaves nothing in the error queue that node:crypto would find', async () => {
  const { createHash, createDecipheriv } = await import('node:crypto')
  const context = new AeadContext('aes-128-gcm', new Uint8Array(16))
  const bytes = new Uint8Array(64)
  for (let i = 0; i < 50; i++)
    assert.equal(context.openOne(new Uint8Array(12), null, bytes, 0, 64, bytes, 0), -1)
  assert.equal(createHash('sha256').update('').digest('hex').slice(0, 8), 'e3b0c442')
  const decipher = createDecipheriv('aes-128-gcm', new Uint8Array(16), new Uint8Array(12))
  decipher.setAuthTag(new Uint8Array(16))
  assert.throws(() => decipher.final(), /unable to authenticate data/)
})
