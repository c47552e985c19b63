import { createFrameView, NOT_FRAGMENTED, PROTOCOL_TCP, PROTOCOL_UDP, parseFrame } from '@wakunet/ethernet'
import { createDropCounters, type DropCounters } from '../drops.ts'
import { ArpGuard } from './arp-guard.ts'
import { BindingTable, type BindingTableInit } from './bindings.ts'
import { BpduGuard } from './bpdu-guard.ts'
import { DhcpClientGuard } from './dhcp-client-guard.ts'
import { DhcpGuard, dhcpKindOf } from './dhcp-guard.ts'
import { FragmentGuard } from './fragment-guard.ts'
import { FrameGuard } from './frame-guard.ts'
import {
  GUARD_DROPS,
  GUARD_LOCALS,
  type GuardDrop,
  type GuardLocal,
  type GuardVerdict,
  isGuardLocal,
} from './guard-drops.ts'
import type { Guard, GuardFrame, GuardTraffic } from './guard-frame.ts'
import { DEFAULT_PORT_RATES, DEFAULT_TOTAL_STORM_RATES, GuardPort, type GuardRates } from './guard-port.ts'
import { HeaderChainGuard } from './header-chain-guard.ts'
import { MulticastControlGuard, MulticastRateGuard } from './multicast-guard.ts'
import { NdGuard } from './nd-guard.ts'
import { RouterGuard } from './router-guard.ts'
import { StormGuard } from './storm-guard.ts'
import { TagGuard, type TagPolicy } from './tag-guard.ts'

/** Guards that look at every frame, by name, in the order in which they do. */
const FRAME_GUARD_NAMES = [
  'frame',
  'tag',
  'bpdu',
  'fragment',
  'header-chain',
  'router',
  'dhcp-client',
  'dhcp',
  'arp',
  'nd',
  'multicast-rate',
  'multicast-control',
  'storm',
] as const
type FrameGuardName = (typeof FRAME_GUARD_NAMES)[number]

/**
 * All guards. `mac` is where the forwarding database learns (`FdbInit.isGuarded`), `root` where the spanning tree hears of
 * bridges (`SpanningTreeInit.isGranted`); both are switched here like the others.
 */
export const GUARD_NAMES = ['mac', 'root', ...FRAME_GUARD_NAMES] as const
export type GuardName = (typeof GUARD_NAMES)[number]

export interface GuardChainInit {
  /** 32 random bits. */
  readonly hashSeed: number
  readonly bindings?: Omit<BindingTableInit<GuardPort>, 'hashSeed'>
  readonly tagPolicy?: TagPolicy
  /** Whether the TAP may have bridges behind it. Default false. */
  readonly isBridged?: boolean
  /** What each port, and what all members together, may send. */
  readonly portRates?: GuardRates
  readonly totalStormRates?: Pick<GuardRates, 'broadcast' | 'multicast' | 'unknownUnicast'>
}

/**
 * All guards of one VLAN over a frame from a given side. Each can be switched off at any time; off means that its attack
 * passes. Allocates nothing for a frame that passes and teaches no new binding.
 *
 * Router discovery and DHCP are looked for behind 802.1Q tags too; bindings are of frames without them.
 *
 * A frame that cannot be parsed passes when the frame guard is off, and is seen by no other guard but storm control.
 */
export class GuardChain {
  readonly bindings: BindingTable<GuardPort>
  readonly tag: TagGuard
  readonly bpdu: BpduGuard
  readonly fragment: FragmentGuard
  /** The TAP. */
  readonly tap: GuardPort
  readonly drops: DropCounters<GuardDrop> = createDropCounters(GUARD_DROPS)
  /** Frames that the switch keeps to answer them itself. */
  readonly locals: DropCounters<GuardLocal> = createDropCounters(GUARD_LOCALS)
  readonly #portRates: GuardRates
  readonly #guards: readonly Guard[]
  readonly #isOn: Record<GuardName, boolean> = allOn()
  /** The same of the guards in `#guards`. */
  readonly #looks: boolean[] = FRAME_GUARD_NAMES.map(() => true)
  readonly #frame: GuardFrame
  #ports = 0

