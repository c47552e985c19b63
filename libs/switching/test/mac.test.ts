import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isGroupMac, isReservedMac, macKey, macKeyToString } from '../src/index.ts'
import { macBytes } from './frames.ts'

describe('mac', () => {
  it('is an exact integer, whatever the address', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        assert.equal(macKey(bytes, 0), Buffer.from(bytes).readUIntBE(0, 6))
        assert.equal(
          macKeyToString(macKey(bytes, 0)),
          Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':'),
        )
      }),
    )
  })

  it('knows the group bit and the sixteen reserved addresses', () => {
    assert.ok(isGroupMac(macBytes(0xffff_ffff_ffff), 0))
    assert.ok(isGroupMac(macBytes(0x3333_0000_0001), 0))
    assert.ok(!isGroupMac(macBytes(0x0200_0000_0001), 0))
    for (let last = 0; last < 16; last++) assert.ok(isReservedMac(macBytes(0x0180_c200_0000 + last), 0))
    for (const mac of [0x0180_c200_0010, 0x0180_c200_0100, 0x0180_c201_0000, 0x0100_5e00_0001])
      assert.ok(!isReservedMac(macBytes(mac), 0))
  })
})
