import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeNdOption, decodeNeighborMessage, type NdOption } from '@wakunet/ethernet'
import { seededRandom } from '@wakunet/testing'
import { formatIp } from '../src/index.ts'
import { changed, clientFrame, hex, PLAN, readSent, type Sent, StationScene } from './station-scene.ts'

const SECOND = 1_000
const NEW_PLAN = { ...PLAN, subnet6: 'fd99:1:2:3::/64', mtu: 1_300 }

interface Advertisement {
  readonly sent: Sent
  readonly flags: number
  readonly lifetimeSeconds: number
  readonly options: readonly (NdOption | null)[]
}

/** Advertisements among frames; every other frame is a fault. */
function advertisements(frames: readonly Uint8Array[]): Advertisement[] {
  return frames.map((frame) => {
    const sent = readSent(frame)
    const message = decodeNeighborMessage(sent.ip6!)
    assert.ok(message?.type === 134)
    const { flags, lifetimeSeconds } = message
    return { sent, flags, lifetimeSeconds, options: message.options.map((option) => decodeNdOption(option)) }
  })
}

const prefixesOf = ({ options }: Advertisement) =>
  options.flatMap((option) =>
    option?.type === 3 ? [[formatIp(option.prefix), option.validSeconds, option.preferredSeconds]] : [],
  )
const destinations = (found: readonly Advertisement[]) =>
  found.map(({ sent }) => formatIp(sent.ip6!.destination))

/** A scene whose first three advertisements are over. */
function settled(): StationScene {
  const scene = new StationScene()
  scene.runUntil(60 * SECOND)
  scene.takeSent()
  return scene
}

