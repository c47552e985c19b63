import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodeFloatCode, encodeFloatCode, FLOAT_CODE_8, FLOAT_CODE_16 } from '../src/float-code.ts'
import * as ethernet from '../src/index.ts'
import { concat, hexToBytes, plain } from './support.ts'

const address = (bytes: 4 | 16) => fc.uint8Array({ minLength: bytes, maxLength: bytes })
const records = (bytes: 4 | 16) =>
  fc.array(
    fc.record({
      type: fc.integer({ min: 0, max: 255 }),
      group: address(bytes),
      sources: fc.array(address(bytes), { maxLength: 5 }),
    }),
    { maxLength: 6 },
  )
const query = (bytes: 4 | 16) => ({
  group: address(bytes),
  suppress: fc.boolean(),
  robustness: fc.nat(7),
  intervalSeconds: fc.nat(127),
  sources: fc.array(address(bytes), { maxLength: 5 }),
})
const SOURCE = hexToBytes('fe800000000000000000000000000001')
const DESTINATION = hexToBytes('ff020000000000000000000000000016')

function mldPacket(payload: Uint8Array, header: Partial<ethernet.Ipv6Header> = {}): ethernet.Ipv6Packet {
  const base = { trafficClass: 0, flowLabel: 0, nextHeader: 0, hopLimit: 1 }
  return { ...base, source: SOURCE, destination: DESTINATION, payload, ...header }
}

describe('time codes', () => {
  for (const [bits, form] of [
    [8, FLOAT_CODE_8],
    [16, FLOAT_CODE_16],
  ] as const) {
    test(`${bits} bits: every code comes back from its value, and values grow with codes`, () => {
      let before = -1
      for (let code = 0; code < 2 ** bits; code++) {
        const value = decodeFloatCode(code, form)
        assert.ok(value > before)
        before = value
        assert.equal(encodeFloatCode(value, form), code)
      }
      assert.equal(encodeFloatCode(Number.MAX_SAFE_INTEGER, form), 2 ** bits - 1)
    })
  }

  test('a value between two codes is rounded down', () => {
    assert.equal(decodeFloatCode(encodeFloatCode(135, FLOAT_CODE_8), FLOAT_CODE_8), 128)
    assert.equal(encodeFloatCode(-5, FLOAT_CODE_8), 0)
    assert.equal(encodeFloatCode(7.9, FLOAT_CODE_8), 7)
  })
})

describe('IGMP', () => {
  test('version 3 queries and reports come back, padding behind them is ignored', () => {
    const message = fc.oneof(
      fc.record({
        type: fc.constant(ethernet.IGMP_QUERY),
        version: fc.constant(3 as const),
        maxResponseMs: fc.nat(127).map((tenths) => tenths * 100),
        ...query(4),
      }),
      fc.record({ type: fc.constant(ethernet.IGMP_V3_REPORT), records: records(4) }),
    )
    fc.assert(
      fc.property(message, (value) => {
        const bytes = ethernet.encodeIgmp(value as ethernet.IgmpMessage)
        assert.deepEqual(plain(ethernet.decodeIgmp(bytes)), plain(value))
        // Zeros add nothing to the checksum.
        assert.deepEqual(plain(ethernet.decodeIgmp(concat(bytes, new Uint8Array(4)))), plain(value))
      }),
    )
  })

  test('versions 1 and 2 come back', () => {
    const group = hexToBytes('ef010203')
    const version3 = { suppress: false, robustness: 0, intervalSeconds: 0, sources: [] }
    for (const message of [
      { type: ethernet.IGMP_QUERY, version: 1, maxResponseMs: 10_000, group, ...version3 },
      { type: ethernet.IGMP_QUERY, version: 2, maxResponseMs: 25_500, group, ...version3 },
      { type: ethernet.IGMP_V1_REPORT, group },
      { type: ethernet.IGMP_V2_REPORT, group },
      { type: ethernet.IGMP_V2_LEAVE, group },
    ] satisfies ethernet.IgmpMessage[]) {
      assert.deepEqual(plain(ethernet.decodeIgmp(ethernet.encodeIgmp(message))), plain(message))
    }
  })

  test('a query of no version is ignored (RFC 3376 §7.1)', () => {
    for (const length of [9, 10, 11]) {
      const bytes = new Uint8Array(length)
      bytes.set(hexToBytes('11640000ef010203'))
      const sum = ethernet.checksum16(bytes, 0, length)
      bytes.set([sum >>> 8, sum & 0xff], 2)
      assert.equal(ethernet.decodeIgmp(bytes), null)
    }
  })

  test('a wrong checksum, an unknown type and a source count past the end are refused', () => {
    const report = ethernet.encodeIgmp({
      type: ethernet.IGMP_V3_REPORT,
      records: [{ type: 1, group: hexToBytes('ef010203'), sources: [hexToBytes('0a000001')] }],
    })
    const resum = (bytes: Uint8Array) => {
      bytes.set([0, 0], 2)
      const sum = ethernet.checksum16(bytes, 0, bytes.length)
      bytes.set([sum >>> 8, sum & 0xff], 2)
      return bytes
    }
    assert.notEqual(ethernet.decodeIgmp(resum(report.slice())), null)
    const flipped = report.slice()
    flipped[9]! ^= 1
    assert.equal(ethernet.decodeIgmp(flipped), null)
    for (const [at, value] of [
      [0, 0x99],
      [7, 2],
      [11, 2],
      [10, 0xff],
      [9, 1],
    ] as const) {
      const changed = report.slice()
      changed[at] = value
      assert.equal(ethernet.decodeIgmp(resum(changed)), null, `byte ${at}`)
    }
  })

  test('auxiliary data is skipped', () => {
    const bytes = hexToBytes('2200000000000002' + '01010000ef010203deadbeef' + '02000000ef010204')
    const sum = ethernet.checksum16(bytes, 0, bytes.length)
    bytes.set([sum >>> 8, sum & 0xff], 2)
    const decoded = ethernet.decodeIgmp(bytes)
    assert.deepEqual(plain(decoded), {
      type: 0x22,
      records: [
        { type: 1, group: 'ef010203', sources: [] },
        { type: 2, group: 'ef010204', sources: [] },
      ],
    })
  })
})

