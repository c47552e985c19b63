import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { type VlanId, WakunetError } from '@wakunet/interface'
import fc from 'fast-check'
import { formatVlanRef, looksLikeVlanRef, parseVlanRef, VLAN_REF_LENGTH } from '../src/index.ts'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const vectors = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8')) as {
  id: VlanId
  ref: string
}[]
const ids = fc.stringMatching(/^[0-9a-f]{32}$/).map((text) => text as VlanId)

/** What parsing a text says: the id, or the message of the one error that it may throw. */
function parse(text: string): { id?: VlanId; message?: string } {
  try {
    return { id: parseVlanRef(text) }
  } catch (error) {
    assert.ok(error instanceof WakunetError && error.code === 'ERR_VLAN_ID_INVALID')
    return { message: error.message }
  }
}

describe('the text form of a VLAN id', () => {
  test('is that of the vectors', () => {
    for (const { id, ref } of vectors) {
      assert.equal(formatVlanRef(id), ref)
      assert.equal(parseVlanRef(ref), id)
    }
  })

  test('round trips, in either case, and as bare digits', () => {
    fc.assert(
      fc.property(ids, (id) => {
        const ref = formatVlanRef(id)
        assert.equal(ref.length, VLAN_REF_LENGTH)
        assert.match(ref, /^v[a-z2-7]{29}$/)
        assert.ok(looksLikeVlanRef(ref) && looksLikeVlanRef(id))
        assert.equal(parseVlanRef(ref), id)
        assert.equal(parseVlanRef(ref.toUpperCase()), id)
        assert.equal(parseVlanRef(id), id)
        assert.equal(parseVlanRef(id.toUpperCase()), id)
      }),
    )
  })

  test('shows every wrong character, wherever it is', () => {
    for (const { ref } of vectors) {
      for (let i = 0; i < ref.length; i++) {
        for (const character of `${ALPHABET}0189-_. v`) {
          if (ref[i] === character) continue
          assert.equal(
            parse(ref.slice(0, i) + character + ref.slice(i + 1)).id,
            undefined,
            `${i} ${character}`,
          )
        }
      }
    }
  })

  test('shows neighbours that changed places, and characters lost or added', () => {
    for (const { ref } of vectors) {
      for (let i = 1; i < ref.length; i++) {
        const swapped = ref.slice(0, i) + (ref[i + 1] ?? '') + ref[i] + ref.slice(i + 2)
        if (swapped !== ref) assert.equal(parse(swapped).id, undefined)
        assert.equal(parse(ref.slice(0, i) + ref.slice(i + 1)).id, undefined)
        assert.equal(parse(ref.slice(0, i) + ref[i] + ref.slice(i)).id, undefined)
      }
    }
  })

  test('control: without the checksum a wrong character would name another VLAN', () => {
    const id = vectors[0]!.id
    const other = (id[0] === '0' ? '1' : '0') + id.slice(1)
    assert.equal(parse(other).id, other)
  })

  test('finds random slips with the chance of a 16-bit checksum', () => {
    let missed = 0
    const property = fc.property(ids, fc.integer({ min: 1, max: 29 }), fc.nat(30), (id, at, shift) => {
      const ref = formatVlanRef(id)
      const wrong = ALPHABET[(ALPHABET.indexOf(ref[at]!) + 1 + shift) % 32]
      if (parse(ref.slice(0, at) + wrong + ref.slice(at + 1)).id !== undefined) missed++
    })
    fc.assert(property, { numRuns: 3000, seed: 1 })
    // One in 65,536 is missed on average.
    assert.ok(missed < 3, `${missed} slips missed`)
  })

  test('has one text an id: the unused last bit is zero', () => {
    for (const { ref } of vectors) {
      const last = ALPHABET.indexOf(ref[29]!)
      assert.equal(last % 2, 0)
      assert.match(
        parse(ref.slice(0, 29) + ALPHABET[last + 1]).message ?? '',
        /typing error in its last character/,
      )
    }
  })

  test('says what is wrong and shows a form that is right', () => {
    for (const [text, what] of [
      ['office', /"office" does not begin with v/],
      ['', /does not begin with v/],
      ['v', /has 1 characters/],
      ['vaaisem2ekvthpcezvk54zxpo745f', /has 29 characters/],
      ['vaaisem2ekvthpcezvk54zxpo745f20', /has "0" as character 31/],
      ['vaaisem2ekvthpcezvk54zxpo7 5f2', /has " " as character 27/],
      ['vaaisem2ekvthpcezvk54zxpo745e2', /its checksum does not fit/],
      ['v'.repeat(100_000), /has 100000 characters/],
    ] as const) {
      const message = parse(text).message ?? ''
      assert.match(message, what)
      assert.ok(message.length < 400)
      const example = /like (v\w+)/.exec(message)?.[1] ?? ''
      assert.equal(parseVlanRef(example), '00112233445566778899aabbccddeeff')
    }
  })

  test('is read or refused, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^v[a-z0-9]{0,40}$/)), (text) => {
        const { id } = parse(text)
        if (id !== undefined) assert.match(id, /^[0-9a-f]{32}$/)
      }),
      { numRuns: 5000 },
    )
  })
})