describe('router advertisements', () => {
  test('say prefix, MTU, resolver, search domain and who sends them; and that it is no router to go through', () => {
    const scene = new StationScene({ plan: { ...PLAN, dns: ['fd12:3456:789a:1::99', '10.77.16.99'] } })
    scene.runUntil(2 * SECOND)
    const [first] = advertisements(scene.takeSent())
    const { mac, linkLocal } = scene.station.addresses
    assert.ok(first !== undefined)
    assert.equal(first.lifetimeSeconds, 0)
    assert.equal(first.flags, 0x40)
    assert.equal(hex(first.sent.ethernet.source), hex(mac))
    assert.equal(hex(first.sent.ethernet.destination), '333300000001')
    assert.equal(formatIp(first.sent.ip6!.source), formatIp(linkLocal))
    assert.deepEqual(
      first.options.map((option) => JSON.parse(JSON.stringify(option, textOf))),
      [
        { type: 1, mac: hex(mac) },
        { type: 5, mtu: 1_420 },
        {
          type: 3,
          prefixLength: 64,
          onLink: true,
          autonomous: true,
          validSeconds: 86_400,
          preferredSeconds: 14_400,
          prefix: 'fd12:3456:789a:1::',
        },
        { type: 25, lifetimeSeconds: 1_800, addresses: ['fd12:3456:789a:1::53', 'fd12:3456:789a:1::99'] },
        { type: 31, lifetimeSeconds: 1_800, names: ['home.waku.internal'] },
      ],
    )
  })

  test('come three times within a minute, and then every 200 to 600 seconds', () => {
    const scene = new StationScene({ random: seededRandom() })
    const times: number[] = []
    while (scene.nowMs < 20_000 * SECOND) {
      scene.runUntil(Math.max(scene.nowMs, scene.station.dueMs()))
      if (scene.takeSent().length > 0) times.push(scene.nowMs)
    }
    const gaps = times.slice(1).map((time, i) => time - times[i]!)
    assert.ok(times[0]! <= 1_500)
    assert.deepEqual(gaps.slice(0, 2), [16 * SECOND, 16 * SECOND])
    assert.ok(
      gaps.slice(2).every((gap) => gap >= 200 * SECOND && gap <= 600 * SECOND),
      gaps.join(),
    )
    assert.ok(new Set(gaps.slice(2)).size > 5, 'at random')
  })

  test('answer who solicits with an address, alone, within half a second', () => {
    const scene = settled()
    assert.equal(scene.ask(clientFrame('routerSolicitation')).length, 0, 'not at once')
    scene.runUntil(scene.nowMs + 500)
    const found = advertisements(scene.takeSent())
    assert.deepEqual(destinations(found), ['fe80::8882:3bff:fe8a:4f78'])
    assert.equal(hex(found[0]!.sent.ethernet.destination), '8a823b8a4f78')
  })

  test('answer a host that asks again before it was answered once', () => {
    const scene = settled()
    for (let i = 0; i < 20; i++) scene.ask(clientFrame('routerSolicitationRdisc6'))
    scene.runUntil(scene.nowMs + 500)
    assert.equal(advertisements(scene.takeSent()).length, 1)
  })

  test('answer who has no address yet by telling everybody, every three seconds at most', () => {
    const scene = settled()
    const solicitation = fromNobody()
    for (let i = 0; i < 100; i++) {
      scene.ask(solicitation)
      scene.runUntil(scene.nowMs + 100)
    }
    const sent = scene.takeSent()
    scene.runUntil(scene.nowMs + 3 * SECOND)
    assert.ok(sent.length <= 4, `${sent.length} in ten seconds`)
  })

  test('answer many who solicit at once with one to everybody', () => {
    const scene = settled()
    for (let i = 0; i < 200; i++) {
      // The checksum of the captured one covers the last two bytes, which cancel each other out.
      const frame = changed(clientFrame('routerSolicitationRdisc6'), 36, i, 0)
      scene.ask(withChecksum(changed(frame, 6, 2, 0, 0, 0, 0, i)))
    }
    scene.runUntil(scene.nowMs + 500)
    const found = destinations(advertisements(scene.takeSent()))
    assert.ok(found.includes('ff02::1'))
    assert.ok(found.length <= 17, `${found.length}`)
  })

  test('withdraw the prefix of the plan before, and go out at once', () => {
    const scene = settled()
    scene.station.setPlan(NEW_PLAN, scene.nowMs)
    scene.runUntil(scene.nowMs)
    const [found] = advertisements(scene.takeSent())
    assert.deepEqual(prefixesOf(found!), [
      ['fd99:1:2:3::', 86_400, 14_400],
      ['fd12:3456:789a:1::', 0, 0],
    ])
    assert.ok(found!.options.some((option) => option?.type === 5 && option.mtu === 1_300))
    scene.station.setPlan(PLAN, scene.nowMs)
    scene.runUntil(scene.nowMs + 3 * SECOND)
    const [back] = advertisements(scene.takeSent())
    assert.deepEqual(prefixesOf(back!), [
      ['fd12:3456:789a:1::', 86_400, 14_400],
      ['fd99:1:2:3::', 0, 0],
    ])
    scene.runUntil(scene.nowMs + 2_000 * SECOND)
    assert.deepEqual(prefixesOf(advertisements(scene.takeSent()).at(-1)!), [
      ['fd12:3456:789a:1::', 86_400, 14_400],
    ])
  })

  test('of plans that change all the time stay small and rare', () => {
    const scene = settled()
    for (let i = 0; i < 100; i++) {
      scene.station.setPlan({ ...PLAN, subnet6: `fd00:0:0:${i.toString(16)}::/64` }, scene.nowMs)
      scene.runUntil(scene.nowMs + 100)
    }
    const found = advertisements(scene.takeSent())
    assert.ok(found.length <= 4, `${found.length} in ten seconds`)
    for (const advertisement of found) assert.ok(prefixesOf(advertisement).length <= 5)
  })

  test('end with one that takes everything back, and nothing after it', () => {
    const scene = settled()
    scene.station.close()
    scene.station.close()
    const [last, ...more] = advertisements(scene.takeSent())
    assert.equal(more.length, 0)
    assert.deepEqual(prefixesOf(last!), [['fd12:3456:789a:1::', 0, 0]])
    for (const option of last!.options) {
      if (option?.type === 25 || option?.type === 31) assert.equal(option.lifetimeSeconds, 0)
    }
    assert.equal(scene.station.dueMs(), Number.POSITIVE_INFINITY)
    scene.ask(clientFrame('routerSolicitation'))
    scene.station.tick(scene.nowMs + 10_000 * SECOND)
    assert.equal(scene.takeSent().length, 0)
  })
})

/** The solicitation of rdisc6 as a host sends it that has no address: it has no link-layer option. */
function fromNobody(): Uint8Array {
  const frame = clientFrame('routerSolicitationRdisc6')
  frame.fill(0, 22, 38)
  return withChecksum(frame)
}

function withChecksum(frame: Uint8Array): Uint8Array {
  frame.set([0, 0], 56)
  let sum = frame.length - 54 + 58
  for (let i = 22; i < frame.length; i += 2) sum += frame[i]! * 256 + frame[i + 1]!
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return changed(frame, 56, (~sum >>> 8) & 255, ~sum & 255)
}

function textOf(_: string, value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value
  return value.length === 6 ? hex(value) : formatIp(value)
}
