import type { GuardPort } from './guards/guard-port.ts'
import type { Member } from './members.ts'

/** The ports of the guards, one for each member of the VLAN that was heard or has a binding. */
export class MemberPorts {
  readonly #byId = new Map<string, GuardPort>()
  readonly #members = new Map<GuardPort, Member>()
  readonly #newPort: () => GuardPort

  constructor(newPort: () => GuardPort) {
    this.#newPort = newPort
  }

  /** The port of a member; stays the same while it is one. */
  of(member: Member): GuardPort {
    member.guardPort ??= this.#make(member)
    return member.guardPort
  }

  #make(member: Member): GuardPort {
    const port = this.ofId(member.nodeId)
    this.#members.set(port, member)
    return port
  }

  /** The same by node id, for what is told of a member before its switch is known. */
  ofId(nodeId: string): GuardPort {
    let port = this.#byId.get(nodeId)
    if (port === undefined) {
      port = this.#newPort()
      this.#byId.set(nodeId, port)
    }
    return port
  }

  /** Whose port it is; null for one that is no member now. */
  memberOf(port: GuardPort): Member | null {
    return this.#members.get(port) ?? null
  }

  /** @returns the port that the member had, if it had one */
  remove(member: Member): GuardPort | null {
    const port = this.#byId.get(member.nodeId)
    this.#byId.delete(member.nodeId)
    member.guardPort = null
    if (port !== undefined) this.#members.delete(port)
    return port ?? null
  }
}
