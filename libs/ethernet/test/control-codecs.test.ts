import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import * as ethernet from '../src/index.ts'
import { hexToBytes, plain, viewsOf } from './support.ts'

/** Messages that scapy 2.5 built, and what went into them. */
interface ControlVector {
  readonly codec: keyof typeof codecs
  readonly hex: string
  readonly decoded: unknown
}

/** Every codec as one function to a plain value and one back. */
const codecs = {
  igmp: { decode: (bytes: Uint8Array) => ethernet.decodeIgmp(bytes) },
  mld: {
    decode: (bytes: Uint8Array) => {
      const packet = ethernet.decodeIpv6(bytes)
      return packet === null ? null : ethernet.decodeMld(packet)
    },
  },
  ndOptions: {
    decode: (bytes: Uint8Array) => {
      const packet = ethernet.decodeIpv6(bytes)
      const message = packet === null ? null : ethernet.decodeNeighborMessage(packet)
      return message === null ? null : message.options.map(ethernet.decodeNdOption)
    },
  },
  dhcpv4: {
    decode: (bytes: Uint8Array) => {
      const message = ethernet.decodeDhcpv4(bytes)
      if (message === null) return null
      const { options, ...fields } = message
      return { ...fields, values: ethernet.decodeDhcpv4Options(options) }
    },
  },
  dhcpv6: {
    decode: (bytes: Uint8Array) => {
      const message = ethernet.decodeDhcpv6(bytes)
      if (message === null) return null
      const { options, ...fields } = message
      return { ...fields, values: ethernet.decodeDhcpv6Options(options) }
    },
  },
  bpdu: { decode: (bytes: Uint8Array) => ethernet.decodeBpdu(bytes) },
}

const vectors = JSON.parse(
  readFileSync(new URL('./control-vectors.json', import.meta.url), 'utf8'),
) as ControlVector[]

describe('control codecs', () => {
  test('read what scapy wrote', () => {
    for (const { codec, hex, decoded } of vectors)
      assert.deepEqual(plain(codecs[codec].decode(hexToBytes(hex))), decoded, `${codec} ${hex}`)
  })

  test('every codec has a vector', () => {
    assert.deepEqual([...new Set(vectors.map(({ codec }) => codec))].sort(), Object.keys(codecs).sort())
  })

  test('answer at every truncation, and stay inside what is left', () => {
    for (const { codec, hex } of vectors) {
      const whole = hexToBytes(hex)
      for (let length = 0; length < whole.length; length++) {
        const bytes = whole.slice(0, length)
        for (const view of viewsOf(codecs[codec].decode(bytes)))
          assert.ok(view.byteOffset + view.length <= length || view.buffer !== bytes.buffer)
      }
    }
  })

  test('refuse every cut message whose length is in a checksum or in fixed fields', () => {
    const fixed: Partial<Record<keyof typeof codecs, number>> = { dhcpv4: 240, dhcpv6: 4, bpdu: 4 }
    for (const { codec, hex } of vectors) {
      const whole = hexToBytes(hex)
      for (let length = 0; length < (fixed[codec] ?? whole.length); length++)
        assert.equal(codecs[codec].decode(whole.slice(0, length)), null, `${codec} cut to ${length}`)
    }
  })

  test('never throw, whatever is changed', () => {
    const change = fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 }))
    for (const { codec, hex } of vectors)
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
          const bytes = hexToBytes(hex)
          for (const [at, value] of changes) bytes[at % bytes.length] = value
          codecs[codec].decode(bytes)
        }),
        { numRuns: 300 },
      )
  })

  test('never throw on arbitrary bytes', () => {
    for (const { decode } of Object.values(codecs))
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
          decode(bytes)
        }),
        { numRuns: 500 },
      )
  })
})
