import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { readFrameHint, readFrameLength, virtioToFrameHeader, writeFrameHeader } from '../src/index.ts'
import { NO_HINT } from './records.ts'

const u8 = fc.nat(0xff)
const u16 = fc.nat(0xffff)
const hintArbitrary = fc.record({ flags: u8, gsoType: u8, gsoSize: u16, csumStart: u16, csumOffset: u16 })

/** `struct virtio_net_hdr_mrg_rxbuf`, the way the kernel writes it on a little-endian TAP. */
function virtioHeader(hint: typeof NO_HINT): Buffer {
  const bytes = Buffer.alloc(12)
  bytes[0] = hint.flags
  bytes[1] = hint.gsoType
  bytes.writeUInt16LE(0xdead, 2)
  bytes.writeUInt16LE(hint.gsoSize, 4)
  bytes.writeUInt16LE(hint.csumStart, 6)
  bytes.writeUInt16LE(hint.csumOffset, 8)
  bytes.writeUInt16LE(0xbeef, 10)
  return bytes
}

describe('frame header', () => {
  it('returns what was written', () => {
    fc.assert(
      fc.property(hintArbitrary, fc.nat(0xffff_ffff), (hint, length) => {
        const bytes = new Uint8Array(20)
        writeFrameHeader(bytes, 3, length, hint)
        const out = { ...NO_HINT }
        readFrameHint(bytes, 3, out)
        assert.deepEqual(out, { ...hint })
        assert.equal(readFrameLength(bytes, 3), length)
        assert.deepEqual([...bytes.subarray(15)], [0, 0, 0, 0, 0])
      }),
    )
  })

  it('takes the hints out of a virtio-net header, and nothing that has no meaning without its flag', () => {
    fc.assert(
      fc.property(hintArbitrary, (hint) => {
        const bytes = virtioHeader(hint)
        virtioToFrameHeader(bytes, 0, 1500)
        const out = { ...NO_HINT }
        readFrameHint(bytes, 0, out)
        const needsCsum = (hint.flags & 1) === 1
        assert.deepEqual(out, {
          flags: hint.flags & 1,
          gsoType: hint.gsoType,
          gsoSize: hint.gsoType === 0 ? 0 : hint.gsoSize,
          csumStart: needsCsum ? hint.csumStart : 0,
          csumOffset: needsCsum ? hint.csumOffset : 0,
        })
        assert.equal(readFrameLength(bytes, 0), 1500)
      }),
    )
  })
})