describe('MLD', () => {
  test('version 2 queries and reports come back', () => {
    const message = fc.oneof(
      fc.record({
        type: fc.constant(ethernet.MLD_QUERY),
        version: fc.constant(2 as const),
        maxResponseMs: fc.nat(32_767),
        ...query(16),
      }),
      fc.record({ type: fc.constant(ethernet.MLD_V2_REPORT), records: records(16) }),
    )
    fc.assert(
      fc.property(message, (value) => {
        const payload = ethernet.encodeMld(value as ethernet.MldMessage, SOURCE, DESTINATION)
        assert.deepEqual(plain(ethernet.decodeMld(mldPacket(payload))), plain(value))
      }),
    )
  })

  test('version 1 comes back', () => {
    const group = hexToBytes('ff050000000000000000000000000123')
    const version2 = { suppress: false, robustness: 0, intervalSeconds: 0, sources: [] }
    for (const message of [
      { type: ethernet.MLD_QUERY, version: 1, maxResponseMs: 1_000, group, ...version2 },
      { type: ethernet.MLD_V1_REPORT, group },
      { type: ethernet.MLD_V1_DONE, group },
    ] satisfies ethernet.MldMessage[]) {
      const payload = ethernet.encodeMld(message, SOURCE, DESTINATION)
      assert.deepEqual(plain(ethernet.decodeMld(mldPacket(payload))), plain(message))
    }
  })

  test('a hop limit that is not 1, a missing Router Alert and another address are refused (RFC 3810 §7.4)', () => {
    const message: ethernet.MldMessage = { type: ethernet.MLD_V2_REPORT, records: [] }
    const payload = ethernet.encodeMld(message, SOURCE, DESTINATION)
    assert.notEqual(ethernet.decodeMld(mldPacket(payload)), null)
    assert.equal(ethernet.decodeMld(mldPacket(payload, { hopLimit: 255 })), null)
    assert.equal(ethernet.decodeMld(mldPacket(payload, { source: DESTINATION })), null)
    const bare = mldPacket(payload.subarray(8), { nextHeader: ethernet.PROTOCOL_ICMPV6 })
    assert.equal(ethernet.decodeMld(bare), null)
    const withoutAlert = payload.slice()
    withoutAlert.set(hexToBytes('010401020304'), 2)
    assert.equal(ethernet.decodeMld(mldPacket(withoutAlert)), null)
    const cutOption = payload.slice()
    cutOption.set(hexToBytes('01ff'), 2)
    assert.equal(ethernet.decodeMld(mldPacket(cutOption)), null)
  })

  test('Router Alert is found behind padding', () => {
    const payload = ethernet.encodeMld({ type: ethernet.MLD_V2_REPORT, records: [] }, SOURCE, DESTINATION)
    payload.set(hexToBytes('000005020000'), 2)
    assert.notEqual(ethernet.decodeMld(mldPacket(payload)), null)
  })
})
