import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatMac, isReservedMac } from '../src/index.ts'
import { macBytes } from './frames.ts'

describe('mac', () => {
  it('knows the sixteen reserved addresses, and no other', () => {
    for (let last = 0; last < 16; last++) assert.ok(isReservedMac(macBytes(0x0180_c200_0000 + last), 0))
    for (const mac of [0x0180_c200_0010, 0x0180_c200_0100, 0x0180_c201_0000, 0x0100_5e00_0001])
      assert.ok(!isReservedMac(macBytes(mac), 0))
  })

  it('writes the integer of a table as people write it', () => {
    assert.equal(formatMac(0x0200_0000_00ab), '02:00:00:00:00:ab')
    assert.equal(formatMac(0xfeff_ffff_ffff), 'fe:ff:ff:ff:ff:ff')
  })
})
