import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import type { PeerId, Transport } from '@libp2p/interface'

type TransportFactory = ReturnType<typeof circuitRelayTransport>

/** The part of libp2p's circuit transport that knows relays; its type does not show it. */
interface Reservations {
  /** Does nothing where there is one over a connection that still stands. */
  addRelay(relay: PeerId, type: 'configured'): Promise<unknown>
}

/** Dials over relays, and lets this node be reached over them. */
export class RelayClient {
  #reservations: Reservations | null = null

  /** The transport to give to libp2p, once. */
  readonly transport: TransportFactory = (components) => {
    const transport = circuitRelayTransport({ reservationConcurrency: 2 })(components)
    this.#reservations = reservationsOf(transport)
    return transport
  }

  /** Makes a reservation at a relay with a connection to this node; kept and renewed while the connection stands. */
  async reserve(relay: PeerId): Promise<void> {
    await this.#reservations?.addRelay(relay, 'configured')
  }
}

/**
 * Reservations are made directly and not by listening on a relay's address: every such listener stays with libp2p until it stops, and
 * this node's peers learn of the relay from the relay.
 */
function reservationsOf(transport: Transport): Reservations {
  const { reservationStore } = transport as Transport & { readonly reservationStore?: Reservations }
  if (reservationStore === undefined)
    throw new Error("libp2p's circuit transport keeps reservations elsewhere")
  return reservationStore
}