  constructor(init: GuardChainInit, nowMs: number) {
    this.#portRates = init.portRates ?? DEFAULT_PORT_RATES
    this.bindings = new BindingTable({ ...init.bindings, hashSeed: init.hashSeed })
    this.tag = new TagGuard(init.tagPolicy)
    this.bpdu = new BpduGuard(init.isBridged)
    this.fragment = new FragmentGuard(init.hashSeed)
    this.tap = this.#newPort('tap')
    const guards: Record<FrameGuardName, Guard> = {
      frame: new FrameGuard(),
      tag: this.tag,
      bpdu: this.bpdu,
      fragment: this.fragment,
      'header-chain': new HeaderChainGuard(),
      'dhcp-client': new DhcpClientGuard(),
      dhcp: new DhcpGuard(),
      arp: new ArpGuard(this.bindings),
      nd: new NdGuard(this.bindings),
      router: new RouterGuard(),
      'multicast-rate': new MulticastRateGuard(),
      'multicast-control': new MulticastControlGuard(),
      storm: new StormGuard(init.totalStormRates ?? DEFAULT_TOTAL_STORM_RATES, nowMs),
    }
    this.#guards = FRAME_GUARD_NAMES.map((name) => guards[name])
    this.#frame = {
      bytes: new Uint8Array(0),
      offset: 0,
      length: 0,
      view: createFrameView(),
      fault: 'ok',
      port: this.tap,
      traffic: 'unicast',
      nowMs,
    }
  }

  isOn(name: GuardName): boolean {
    return this.#isOn[name]
  }

  switch(name: GuardName, isOn: boolean): void {
    this.#isOn[name] = isOn
    for (const [i, guard] of FRAME_GUARD_NAMES.entries()) this.#looks[i] = this.#isOn[guard]
  }

  /** The port of a member, for as long as it is one; `removePort` forgets what it had. */
  newMemberPort(): GuardPort {
    return this.#newPort('member')
  }

  #newPort(side: 'tap' | 'member'): GuardPort {
    this.#ports++
    return new GuardPort(side, this.#ports, this.#portRates)
  }

  removePort(port: GuardPort): void {
    this.bindings.removeOwner(port)
  }

  /** What the last frame was taken apart into, for who goes on with it; means nothing after a malformed one. */
  get view(): GuardFrame['view'] {
    return this.#frame.view
  }

  /**
   * Looks at the frame of `length` bytes at `offset` that came from `port`. Counts what does not pass.
   * @returns `pass`, a name beginning with `local-` for a frame of the TAP that the switch answers itself and that goes
   * nowhere else, or why the frame is dropped
   */
  inspect(
    bytes: Uint8Array,
    offset: number,
    length: number,
    port: GuardPort,
    traffic: GuardTraffic,
    nowMs: number,
  ): GuardVerdict {
    const frame = this.#frame
    frame.bytes = bytes
    frame.offset = offset
    frame.length = length
    frame.fault = parseFrame(bytes, offset, length, frame.view)
    frame.port = port
    frame.traffic = traffic
    frame.nowMs = nowMs
    const verdict = this.#run(frame)
    if (verdict === 'pass') return 'pass'
    if (isGuardLocal(verdict)) this.locals[verdict]++
    else this.drops[verdict]++
    return verdict
  }

  #run(frame: GuardFrame): GuardVerdict {
    const last = this.#guards.length - 1
    // Of most frames only the first guard, lengths, and the last one, storms, have something to say; of those without a view too.
    const step = frame.fault !== 'ok' || isPlain(frame) ? last : 1
    for (let i = 0; i <= last; i += step) {
      if (!this.#looks[i]) continue
      const verdict = this.#guards[i]!.inspect(frame)
      if (verdict !== 'pass') return verdict
    }
    return 'pass'
  }
}

function allOn(): Record<GuardName, boolean> {
  return Object.fromEntries(GUARD_NAMES.map((name) => [name, true])) as Record<GuardName, boolean>
}

/** TCP, and UDP that is not DHCP, whole and without tags: nothing that the guards between the first and the last look for. */
function isPlain(frame: GuardFrame): boolean {
  const { tagCount, fragment, protocol } = frame.view
  if (tagCount !== 0 || fragment !== NOT_FRAGMENTED) return false
  return protocol === PROTOCOL_TCP || (protocol === PROTOCOL_UDP && dhcpKindOf(frame) === 'none')
}
