import { nodeIdToBytes, vlanIdToBytes } from '@wakunet/identity'
import type { LaneConnection, LaneServer, NodeId, VlanId } from '@wakunet/interface'
import {
  decodeEnvelope,
  encodeEnvelope,
  envelopeNodeOffset,
  idEquals,
  idKey,
  RECORD_FIELD,
  RECORD_HEADER_BYTES,
} from '@wakunet/record'
import type { Trunk } from './trunk.ts'

/** A VLAN that a switch of this node has joined, and the lane it is reached by. */
interface VlanRoute {
  readonly id: Uint8Array
  readonly vlan: VlanId
  readonly lane: string
}

/** A peer with a trunk, with what the hot path needs prepared. */
interface PeerRoute {
  readonly id: Uint8Array
  readonly trunk: Trunk
}

/** Monotonic counters of the relay. */
export interface FrameRelayStats {
  recordsFromLane: number
  recordsFromTrunk: number
  laneMalformed: number
  noTrunk: number
  recordTooShort: number
  vlanNotJoined: number
  notMember: number
  laneMissing: number
}

/**
 * Moves records between the lanes of this host's switches and the trunks, unopened. It looks at two things: to which peers
 * a switch wants a record sent, and whether a peer may send into the VLAN that a record names. All other checks are the
 * switch's.
 */
export class FrameRelay {
  readonly #laneServer: LaneServer
  readonly #isMember: (nodeId: NodeId, vlan: VlanId) => boolean
  /** Keyed by the first 48 bits of the id; an entry counts only if all of the id is equal. */
  readonly #vlans = new Map<number, VlanRoute>()
  readonly #peers = new Map<number, PeerRoute>()
  /** What goes before a record that came over a trunk. */
  readonly #envelopes = new Map<Trunk, Uint8Array>()
  readonly #envelope = { nodeCount: 0, recordOffset: 0 }
  readonly #parts: Uint8Array[] = []
  readonly stats: FrameRelayStats = {
    recordsFromLane: 0,
    recordsFromTrunk: 0,
    laneMalformed: 0,
    noTrunk: 0,
    recordTooShort: 0,
    vlanNotJoined: 0,
    notMember: 0,
    laneMissing: 0,
  }

  constructor(laneServer: LaneServer, isMember: (nodeId: NodeId, vlan: VlanId) => boolean) {
    this.#laneServer = laneServer
    this.#isMember = isMember
    laneServer.onConnection = (connection) => this.#attach(connection)
    for (const connection of laneServer.connections.values()) this.#attach(connection)
  }

  /** Replaces the VLANs that the switch behind `lane` has joined. */
  setVlans(lane: string, vlans: readonly VlanId[]): void {
    for (const [key, route] of this.#vlans) if (route.lane === lane) this.#vlans.delete(key)
    for (const vlan of vlans) {
      const id = vlanIdToBytes(vlan)
      this.#vlans.set(idKey(id, 0), { id, vlan, lane })
    }
  }

  addPeer(trunk: Trunk): void {
    const id = nodeIdToBytes(trunk.nodeId)
    this.#peers.set(idKey(id, 0), { id, trunk })
    this.#envelopes.set(trunk, encodeEnvelope([id]))
  }

  /** Forgets a peer unless a newer trunk has taken its place. */
  removePeer(trunk: Trunk): void {
    this.#envelopes.delete(trunk)
    const key = idKey(nodeIdToBytes(trunk.nodeId), 0)
    if (this.#peers.get(key)?.trunk === trunk) this.#peers.delete(key)
  }

  /**
   * A record came over a trunk. Its bytes are valid during the call.
   * @param freeBytes before it in its buffer, that may be written to: enough of them save a copy of the record
   */
  fromTrunk(trunk: Trunk, record: Uint8Array, freeBytes = 0): void {
    if (record.length < RECORD_HEADER_BYTES) {
      this.stats.recordTooShort++
      return
    }
    const route = this.#vlans.get(idKey(record, RECORD_FIELD.vlanId))
    if (route === undefined || !idEquals(record, RECORD_FIELD.vlanId, route.id)) {
      this.stats.vlanNotJoined++
      return
    }
    if (!this.#isMember(trunk.nodeId, route.vlan)) {
      this.stats.notMember++
      return
    }
    const envelope = this.#envelopes.get(trunk)
    const lane = this.#laneServer.connections.get(route.lane)
    if (envelope === undefined || lane === undefined) {
      this.stats.laneMissing++
      return
    }
    this.stats.recordsFromTrunk++
    const parts = this.#parts
    parts.length = 1
    if (envelope.length <= freeBytes) parts[0] = inFrontOf(record, envelope)
    else {
      parts[0] = envelope
      parts[1] = record
    }
    lane.send(parts)
  }

  #attach(connection: LaneConnection): void {
    connection.onMessage = (message) => this.#fromLane(message)
  }

  #fromLane(message: Uint8Array): void {
    if (!decodeEnvelope(message, this.#envelope)) {
      this.stats.laneMalformed++
      return
    }
    const { nodeCount, recordOffset } = this.#envelope
    const record = message.subarray(recordOffset)
    if (record.length < RECORD_HEADER_BYTES) {
      this.stats.laneMalformed++
      return
    }
    for (let i = 0; i < nodeCount; i++) {
      const offset = envelopeNodeOffset(i)
      const peer = this.#peers.get(idKey(message, offset))
      if (peer === undefined || !idEquals(message, offset, peer.id) || !peer.trunk.sendRecord(record)) {
        this.stats.noTrunk++
      } else {
        this.stats.recordsFromLane++
      }
    }
  }
}

/** The envelope and the record behind it, in the record's own buffer. */
function inFrontOf(record: Uint8Array, envelope: Uint8Array): Uint8Array {
  const at = record.byteOffset - envelope.length
  const message = new Uint8Array(record.buffer, at, envelope.length + record.length)
  message.set(envelope)
  return message
}
