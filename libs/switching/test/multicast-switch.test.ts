import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  decodeEthernet,
  decodeIgmp,
  decodeIpv4,
  decodeIpv6,
  decodeMld,
  encodeEthernet,
  encodeIpv4,
  encodeIpv6,
  IGMP_QUERY,
  IGMP_V2_LEAVE,
  IGMP_V2_REPORT,
  IGMP_V3_REPORT,
  type IgmpMessage,
  MLD_QUERY,
  MLD_V1_DONE,
  MLD_V1_REPORT,
  MLD_V2_REPORT,
  type MldMessage,
} from '@wakunet/ethernet'
import { MemberList } from '@wakunet/testing'
import { igmpFrame, type MulticastSpeaker, mldFrame } from '../src/multicast/group-frames.ts'
import { MulticastSwitch, type MulticastSwitchInit } from '../src/multicast/multicast-switch.ts'
import { allocatedBytes } from './allocation.ts'

interface Node {
  readonly name: string
  readonly id: Uint8Array
}

const node = (n: number): Node => ({ name: `n${n}`, id: new Uint8Array(16).fill(n) })
const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const ip4 = (text: string) => Uint8Array.from(text.split('.'), Number)
const ip6 = (hex: string) => bytesOf(hex)
const STREAM = ip4('239.1.2.3')
const SSM = ip4('232.1.1.1')
const STREAM6 = ip6('ff05 0000 0000 0000 0000 0000 0000 0123')
const SENDER = ip4('10.1.0.9')
const OTHER = ip4('10.1.0.8')
const FE80_1 = ip6('fe80 0000 0000 0000 0000 0000 0000 0001')
const SPEAKER: MulticastSpeaker = {
  mac: bytesOf('020000ffffff'),
  address4: new Uint8Array(4),
  address6: ip6('fe80 0000 0000 0000 ffff ffff ffff fffe'),
}
const HOST: MulticastSpeaker = { mac: bytesOf('020000000001'), address4: OTHER, address6: FE80_1 }
const ROUTER: MulticastSpeaker = { ...HOST, address4: ip4('10.1.0.1') }
const [IS_EX, TO_IN, ALLOW] = [2, 3, 5]
const REPORTS4 = ip4('224.0.0.22')
const NO_SOURCES = { suppress: false, robustness: 2, intervalSeconds: 125, sources: [] }

function stream(group: Uint8Array, source: Uint8Array): Uint8Array {
  const payload = new Uint8Array(40)
  const header = {
    trafficClass: 0,
    identification: 1,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
  }
  const isIpv4 = group.length === 4
  return encodeEthernet({
    destination: isIpv4
      ? Uint8Array.of(1, 0, 0x5e, group[1]! & 0x7f, group[2]!, group[3]!)
      : Uint8Array.of(0x33, 0x33, ...group.subarray(12)),
    source: bytesOf('020000000009'),
    tags: [],
    etherType: isIpv4 ? 0x0800 : 0x86dd,
    payload: isIpv4
      ? encodeIpv4(
          { ...header, ttl: 8, protocol: 17, source, destination: group, options: new Uint8Array(0) },
          payload,
        )
      : encodeIpv6(
          { trafficClass: 0, flowLabel: 0, nextHeader: 17, hopLimit: 8, source, destination: group },
          payload,
        ),
  })
}

/** Two or more switches with a trunk between each two, whose control messages arrive at once. */
class Vlan {
  readonly nodes: Node[]
  readonly switches: MulticastSwitch<Node>[] = []
  readonly frames: Uint8Array[][] = []
  nowMs = 0

