import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import type { ConnectionGater, PeerId } from '@libp2p/interface'

/** Of the relay, for all of its clients and for each connection (`docs/protocols/trunk.md`, virtual links). */
const RELAY_RESERVATIONS = 64
const RELAY_RESERVATION_MS = 2 * 3_600_000
const RELAY_CONNECTION_MS = 3_600_000
const RELAY_CONNECTION_BYTES = 4n * 1024n ** 3n
const RELAY_HANDSHAKE_MS = 10_000
const RELAY_STREAMS = 16

/** Who may use what of relays. */
export interface RelayGate {
  /** A peer wants to be reached over this node. */
  readonly mayReserve: (peer: PeerId) => boolean
  /** A peer wants to reach another over this node. */
  readonly mayConnect: (from: PeerId, to: PeerId) => boolean
  /** Another reaches this node over a relay. */
  readonly expects: (from: PeerId) => boolean
}

export function relayServer(): ReturnType<typeof circuitRelayServer> {
  return circuitRelayServer({
    hopTimeout: RELAY_HANDSHAKE_MS,
    maxInboundHopStreams: RELAY_STREAMS,
    maxOutboundStopStreams: RELAY_STREAMS,
    reservations: {
      maxReservations: RELAY_RESERVATIONS,
      reservationTtl: RELAY_RESERVATION_MS,
      defaultDurationLimit: RELAY_CONNECTION_MS,
      defaultDataLimit: RELAY_CONNECTION_BYTES,
    },
  })
}

/** The relay gate in the words of libp2p. */
export function relayRules(gate: RelayGate): ConnectionGater {
  return {
    denyInboundRelayReservation: (peer) => !gate.mayReserve(peer),
    denyOutboundRelayedConnection: (from, to) => !gate.mayConnect(from, to),
    denyInboundRelayedConnection: (_relay, from) => !gate.expects(from),
  }
}
