import { hexOf } from './control/bytes.ts'
import type { GuardPort } from './guards/guard-port.ts'
import type { Member } from './members.ts'

export interface MemberPortsInit {
  readonly members: () => readonly Member[]
  /** The member with this id, or null. */
  readonly find: (id: Uint8Array) => Member | null
  readonly newPort: () => GuardPort
}

/** The ports of the guards, one for each member of the VLAN that was heard or has a binding. */
export class MemberPorts {
  readonly #init: MemberPortsInit
  /** Those of who is no member yet, by node id. */
  readonly #strangers = new Map<string, GuardPort>()

  constructor(init: MemberPortsInit) {
    this.#init = init
  }

  /** The port of a member; stays the same while it is one. */
  of(member: Member): GuardPort {
    member.guardPort ??= this.#take(member.nodeId) ?? this.#init.newPort()
    return member.guardPort
  }

  #take(nodeId: string): GuardPort | null {
    const port = this.#strangers.get(nodeId) ?? null
    this.#strangers.delete(nodeId)
    return port
  }

  /** The same by node id (16 bytes), for what is told of a member before its switch is known. */
  ofId(id: Uint8Array): GuardPort {
    const member = this.#init.find(id)
    if (member !== null) return this.of(member)
    const nodeId = hexOf(id)
    const port = this.#strangers.get(nodeId) ?? this.#init.newPort()
    this.#strangers.set(nodeId, port)
    return port
  }

  /** Whose port it is; null for one that is no member now. Looks at every member: not for every frame. */
  memberOf(port: GuardPort): Member | null {
    return this.#init.members().find(({ guardPort }) => guardPort === port) ?? null
  }

  /** @returns the port that the member had, if it had one */
  remove(member: Member): GuardPort | null {
    const port = member.guardPort ?? this.#take(member.nodeId)
    member.guardPort = null
    return port
  }
}