  constructor(size: number, init: Partial<MulticastSwitchInit<Node>> = {}) {
    this.nodes = Array.from({ length: size }, (_, i) => node(i + 1))
    for (const [i, self] of this.nodes.entries()) {
      this.frames.push([])
      this.switches.push(
        new MulticastSwitch<Node>(
          {
            nodeId: self.id,
            speaker: SPEAKER,
            firstSequence: 1,
            hashSeed: 12_345,
            random: () => 0.5,
            toTap: (frame) => this.frames[i]!.push(frame),
            send: (to, message) => {
              const target = this.switches[this.nodes.indexOf(to)]
              target?.receiveControl(message, 0, message.length, self, this.nowMs)
            },
            ...init,
          },
          0,
        ),
      )
    }
    for (const [i, one] of this.switches.entries()) {
      const others = this.nodes.filter((_, j) => j !== i)
      one.setPeers(new MemberList(others), others, 0)
    }
  }

  run(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end; this.nowMs += 10)
      for (const one of this.switches) if (one.dueMs(this.nowMs) <= this.nowMs) one.tick(this.nowMs)
  }

  snoop(i: number, frame: Uint8Array, side: 'tap' | 'member' = 'tap'): void {
    this.switches[i]!.snoop(frame, 0, frame.length, side, this.nowMs)
  }

  igmp(i: number, message: IgmpMessage, from = HOST): void {
    this.snoop(i, igmpFrame(from, REPORTS4, message))
  }

  mld(i: number, message: MldMessage): void {
    this.snoop(i, mldFrame(HOST, ip6('ff02 0000 0000 0000 0000 0000 0000 0016'), message))
  }

  join(i: number, group: Uint8Array, type = IS_EX!, sources: Uint8Array[] = []): void {
    if (group.length === 4) this.igmp(i, { type: IGMP_V3_REPORT, records: [{ type, group, sources }] })
    else this.mld(i, { type: MLD_V2_REPORT, records: [{ type, group, sources }] })
    this.run(100)
  }

  /** Names of the members that get a frame from the TAP of switch `i`, or "everybody". */
  from(i: number, frame: Uint8Array): string {
    const targets = this.switches[i]!.targets(frame, 0, frame.length, 'tap', this.nowMs)!
    assert.equal(targets.tap, false)
    if (targets.everybody) return 'everybody'
    return targets.members
      .slice(0, targets.count)
      .map(({ name }) => name)
      .sort()
      .join(' ')
  }

  /** Whether a frame of a member goes to the TAP of switch `i`. */
  to(i: number, frame: Uint8Array): boolean {
    return this.switches[i]!.targets(frame, 0, frame.length, 'member', this.nowMs)!.tap
  }

  /** IGMP messages that switch `i` has sent to its TAP. */
  igmpOf(i: number): IgmpMessage[] {
    return this.frames[i]!.flatMap((frame) => {
      const ethernet = decodeEthernet(frame)!
      const packet = ethernet.etherType === 0x0800 ? decodeIpv4(ethernet.payload) : null
      return packet === null ? [] : [decodeIgmp(packet.payload)!]
    })
  }

  mldOf(i: number): MldMessage[] {
    return this.frames[i]!.flatMap((frame) => {
      const packet = decodeIpv6(decodeEthernet(frame)!.payload)
      return packet === null ? [] : [decodeMld(packet)!]
    })
  }
}

