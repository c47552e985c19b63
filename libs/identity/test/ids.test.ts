import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { NodeId, VlanId } from '@wakunet/interface'
import fc from 'fast-check'
import {
  nodeIdFromBytes,
  nodeIdFromPublicKey,
  nodeIdToBytes,
  parseNodeId,
  parseVlanId,
  vlanIdFromBytes,
  vlanIdFromPublicKey,
  vlanIdToBytes,
} from '../src/index.ts'

const vectors = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8')) as {
  publicKey: string
  id: string
}[]

describe('ids', () => {
  test('are the first half of the BLAKE3 hash of the public key', () => {
    for (const { publicKey, id } of vectors) {
      const key = Buffer.from(publicKey, 'hex')
      assert.equal(vlanIdFromPublicKey(key), id)
      assert.equal(nodeIdFromPublicKey(key), id)
    }
  })

  test('round trip between text and bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        assert.deepEqual(nodeIdToBytes(nodeIdFromBytes(bytes)), bytes)
        assert.deepEqual(vlanIdToBytes(vlanIdFromBytes(bytes)), bytes)
        assert.equal(parseNodeId(nodeIdFromBytes(bytes)), nodeIdFromBytes(bytes) as NodeId)
        assert.equal(parseVlanId(vlanIdFromBytes(bytes)), vlanIdFromBytes(bytes) as VlanId)
      }),
    )
  })

  test('are refused in any other length or form', () => {
    for (const length of [0, 15, 17, 32]) {
      assert.throws(() => nodeIdFromBytes(new Uint8Array(length)), { code: 'ERR_DECODE' })
      assert.throws(() => vlanIdFromBytes(new Uint8Array(length)), { code: 'ERR_VLAN_ID_INVALID' })
    }
    for (const length of [0, 31, 33, 64]) {
      assert.throws(() => nodeIdFromPublicKey(new Uint8Array(length)), { code: 'ERR_DECODE' })
      assert.throws(() => vlanIdFromPublicKey(new Uint8Array(length)), { code: 'ERR_VLAN_ID_INVALID' })
    }
    for (const text of [
      '',
      'a'.repeat(31),
      'a'.repeat(33),
      'A'.repeat(32),
      'g'.repeat(32),
      `${'a'.repeat(32)}\n`,
    ]) {
      assert.throws(() => parseNodeId(text), { code: 'ERR_DECODE' })
      assert.throws(() => parseVlanId(text), {
        code: 'ERR_VLAN_ID_INVALID',
        message: /32 hexadecimal digits/,
      })
    }
  })
})
