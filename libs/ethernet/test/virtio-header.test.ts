import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DATA_VALID, GSO_ECN, GSO_UDP_L4, NEEDS_CSUM } from '@wakunet/interface'
import fc from 'fast-check'
import { createOffloadHint, readVirtioHeader, writeVirtioHeader } from '../src/index.ts'
import { buildFrame, concat, linuxFrames } from './support.ts'

/** What lands in the header slot before a frame. */
function written(frame: Uint8Array, hint: Parameters<typeof writeVirtioHeader>[3]): Uint8Array {
  const bytes = concat(new Uint8Array(3 + 12).fill(0xee), frame)
  writeVirtioHeader(bytes, 3, frame.length, hint)
  assert.deepEqual([...bytes.subarray(0, 3)], [0xee, 0xee, 0xee])
  assert.deepEqual(bytes.subarray(15), frame)
  return bytes.subarray(3, 15)
}

describe('the virtio-net header', () => {
  test('is little-endian, field by field', () => {
    const hint = createOffloadHint()
    readVirtioHeader(Uint8Array.of(9, 1, 0x81, 0x36, 0x00, 0x78, 0x05, 0x22, 0x00, 0x10, 0x00, 1, 0), 1, hint)
    assert.deepEqual(hint, { flags: 1, gsoType: 0x81, gsoSize: 1400, csumStart: 34, csumOffset: 16 })
  })

  test('built anew says what Linux said, but for hdr_len, which is parsed', () => {
    for (const { name, frame, virtioHeader } of linuxFrames()) {
      const hint = createOffloadHint()
      readVirtioHeader(virtioHeader, 0, hint)
      const rebuilt = written(frame, hint)
      const gso = virtioHeader[1] !== 0
      assert.deepEqual([...rebuilt.subarray(0, 2)], [...virtioHeader.subarray(0, 2)], name)
      assert.deepEqual([...rebuilt.subarray(4)], [...virtioHeader.subarray(4)], name)
      const tcp = hint.csumOffset === 16
      const headerBytes = hint.csumStart + (tcp ? (frame[hint.csumStart + 12]! >>> 4) * 4 : 8)
      assert.equal(rebuilt[2]! | (rebuilt[3]! << 8), gso ? headerBytes : 0, name)
    }
  })

  test('survives a round trip when every field has a meaning', () => {
    for (const family of [4, 6] as const) {
      for (const protocol of ['tcp', 'udp'] as const) {
        const payload = new Uint8Array(3000)
        const { frame, hint } = buildFrame({ family, protocol, tags: 1, payload, gsoSize: 900 })
        if (hint.gsoType !== GSO_UDP_L4) hint.gsoType |= GSO_ECN
        const out = createOffloadHint()
        readVirtioHeader(written(frame, hint), 0, out)
        assert.deepEqual(out, hint)
      }
    }
  })

  test('zeroes what has no meaning, and never claims a checked sum', () => {
    const { frame } = buildFrame({ family: 4, protocol: 'tcp', payload: new Uint8Array(9), gsoSize: 0 })
    const hint = { flags: DATA_VALID, gsoType: 0, gsoSize: 77, csumStart: 78, csumOffset: 79 }
    assert.deepEqual([...written(frame, hint)], new Array(12).fill(0))
    const both = { ...hint, flags: DATA_VALID | NEEDS_CSUM, csumStart: 34, csumOffset: 16 }
    assert.deepEqual([...written(frame, both)], [1, 0, 0, 0, 0, 0, 34, 0, 16, 0, 0, 0])
  })

  test('never claims a header longer than the frame', () => {
    const u16 = fc.nat(0xffff)
    const hints = fc.record({
      flags: fc.nat(255),
      gsoType: fc.nat(255),
      gsoSize: u16,
      csumStart: u16,
      csumOffset: u16,
    })
    fc.assert(
      fc.property(hints, fc.uint8Array({ minLength: 14, maxLength: 90 }), (hint, frame) => {
        const header = written(frame, hint)
        assert.ok((header[2]! | (header[3]! << 8)) <= frame.length)
      }),
    )
  })
})
