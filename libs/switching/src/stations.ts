import { MAC_BYTES } from '@wakunet/ethernet'
import type { Binding } from './guards/bindings.ts'
import type { GuardChain } from './guards/guard-chain.ts'
import type { GuardPort } from './guards/guard-port.ts'
import { MemberPorts } from './member-ports.ts'
import type { Member, MemberTable } from './members.ts'
import { announcementFrame, probeFrame } from './neighbour-frames.ts'

export interface StationsInit {
  /** Six bytes: answers find their way back to it. */
  readonly tapMac: Uint8Array
  readonly members: () => Pick<MemberTable, 'all' | 'find'>
}

export interface StationsOutput {
  /** An Ethernet frame of the switch for the TAP. */
  readonly toTap: (frame: Uint8Array) => void
  /** One for a member alone. */
  readonly toMember: (member: Member, frame: Uint8Array) => void
  /** A station of the TAP's side was heard with an address that nobody was known to have, or that it had behind a member. */
  readonly onTapHost: (address: Uint8Array, mac: number) => void
  /** An answer is waited for. */
  readonly onWake: () => void
}

/**
 * Where the stations of a VLAN are, as far as that is in doubt: whoever has an address that is claimed elsewhere is asked, by an ARP
 * probe or neighbour solicitation to its station, and hosts are told of one that has moved. What the answers mean is the
 * forwarding database's and the bindings' to decide.
 */
export class Stations {
  readonly ports: MemberPorts
  readonly #tapMac: Uint8Array
  readonly #output: StationsOutput
  /** The guards of the VLAN, which are made with the callbacks of these stations. */
  #guards: GuardChain | null = null

  constructor({ tapMac, members }: StationsInit, output: StationsOutput) {
    this.#tapMac = tapMac.slice(0, MAC_BYTES)
    this.#output = output
    this.ports = new MemberPorts({
      members: () => members().all,
      find: (id) => members().find(id, 0),
      newPort: () => this.#chain.newMemberPort(),
    })
  }

  get #chain(): GuardChain {
    if (this.#guards === null) throw new Error('the guards are not made yet')
    return this.#guards
  }

  /** For `GuardChainInit`. */
  readonly bindingEvents = {
    onProbe: (binding: Binding<GuardPort>): void => this.#probe(binding),
    onMoved: (binding: Binding<GuardPort>): void => this.#announce(binding),
    onLearned: ({ address, mac, owner }: Binding<GuardPort>): void => this.#hear(address, mac, owner),
    onElsewhere: ({ address, mac }: Binding<GuardPort>, port: GuardPort): void =>
      this.#hear(address, mac, port),
  }

  guardedBy(guards: GuardChain): void {
    this.#guards = guards
  }

  /** Somebody else says that he has the address of a station: it is asked whether it still does. */
  #probe({ address, mac, owner }: Binding<GuardPort>): void {
    if (mac !== null) this.#sendTowards(owner, probeFrame({ address, mac }, this.#tapMac))
    this.#output.onWake()
  }

  /** A station has taken its address along: hosts of the TAP's side are told. */
  #announce({ address, mac, owner }: Binding<GuardPort>): void {
    if (mac !== null && owner !== this.#chain.tap) this.#output.toTap(announcementFrame({ address, mac }))
  }

  #hear(address: Uint8Array, mac: number | null, port: GuardPort): void {
    if (mac !== null && port === this.#chain.tap) this.#output.onTapHost(address, mac)
  }

  /** A MAC address was heard on another port: its station is asked where it was, by an address that it is known to have. */
  ask(mac: number, owner: Member | null): void {
    const port = this.#portOf(owner)
    const binding = this.#chain.bindings.findByStation(mac, port)
    if (binding !== null) this.#sendTowards(port, probeFrame({ address: binding.address, mac }, this.#tapMac))
    this.#output.onWake()
  }

  /** A station was found elsewhere: its addresses are there too. */
  move(mac: number, from: Member | null, to: Member | null, nowMs: number): void {
    this.#chain.bindings.moveStation(mac, this.#portOf(from), this.#portOf(to), nowMs)
  }

  #portOf(member: Member | null): GuardPort {
    return member === null ? this.#chain.tap : this.ports.of(member)
  }

  #sendTowards(port: GuardPort, frame: Uint8Array): void {
    const member = this.ports.memberOf(port)
    if (port === this.#chain.tap) this.#output.toTap(frame)
    else if (member !== null) this.#output.toMember(member, frame)
  }
}
