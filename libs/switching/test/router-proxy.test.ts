import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  decodeEthernet,
  decodeIgmp,
  decodeIpv4,
  decodeIpv6,
  decodeMld,
  type GroupRecord,
  IGMP_QUERY,
  IGMP_V2_REPORT,
  IGMP_V3_REPORT,
  MLD_QUERY,
  MLD_V1_DONE,
  MLD_V1_REPORT,
  MLD_V2_REPORT,
} from '@wakunet/ethernet'
import { RouterProxy } from '../src/multicast/router-proxy.ts'
import { NO_SOURCES, type SourceFilter } from '../src/multicast/source-filter.ts'
import { bytesOf, ip4, linkLocal, mac } from './guard-support.ts'

const group4 = (n: number) => Uint8Array.of(239, 1, n >>> 8, n)
const group6 = (n: number) => bytesOf(`ff05${'00'.repeat(12)}${n.toString(16).padStart(4, '0')}`)
const ANY: SourceFilter = { exclude: true, sources: [] }
const rest = { suppress: false, robustness: 2, intervalSeconds: 125, sources: [] }
const query4 = (version: 1 | 2 | 3, group = new Uint8Array(4)) =>
  ({ type: IGMP_QUERY, version, maxResponseMs: 10_000, group, ...rest }) as const
const query6 = (version: 1 | 2, group = new Uint8Array(16)) =>
  ({ type: MLD_QUERY, version, maxResponseMs: 10_000, group, ...rest }) as const

class ProxyTest {
  readonly wanted = new Map<string, { address: Uint8Array; filter: SourceFilter }>()
  readonly frames: Uint8Array[] = []
  readonly proxy = new RouterProxy({
    speaker: { mac: mac(1), address4: ip4('0.0.0.0'), address6: linkLocal(1) },
    hashSeed: 3,
    filterOf: (group) => this.wanted.get(group.join())?.filter ?? NO_SOURCES,
    groups: () => this.wanted.values(),
    toTap: (frame) => this.frames.push(frame),
  })

  want(address: Uint8Array, filter = ANY): void {
    this.wanted.set(address.join(), { address, filter })
  }

  messages() {
    return this.frames.map((frame) => {
      assert.ok(frame.length <= 1_280 + 14)
      const { etherType, payload } = decodeEthernet(frame)!
      return etherType === 0x0800
        ? decodeIgmp(decodeIpv4(payload)!.payload)!
        : decodeMld(decodeIpv6(payload)!)!
    })
  }

  records(): GroupRecord[] {
    return this.messages().flatMap((message) =>
      message.type === IGMP_V3_REPORT || message.type === MLD_V2_REPORT ? message.records : [],
    )
  }
}

describe('RouterProxy', () => {
  it('answers a general query with everything, in as many reports as fit frames, within the response time', () => {
    const test = new ProxyTest()
    for (let i = 0; i < 1_000; i++) test.want(group4(i))
    for (let i = 0; i < 200; i++) test.want(group6(i))
    test.proxy.onQuery(query4(3), 0.5, 0)
    test.proxy.onQuery(query6(2), 0.9, 0)
    test.proxy.tick(4_999)
    assert.equal(test.frames.length, 0)
    assert.equal(test.proxy.dueMs, 5_000)
    test.proxy.tick(5_000)
    assert.deepEqual(
      test.records().map(({ group }) => group[3]! + 256 * group[2]!),
      Array.from({ length: 1_000 }, (_, i) => i),
    )
    test.proxy.tick(9_000)
    assert.equal(test.records().length, 1_200)
    assert.ok(test.records().every(({ type }) => type === 2))
    assert.equal(test.proxy.dueMs, Number.POSITIVE_INFINITY)
  })

  it('answers a query for a group that somebody wants, and not for another', () => {
    const test = new ProxyTest()
    test.want(group4(1), { exclude: false, sources: [ip4('10.0.0.1')] })
    test.proxy.onQuery(query4(3, group4(1)), 0, 0)
    test.proxy.onQuery(query4(3, group4(2)), 0, 0)
    test.proxy.tick(0)
    assert.deepEqual(test.records(), [{ type: 1, group: group4(1), sources: [ip4('10.0.0.1')] }])
  })

  it('speaks the version of the router: IGMPv2, MLDv1', () => {
    const test = new ProxyTest()
    test.want(group4(1))
    test.want(group6(1))
    test.proxy.onQuery(query4(2), 0, 0)
    test.proxy.onQuery(query6(1), 0, 0)
    test.proxy.onChanged(group6(2), 0)
    test.proxy.tick(0)
    assert.deepEqual(test.messages(), [
      { type: IGMP_V2_REPORT, group: group4(1) },
      { type: MLD_V1_REPORT, group: group6(1) },
      { type: MLD_V1_DONE, group: group6(2) },
    ])
  })

  it('tells a change twice, a second apart', () => {
    const test = new ProxyTest()
    test.want(group6(1))
    test.proxy.onChanged(group6(1), 0)
    test.proxy.tick(0)
    test.proxy.tick(999)
    assert.equal(test.frames.length, 1)
    test.proxy.tick(1_000)
    test.proxy.tick(10_000)
    assert.deepEqual(test.records(), Array(2).fill({ type: 4, group: group6(1), sources: [] }))
  })

  it('keeps so many single reports; more become one answer with everything', () => {
    const test = new ProxyTest()
    for (let i = 0; i < 5_000; i++) {
      test.want(group4(i))
      test.proxy.onChanged(group4(i), 0)
    }
    assert.equal(test.proxy.pending, 256)
    test.proxy.tick(0)
    assert.equal(new Set(test.records().map(({ group }) => group.join())).size, 5_000)
    test.proxy.tick(2_000)
    assert.equal(test.proxy.pending, 0)
  })

  it('sources that fit no frame are asked for all at once, or cut where they are not wanted', () => {
    const test = new ProxyTest()
    const sources = Array.from({ length: 64 }, (_, i) =>
      linkLocal(0)
        .fill(0xfd, 0, 1)
        .fill(i + 1, 15),
    )
    test.want(group6(1), { exclude: false, sources })
    test.want(group6(2), { exclude: true, sources })
    test.proxy.onQuery(query6(2), 0, 0)
    test.proxy.onChanged(group6(1), 0)
    test.proxy.tick(0)
    const all = [...sources, ...sources]
    test.want(group6(3), { exclude: false, sources: all })
    test.want(group6(4), { exclude: true, sources: all })
    test.proxy.onQuery(query6(2), 0, 10)
    test.proxy.onChanged(group6(3), 10)
    test.proxy.tick(10)
    const last = new Map(
      test.records().map((record) => [`${record.group[15]} ${record.type}`, record.sources.length]),
    )
    assert.deepEqual(Object.fromEntries(last), {
      '1 1': 64,
      '2 2': 64,
      '1 3': 64,
      '3 2': 0,
      '4 2': 68,
      '3 4': 0,
    })
  })
})
