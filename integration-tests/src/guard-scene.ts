import { setTimeout as pause } from 'node:timers/promises'
import type { VlanInfo } from '@wakunet/bus'
import type { LabProcess } from '@wakunet/netlab'
import type { GuardName } from '@wakunet/switching'
import type { Station } from './station.ts'
import type { TestNetwork } from './test-network.ts'

/** What was sent last arrives within this. */
const SETTLE_MS = 500

/**
 * Who is there when a guard is tried:
 *
 * ```text
 *      attacker h2 ── h4 open        the guards of h2 are off, and at h4 that one alone whose control it is
 *        │     │       │
 *   victim h1 ─ h3     └ h5 a hostile peer, with a cable to h1 too
 *             honest
 * ```
 */
export interface GuardScene {
  readonly network: TestNetwork
  readonly vlan: VlanInfo
  readonly victim: Station
  readonly attacker: Station
  readonly honest: Station
  readonly open: Station
}

/** What became of an attack. */
export interface Outcome {
  /** Frames, or whatever the attack consists of, that got through to the host that it was against. */
  readonly through: number
  /** How many may, of a guard that limits a rate, by the time that the attack really took. */
  readonly allowed: number
  /** Whether the host was worse off for it; null where nobody looked. */
  readonly harmed: boolean | null
  /** Frames that left the attacker's interface, or what he did instead. */
  readonly sent: number
  /** Whatever else is worth telling. */
  readonly figures: Readonly<Record<string, unknown>>
}

/** One attack, which a guard keeps out. */
export interface GuardAttack {
  /** Row of the list of attacks: `L3`. */
  readonly id: string
  /** A noun: `ARP spoofing of every form`. */
  readonly what: string
  readonly tool: string
  /** It comes from the target's own side of its interface, not from another member. */
  readonly isLocal?: boolean
  /** As many as the tool can make. */
  readonly isFlood?: boolean
  /** No switch passes it on, guard or not: another defence stands behind this one. */
  readonly isStoppedAnyway?: boolean
  /** Does it to `target`, and looks at what got through. */
  readonly perform: (scene: GuardScene, target: Station) => Promise<Outcome>
}

export type GuardAttacks = Readonly<Record<GuardName, readonly GuardAttack[]>>

/** Section `switch` of a node whose only weakness is one guard that is off. */
export function withoutGuard(guard: GuardName): object {
  return { guards: { [guard]: false } }
}

type Scenic<T> = (scene: GuardScene, target: Station) => T

export interface FramesThroughInit {
  /** Tells the frames of the attack, as in pcap-filter(7). */
  readonly filter: Scenic<string>
  /** Where they are seen when they got through. Default: on the TAP of the target, and of the honest host if that is guarded. */
  readonly seenAt?: (scene: GuardScene) => Station
  readonly run: Scenic<Promise<unknown>>
  /** How many may get through in so many seconds. Default 0. */
  readonly allowed?: (seconds: number) => number
  /** Whether the target is worse off, by its state and what its kernel told of neighbours meanwhile. */
  readonly harm?: (scene: GuardScene, target: Station, neighbours: string) => Promise<boolean>
}

/** Frames that a host has sent through its interface so far. */
async function transmitted({ host, interface: name }: Station): Promise<number> {
  const { stdout } = await host.lab.exec('ip', ['-j', '-s', 'link', 'show', 'dev', name])
  const [link] = JSON.parse(stdout) as [{ stats64: { tx: { packets: number } } }]
  return link.stats64.tx.packets
}

/** An attack whose frames are counted where they get through. */
export function framesThrough(init: FramesThroughInit): GuardAttack['perform'] {
  return async (scene, target) => {
    const { network, honest, victim, attacker } = scene
    const { filter, seenAt, run, harm, allowed = () => 0 } = init
    const watched = seenAt === undefined ? (target === victim ? [victim, honest] : [target]) : [seenAt(scene)]
    const captures = await Promise.all(
      watched.map((station) => network.capture(station, filter(scene, target))),
    )
    const monitor: LabProcess = target.host.lab.spawn('ip', ['monitor', 'neigh'])
    const before = await transmitted(attacker)
    const startMs = performance.now()
    await run(scene, target)
    await pause(SETTLE_MS)
    const seconds = (performance.now() - startMs) / 1_000
    const sent = (await transmitted(attacker)) - before
    await monitor.stop()
    const harmed = harm === undefined ? null : await harm(scene, target, monitor.output().stdout)
    const caught = await Promise.all(captures.map((capture) => capture.stop()))
    return {
      through: Math.max(...caught.map(({ packets, missed }) => packets + missed)),
      allowed: allowed(seconds),
      harmed,
      sent,
      figures: {
        first: caught.flatMap(({ lines }) => lines.slice(0, 2)),
      },
    }
  }
}

export interface TakenBySwitchInit {
  /** Series of the metrics of the target's node that counts what its switch has taken. */
  readonly series: string
  readonly run: Scenic<Promise<unknown>>
  readonly allowed?: (seconds: number) => number
}

/** An attack on the target's switch by somebody on its own side of the interface. */
export function takenBySwitch({ series, run, allowed = () => 0 }: TakenBySwitchInit): GuardAttack['perform'] {
  return async (scene, target) => {
    const { network } = scene
    const taken = async () => (await network.metrics(target.host)).get(series) ?? Number.NaN
    const before = await taken()
    const startMs = performance.now()
    const sentBefore = await transmitted(target)
    await run(scene, target)
    await pause(SETTLE_MS)
    const sent = (await transmitted(target)) - sentBefore
    const through = (await taken()) - before
    const seconds = (performance.now() - startMs) / 1_000
    return { through, allowed: allowed(seconds), harmed: null, sent, figures: {} }
  }
}
