import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFrameView, parseFrame } from '@wakunet/ethernet'
import fc from 'fast-check'
import { GUARD_NAMES } from '../src/guards/guard-chain.ts'
import { GUARD_DROPS, GUARD_LOCALS, isGuardLocal } from '../src/guards/guard-drops.ts'
import { DEFAULT_PORT_RATES, type GuardRates } from '../src/guards/guard-port.ts'
import { allocatedBytes } from './allocation.ts'
import {
  advertisement,
  arp,
  bytesOf,
  ChainTest,
  ethernet,
  ip4,
  ipv4,
  ipv6,
  join,
  link,
  linkLocal,
  mac,
  nd,
  solicitation,
  tcp,
  udp,
} from './guard-support.ts'

const traffic = fc.constantFrom(
  'unicast',
  'stream',
  'broadcast',
  'multicast',
  'unknown-unicast',
) as fc.Arbitrary<'unicast' | 'stream' | 'broadcast' | 'multicast' | 'unknown-unicast'>

const samples = [
  ipv4(5, 6, tcp()),
  ipv4(5, 17, udp(1000, 2000)),
  ipv6(5, 6, tcp(), { destinationMac: mac(6) }),
  ipv6(5, 17, udp(5353, 5353)),
  arp(5, '10.1.0.5', '10.1.0.6'),
  nd(5, solicitation(linkLocal(6), [link(1, mac(5))])),
  nd(5, advertisement(linkLocal(5), [link(2, mac(5))])),
  ethernet(5, 0x88b5, new Uint8Array(46)),
  ipv4(5, 17, udp(67, 68)),
  ipv6(5, 58, bytesOf('8600000000000000 0000000000000000')),
]

describe('GuardChain', () => {
  it('lets everything honest through, in both directions', () => {
    const test = new ChainTest()
    for (const frame of samples.slice(0, 8)) {
      assert.equal(test.inspect(frame, test.alice), 'pass')
      const other = frame.slice()
      assert.equal(test.inspect(other, test.alice, 'stream'), 'pass')
    }
    const own = new ChainTest()
    for (const frame of samples.slice(0, 8)) assert.equal(own.fromTap(frame), 'pass')
    assert.deepEqual(
      Object.values(own.chain.drops).filter((count) => count > 0),
      [],
    )
  })

  it('answers with one of its verdicts and counts it, whatever the bytes are', () => {
    const start = fc.constantFrom(...samples)
    const change = fc.tuple(fc.nat(120), fc.nat(255))
    fc.assert(
      fc.property(
        start,
        fc.array(change, { maxLength: 8 }),
        fc.nat(120),
        traffic,
        fc.boolean(),
        (sample, changes, cut, kind, isTap) => {
          const test = new ChainTest({ tagPolicy: { mode: 'carry' }, isBridged: true })
          const frame = sample.slice(0, cut < 100 ? sample.length : cut - 100)
          for (const [at, value] of changes) if (at < frame.length) frame[at] = value
          const verdict = test.inspect(frame, isTap ? test.chain.tap : test.mallory, kind)
          const sum = (counters: Record<string, number>) => Object.values(counters).reduce((a, b) => a + b, 0)
          const { drops, locals } = test.chain
          if (verdict === 'pass') assert.equal(sum(drops) + sum(locals), 0)
          else if (isGuardLocal(verdict)) {
            assert.ok(isTap)
            assert.deepEqual([GUARD_LOCALS.includes(verdict), locals[verdict], sum(drops)], [true, 1, 0])
          } else assert.deepEqual([GUARD_DROPS.includes(verdict), drops[verdict], sum(locals)], [true, 1, 0])
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('never throws on random bytes, in a buffer of any size', () => {
    const test = new ChainTest()
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(20),
        fc.nat(220),
        traffic,
        (bytes, offset, length, kind) => {
          const verdict = test.chain.inspect(bytes, offset, length, test.mallory, kind, test.nowMs++)
          if (offset + length > bytes.length) assert.equal(verdict, 'malformed')
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('the short way of plain TCP and UDP gives what the whole chain gives', () => {
    const plain = [0, 1, 2, 3].map((i) => samples[i]!)
    const dhcp = [udp(68, 67), udp(67, 68), udp(546, 547), udp(547, 546)]
    const some = [...plain, ...dhcp.flatMap((packet) => [ipv4(5, 17, packet), ipv6(5, 17, packet)])]
    fc.assert(
      fc.property(
        fc.constantFrom(...some),
        // Addresses and what is behind the EtherType; another EtherType would be another tag.
        fc.array(
          fc.tuple(
            fc.nat(60).map((at) => (at === 12 || at === 13 ? 0 : at)),
            fc.nat(255),
          ),
          {
            maxLength: 3,
          },
        ),
        traffic,
        fc.constantFrom('tap', 'mallory'),
        (sample, changes, kind, side) => {
          const frame = sample.slice()
          for (const [at, value] of changes) if (at < frame.length) frame[at] = value
          // A priority tag changes nothing but that every guard looks at the frame.
          const tagged = join(frame.subarray(0, 12), bytesOf('8100 0000'), frame.subarray(12))
          const verdictOf = (bytes: Uint8Array) => {
            const test = new ChainTest()
            return test.inspect(bytes, side === 'tap' ? test.chain.tap : test.mallory, kind)
          }
          assert.equal(verdictOf(frame), verdictOf(tagged))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('each guard is switched on and off by its name', () => {
    const test = new ChainTest()
    for (const name of GUARD_NAMES) {
      assert.equal(test.chain.isOn(name), true)
      test.chain.switch(name, false)
      assert.equal(test.chain.isOn(name), false)
    }
    for (const frame of samples) assert.equal(test.inspect(frame, test.mallory, 'broadcast'), 'pass')
    assert.equal(test.inspect(bytesOf('00')), 'pass')
  })

  it('with all others off, a frame that cannot be parsed is still limited as a storm', () => {
    const test = new ChainTest()
    test.chain.switch('frame', false)
    let passed = 0
    for (let i = 0; i < 1_000; i++)
      if (test.inspect(bytesOf('00'), test.mallory, 'broadcast') === 'pass') passed++
    assert.equal(passed, 200)
  })

  it('leaves the frame taken apart for who goes on with it', () => {
    const test = new ChainTest()
    const view = createFrameView()
    for (const frame of samples) {
      test.inspect(frame)
      parseFrame(frame, 0, frame.length, view)
      assert.deepEqual(test.chain.view, view)
    }
  })

  it('allocates nothing for a frame that passes', () => {
    const test = new ChainTest({
      portRates: Object.fromEntries(
        Object.keys(DEFAULT_PORT_RATES).map((name) => [name, { burst: 1e9, perSecond: 1e9 }]),
      ) as unknown as GuardRates,
    })
    for (const frame of samples.slice(0, 8)) {
      const bytes = allocatedBytes(() => {
        test.chain.inspect(frame, 0, frame.length, test.alice, 'unicast', test.nowMs)
      }, 30_000)
      assert.ok(bytes < 8, `${bytes} bytes a frame, sample ${samples.indexOf(frame)}`)
    }
  })

  it('forgets what a port had that is gone', () => {
    const test = new ChainTest()
    test.inspect(arp(5, '10.1.0.5', '10.1.0.6'), test.alice)
    assert.equal(test.chain.bindings.find(ip4('10.1.0.5'), 0, 4, test.nowMs)?.owner, test.alice)
    test.chain.removePort(test.alice)
    assert.equal(test.chain.bindings.size, 0)
  })
})
