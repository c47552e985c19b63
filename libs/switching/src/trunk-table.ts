import { idEquals, idKey } from '@wakunet/record'
import type { LinkNeighbour } from './link-state/neighbour.ts'
import { SequenceWindow } from './sequence-window.ts'

export interface TrunkInit {
  /** Node id of the member at the other end, 16 bytes, which must not be changed. */
  readonly id: Uint8Array
  /** Of its switch in this VLAN, 8 bytes. */
  readonly bootNonce: Uint8Array
  /** See `pathCostOfRtt`. */
  readonly cost: number
}

/** Control messages that wait for one trunk, within a call or to leave together. */
const MAX_CONTROL_OUTBOX = 8_192

/** A direct trunk to another member: a port of the spanning tree and a link of the graph. */
export class FabricTrunk {
  readonly id: Uint8Array
  /** The id alone, as the list of peers of a record. */
  readonly peers: readonly Uint8Array[]
  readonly bootNonce: Uint8Array
  /** Port of the spanning tree. */
  readonly port: number
  /** Null where the node has as many neighbours as it can have. */
  neighbour: LinkNeighbour | null = null
  isOpen = false
  /** Frames that this node sent or got over it, without those that it passed on for others. */
  bytes = 0
  /** Control records are for one trunk each, so that their sequences are a matter of the trunk. */
  readonly window = new SequenceWindow()
  outbox: Uint8Array[] = []
  /** Messages that are in no haste, until `pacedUntilMs`. */
  waiting: Uint8Array[] = []
  pacedUntilMs = 0

  constructor(init: TrunkInit, port: number) {
    this.id = init.id
    this.peers = [init.id]
    this.bootNonce = init.bootNonce
    this.port = port
  }

  /** False where too much waits. */
  post(message: Uint8Array): boolean {
    if (this.outbox.length >= MAX_CONTROL_OUTBOX) return false
    this.outbox.push(message)
    return true
  }

  /** The same for a message that is in no haste. */
  postLater(message: Uint8Array): boolean {
    if (this.waiting.length >= MAX_CONTROL_OUTBOX) return false
    this.waiting.push(message)
    return true
  }
}

/** The trunks of a VLAN by peer and by port of the spanning tree. */
export class TrunkTable {
  readonly #byKey = new Map<number, FabricTrunk[]>()
  readonly #byPort = new Map<number, FabricTrunk>()
  readonly #firstPort: number

  constructor(firstPort: number) {
    this.#firstPort = firstPort
  }

  get size(): number {
    return this.#byPort.size
  }

  get all(): IterableIterator<FabricTrunk> {
    return this.#byPort.values()
  }

  find(bytes: Uint8Array, offset: number): FabricTrunk | null {
    const trunks = this.#byKey.get(idKey(bytes, offset))
    if (trunks === undefined) return null
    for (let i = 0; i < trunks.length; i++) if (idEquals(bytes, offset, trunks[i]!.id)) return trunks[i]!
    return null
  }

  ofPort(port: number): FabricTrunk | null {
    return this.#byPort.get(port) ?? null
  }

  add(init: TrunkInit): FabricTrunk {
    let port = this.#firstPort
    while (this.#byPort.has(port)) port++
    const trunk = new FabricTrunk(init, port)
    this.#byPort.set(port, trunk)
    const key = idKey(init.id, 0)
    this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), trunk])
    return trunk
  }

  remove(trunk: FabricTrunk): void {
    this.#byPort.delete(trunk.port)
    const key = idKey(trunk.id, 0)
    const left = (this.#byKey.get(key) ?? []).filter((other) => other !== trunk)
    if (left.length === 0) this.#byKey.delete(key)
    else this.#byKey.set(key, left)
  }
}