describe('MulticastSwitch', () => {
  it('sends a stream to the members that asked for it and to nobody else, IPv4 and IPv6', () => {
    for (const [group, source] of [
      [STREAM, SENDER],
      [STREAM6, FE80_1],
    ] as const) {
      const vlan = new Vlan(4)
      vlan.join(1, group)
      vlan.join(2, group)
      const frame = stream(group, source)
      assert.equal(vlan.from(0, frame), 'n2 n3')
      assert.deepEqual(
        [1, 2, 3].map((i) => vlan.to(i, frame)),
        [true, true, false],
      )
      assert.equal(vlan.from(1, frame), 'n3')
    }
  })

  it('decides without an allocation', () => {
    const vlan = new Vlan(4)
    for (const group of [STREAM, STREAM6]) {
      vlan.join(1, group)
      vlan.join(2, group, ALLOW, [group.length === 4 ? SENDER : FE80_1])
      const frame = stream(group, group.length === 4 ? SENDER : FE80_1)
      for (const side of ['tap', 'member'] as const) {
        const bytes = allocatedBytes(() => {
          vlan.switches[side === 'tap' ? 0 : 1]!.targets(frame, 0, frame.length, side, vlan.nowMs)
        })
        assert.ok(bytes < 8, `${bytes} bytes a frame`)
      }
    }
  })

  it('with snooping off floods it: the negative control', () => {
    const vlan = new Vlan(3, { snooping: false })
    vlan.join(1, STREAM)
    const frame = stream(STREAM, SENDER)
    assert.equal(vlan.from(0, frame), 'everybody')
    assert.equal(vlan.to(2, frame), true)
    const report = igmpFrame(HOST, REPORTS4, { type: IGMP_V3_REPORT, records: [] })
    assert.equal(vlan.from(0, report), 'everybody')
  })

  it('sends a source-specific stream of one sender only', () => {
    const vlan = new Vlan(3)
    vlan.join(1, SSM, ALLOW, [SENDER])
    assert.equal(vlan.from(0, stream(SSM, SENDER)), 'n2')
    assert.equal(vlan.from(0, stream(SSM, OTHER)), '')
    assert.equal(vlan.to(1, stream(SSM, OTHER)), false)
    vlan.join(2, SSM, IS_EX, [SENDER])
    assert.equal(vlan.from(0, stream(SSM, SENDER)), 'n2')
    assert.equal(vlan.from(0, stream(SSM, OTHER)), 'n3')
  })

  it('stops within the last member query time after the last one left, and at once with fast leave', () => {
    for (const [fastLeave, ms] of [
      [false, 2_200],
      [true, 200],
    ] as const) {
      const vlan = new Vlan(2, { fastLeave })
      vlan.join(1, STREAM)
      vlan.run(5_000)
      vlan.frames[1]!.length = 0
      vlan.join(1, STREAM, TO_IN, [])
      assert.equal(vlan.from(0, stream(STREAM, SENDER)), fastLeave ? '' : 'n2')
      vlan.run(ms)
      assert.equal(vlan.from(0, stream(STREAM, SENDER)), '')
      const queries = vlan.igmpOf(1).filter((message) => message.type === IGMP_QUERY)
      assert.deepEqual(
        queries.map((query) => [...query.group]),
        fastLeave ? [] : [[...STREAM], [...STREAM]],
      )
    }
  })

  it('forgets a group that nobody reports any more', () => {
    const vlan = new Vlan(2)
    vlan.join(1, STREAM)
    vlan.run(259_000)
    assert.equal(vlan.from(0, stream(STREAM, SENDER)), 'n2')
    vlan.run(2_000)
    assert.equal(vlan.from(0, stream(STREAM, SENDER)), '')
    assert.equal(vlan.switches[1]!.snooper.port.size, 0)
  })

  it('understands the older versions: IGMPv2 and MLDv1 reports and leaves', () => {
    const vlan = new Vlan(2)
    vlan.igmp(1, { type: IGMP_V2_REPORT, group: STREAM })
    vlan.mld(1, { type: MLD_V1_REPORT, group: STREAM6 })
    vlan.run(100)
    assert.equal(vlan.from(0, stream(STREAM, SENDER)), 'n2')
    assert.equal(vlan.from(0, stream(STREAM6, FE80_1)), 'n2')
    vlan.igmp(1, { type: IGMP_V2_LEAVE, group: STREAM })
    vlan.mld(1, { type: MLD_V1_DONE, group: STREAM6 })
    vlan.run(2_300)
    assert.equal(vlan.from(0, stream(STREAM, SENDER)), '')
    assert.equal(vlan.from(0, stream(STREAM6, FE80_1)), '')
  })

  it('floods link-local groups, broadcast, and multicast that is not IP; never interface-local scope', () => {
    const vlan = new Vlan(3)
    const solicited = ip6('ff02 0000 0000 0000 0000 0001 ff00 0002')
    for (const frame of [
      stream(ip4('224.0.0.251'), SENDER),
      stream(ip4('224.0.0.1'), SENDER),
      stream(solicited, FE80_1),
      encodeEthernet({
        destination: new Uint8Array(6).fill(255),
        source: HOST.mac,
        tags: [],
        etherType: 0x0806,
        payload: new Uint8Array(28),
      }),
      encodeEthernet({
        destination: bytesOf('011b19000000'),
        source: HOST.mac,
        tags: [],
        etherType: 0x88f7,
        payload: new Uint8Array(40),
      }),
    ]) {
      assert.equal(vlan.from(0, frame), 'everybody')
      assert.equal(vlan.to(1, frame), true)
    }
    const nodeLocal = stream(ip6('ff01 0000 0000 0000 0000 0000 0000 0123'), FE80_1)
    assert.equal(vlan.from(0, nodeLocal), '')
    assert.equal(vlan.to(1, nodeLocal), false)
  })

  it('keeps reports and queries on their side, and learns nothing from reports of link-local groups', () => {
    const vlan = new Vlan(2)
    const report = igmpFrame(HOST, REPORTS4, {
      type: IGMP_V3_REPORT,
      records: [{ type: IS_EX!, group: ip4('224.0.0.251'), sources: [] }],
    })
    assert.equal(vlan.from(0, report), '')
    assert.equal(vlan.to(0, report), false)
    vlan.snoop(0, report)
    assert.equal(vlan.switches[0]!.snooper.port.size, 0)
    assert.equal(vlan.switches[0]!.snooper.stats.ignored, 1)
    // A report of a member is no report of this side.
    vlan.snoop(
      0,
      igmpFrame(HOST, REPORTS4, {
        type: IGMP_V3_REPORT,
        records: [{ type: IS_EX!, group: STREAM, sources: [] }],
      }),
      'member',
    )
    assert.equal(vlan.switches[0]!.snooper.port.size, 0)
  })

  it('asks its TAP from the start, then every 125 s, in frames that hosts believe', () => {
    const vlan = new Vlan(1)
    vlan.run(300_000)
    const general = (messages: readonly (IgmpMessage | MldMessage)[]) =>
      messages.map((message) =>
        message.type === IGMP_QUERY || message.type === MLD_QUERY ? message.maxResponseMs : -1,
      )
    assert.deepEqual(general(vlan.igmpOf(0)), [10_000, 10_000, 10_000, 10_000])
    assert.deepEqual(general(vlan.mldOf(0)), [10_000, 10_000, 10_000, 10_000])
    const frame = decodeEthernet(vlan.frames[0]![0]!)!
    assert.equal(Buffer.from(frame.destination).toString('hex'), '01005e000001')
    const packet = decodeIpv4(frame.payload)!
    assert.deepEqual([packet.ttl, packet.headerChecksumValid, packet.options.length], [1, true, 4])
  })

  it('leaves the asking to a router on its side, gives it every stream, and takes over again when it is gone', () => {
    const vlan = new Vlan(2)
    vlan.run(1_000)
    const query: IgmpMessage = {
      type: IGMP_QUERY,
      version: 3,
      maxResponseMs: 10_000,
      group: new Uint8Array(4),
      ...NO_SOURCES,
    }
    vlan.igmp(1, query, ROUTER)
    vlan.run(200)
    assert.equal(vlan.switches[1]!.snooper.querier4.isElected, false)
    assert.equal(vlan.from(0, stream(STREAM, SENDER)), 'n2')
    assert.equal(vlan.to(1, stream(STREAM, SENDER)), true)
    vlan.frames[1]!.length = 0
    vlan.run(253_000)
    assert.deepEqual(vlan.igmpOf(1), [])
    vlan.run(4_000)
    assert.equal(vlan.switches[1]!.snooper.querier4.isElected, true)
    assert.equal(vlan.igmpOf(1).length, 1)
    assert.equal(vlan.from(0, stream(STREAM, SENDER)), '')
  })

  it('tells a router on its side what members want, when it asks and when that changes', () => {
    const vlan = new Vlan(2)
    vlan.join(0, SSM, ALLOW, [SENDER])
    const query = (version: 2 | 3): IgmpMessage => ({
      type: IGMP_QUERY,
      version,
      maxResponseMs: 10_000,
      group: new Uint8Array(4),
      ...NO_SOURCES,
    })
    vlan.igmp(1, query(3), ROUTER)
    vlan.frames[1]!.length = 0
    vlan.run(6_000)
    assert.deepEqual(vlan.igmpOf(1), [
      { type: IGMP_V3_REPORT, records: [{ type: 1, group: SSM, sources: [SENDER] }] },
    ])
    vlan.frames[1]!.length = 0
    vlan.join(0, STREAM)
    vlan.run(3_000)
    const changes = vlan
      .igmpOf(1)
      .flatMap((message) => (message.type === IGMP_V3_REPORT ? message.records : []))
    assert.deepEqual(
      changes.filter(({ group }) => group[3] === 3),
      Array(2).fill({ type: 4, group: STREAM, sources: [] }),
    )
    vlan.igmp(1, query(2), ROUTER)
    vlan.run(6_000)
    vlan.frames[1]!.length = 0
    vlan.join(0, STREAM, TO_IN, [])
    vlan.run(5_000)
    assert.ok(vlan.igmpOf(1).some((message) => message.type === IGMP_V2_LEAVE && message.group[3] === 3))
  })

  it('a fake querier among the members silences the querier: why the guard keeps queries off trunks', () => {
    const vlan = new Vlan(2)
    vlan.run(1_000)
    const query: IgmpMessage = {
      type: IGMP_QUERY,
      version: 3,
      maxResponseMs: 100,
      group: new Uint8Array(4),
      ...NO_SOURCES,
      robustness: 7,
      intervalSeconds: 31_744,
    }
    vlan.snoop(0, igmpFrame(ROUTER, ip4('224.0.0.1'), query), 'member')
    assert.equal(vlan.switches[0]!.snooper.querier4.isElected, false)
    assert.equal(vlan.switches[0]!.isRouterPort(vlan.nowMs), false)
    // Even so not for longer than ten minutes.
    vlan.run(601_000)
    assert.equal(vlan.switches[0]!.snooper.querier4.isElected, true)
  })

  it('knows a router by PIM and router discovery too, and gives it every stream', () => {
    const pim = stream(ip4('224.0.0.13'), SENDER)
    pim[23] = 103
    const mrd4 = stream(ip4('224.0.0.106'), SENDER)
    mrd4[23] = 2
    mrd4[34] = 0x30
    const mrd6 = stream(ip6('ff02 0000 0000 0000 0000 0000 0000 006a'), FE80_1)
    mrd6[20] = 58
    mrd6[54] = 151
    for (const frame of [pim, mrd4, mrd6]) {
      const vlan = new Vlan(2)
      vlan.switches[1]!.targets(frame, 0, frame.length, 'member', 0)
      assert.equal(vlan.switches[1]!.isRouterPort(0), false)
      vlan.switches[1]!.targets(frame, 0, frame.length, 'tap', 0)
      vlan.run(200)
      assert.equal(vlan.from(0, stream(STREAM, SENDER)), 'n2')
    }
  })

  it('a query without an address wins no election and makes no router port', () => {
    const vlan = new Vlan(1)
    const query: IgmpMessage = {
      type: IGMP_QUERY,
      version: 2,
      maxResponseMs: 10_000,
      group: new Uint8Array(4),
      ...NO_SOURCES,
      robustness: 0,
      intervalSeconds: 0,
    }
    vlan.igmp(0, query, { ...HOST, address4: new Uint8Array(4) })
    assert.equal(vlan.switches[0]!.snooper.querier4.isElected, true)
    assert.equal(vlan.switches[0]!.isRouterPort(0), false)
  })

  it('a flood of 10^5 groups is capped and leaves the stream that was there alone', () => {
    const vlan = new Vlan(2, { maxRecordsPerSecond: 200_000 })
    vlan.join(1, STREAM)
    for (let i = 0; i < 100; i++) {
      const records = Array.from({ length: 1_000 }, (_, j) => {
        const n = i * 1_000 + j
        return { type: IS_EX!, group: Uint8Array.of(239, 200 + (n >>> 16), n >>> 8, n), sources: [] }
      })
      vlan.igmp(1, { type: IGMP_V3_REPORT, records })
    }
    vlan.run(2_000)
    const { port } = vlan.switches[1]!.snooper
    assert.equal(port.size, 1_024)
    assert.equal(port.stats.groupsRefused, 100_000 - 1_023)
    assert.equal(vlan.switches[0]!.members.size, 1_024)
    assert.equal(vlan.from(0, stream(STREAM, SENDER)), 'n2')
  })

  it('counts reports over the rate, and refuses groups of members over their limit', () => {
    const vlan = new Vlan(2, { maxMemberGroups: 10 })
    for (let i = 0; i < 1_100; i++)
      vlan.igmp(1, {
        type: IGMP_V3_REPORT,
        records: [{ type: IS_EX!, group: Uint8Array.of(239, 9, i >>> 8, i), sources: [] }],
      })
    assert.equal(vlan.switches[1]!.snooper.port.stats.recordsRefused, 100)
    vlan.run(1_000)
    assert.equal(vlan.switches[0]!.members.size, 10)
    assert.equal(vlan.switches[0]!.members.groupsRefused, 990)
  })

  it('forgets a member that left and a TAP that went down', () => {
    const vlan = new Vlan(3)
    vlan.join(1, STREAM)
    vlan.join(2, STREAM)
    vlan.switches[0]!.setPeers(new MemberList([vlan.nodes[2]!]), [vlan.nodes[2]!], vlan.nowMs)
    assert.equal(vlan.from(0, stream(STREAM, SENDER)), 'n3')
    vlan.switches[2]!.portDown(vlan.nowMs)
    vlan.run(200)
    assert.equal(vlan.from(0, stream(STREAM, SENDER)), '')
    vlan.switches[2]!.portUp(vlan.nowMs)
    vlan.frames[2]!.length = 0
    vlan.run(50)
    assert.equal(vlan.igmpOf(2)[0]?.type, IGMP_QUERY)
  })

  it('ignores MLD from addresses that are not link-local, fragments, and what does not decode', () => {
    const vlan = new Vlan(1)
    const report: MldMessage = {
      type: MLD_V2_REPORT,
      records: [{ type: IS_EX!, group: STREAM6, sources: [] }],
    }
    vlan.snoop(
      0,
      mldFrame({ ...HOST, address6: ip6('fd00 0000 0000 0000 0000 0000 0000 0001') }, STREAM6, report),
    )
    const cut = mldFrame(HOST, STREAM6, report)
    vlan.snoop(0, cut.subarray(0, cut.length - 1))
    const fragment = igmpFrame(HOST, REPORTS4, { type: IGMP_V2_REPORT, group: STREAM })
    fragment[20] = 0x20
    vlan.snoop(0, fragment)
    assert.equal(vlan.switches[0]!.snooper.stats.ignored, 3)
    assert.equal(vlan.switches[0]!.snooper.port.size, 0)
    assert.equal(vlan.switches[0]!.targets(cut, 0, 20, 'tap', 0), null)
  })
})
