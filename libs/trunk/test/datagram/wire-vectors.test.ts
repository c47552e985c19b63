import assert from 'node:assert/strict'
import { createDecipheriv } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { keysOf } from './pair.ts'
import { FAR_INDEX, NEAR_INDEX, TappedEnd } from './wire-tap.ts'

interface Vector {
  readonly name: string
  /** Largest UDP payload of the path. */
  readonly datagramBytes: number
  /** In the order sent, from the first datagram of a path on. */
  readonly records: readonly string[]
  /** Whether what the receiver says about contexts reaches the sender after each record. */
  readonly acknowledged: boolean
  readonly datagrams: readonly { readonly plaintext: string; readonly datagram: string }[]
  /** What the receiver hands on. */
  readonly delivered: readonly string[]
}

interface Vectors {
  readonly key: string
  readonly salt: string
  readonly receiveIndex: number
  readonly vectors: readonly Vector[]
}

const file = new URL('wire-vectors.json', import.meta.url)
const { key, salt, receiveIndex, vectors } = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

/** With another implementation of the cipher. */
function openElsewhere(datagram: Uint8Array): string {
  const nonce = bytesOf(salt)
  for (let i = 0; i < 8; i++) nonce[4 + i]! ^= datagram[4 + i]!
  const decipher = createDecipheriv('aes-128-gcm', bytesOf(key), nonce)
  decipher.setAuthTag(datagram.subarray(datagram.length - 16))
  return hex(Buffer.concat([decipher.update(datagram.subarray(12, -16)), decipher.final()]))
}

describe('vectors of the datagram path', () => {
  test('have the keys of the test', () => {
    const [near] = keysOf(NEAR_INDEX, FAR_INDEX, 'aes-128-gcm')
    assert.deepEqual([hex(near.sendKey), hex(near.sendSalt), near.sendIndex], [key, salt, receiveIndex])
  })

  for (const vector of vectors) {
    test(`${vector.name}: what is sent`, () => {
      const near = new TappedEnd('near', vector.datagramBytes)
      const far = new TappedEnd('far', vector.datagramBytes)
      const sent: string[] = []
      for (const record of vector.records) {
        near.channel.send(bytesOf(record))
        for (const datagram of near.take()) {
          sent.push(hex(datagram))
          far.receive(datagram)
        }
        const answers = far.take()
        if (vector.acknowledged) for (const datagram of answers) near.receive(datagram)
      }
      assert.deepEqual(
        sent,
        vector.datagrams.map(({ datagram }) => datagram),
      )
    })

    test(`${vector.name}: what is in it, and what is handed on`, () => {
      const far = new TappedEnd('far', vector.datagramBytes)
      for (const { plaintext, datagram } of vector.datagrams) {
        const bytes = bytesOf(datagram)
        assert.equal(openElsewhere(bytes), plaintext)
        far.receive(bytes)
      }
      assert.deepEqual(far.records.map(hex), vector.delivered)
    })
  }
})
