import type { Connection, Libp2p } from '@libp2p/interface'
import type { Clock } from '@wakunet/interface'

/** A connection without a trunk and without streams is closed after this. */
const IDLE_MS = 30_000
/** One without a trunk is closed after this though it has streams: nothing but trunks takes so long. */
const WITHOUT_TRUNK_MS = 120_000
/** Where there are too many, already after this: a hello and identify have had their time. */
const CROWDED_MS = 6_000

export interface IdleConnectionsInit {
  readonly host: Libp2p
  readonly clock: Clock
  readonly isInUse: (connection: Connection) => boolean
  /** Connections without a trunk that may stay for longer. */
  readonly allowed: number
}

/**
 * Closes connections that carry no trunk: those that the DHT and heartbeats are done with, and those of peers that only want to use up
 * this node's places.
 */
export class IdleConnections {
  readonly #init: IdleConnectionsInit
  closed = 0

  constructor(init: IdleConnectionsInit) {
    this.#init = init
  }

  /** Call it every few seconds. */
  tick(): void {
    const { host, clock, isInUse, allowed } = this.#init
    const now = clock.wallMs()
    const others = host
      .getConnections()
      .filter((connection) => !isInUse(connection) && !isRelaying(connection))
      .sort((a, b) => a.timeline.open - b.timeline.open)
    for (const [at, connection] of others.entries()) {
      const ageMs = now - connection.timeline.open
      const crowded = others.length - at > allowed
      const limitMs = crowded ? CROWDED_MS : connection.streams.length > 0 ? WITHOUT_TRUNK_MS : IDLE_MS
      if (ageMs < limitMs) continue
      this.closed++
      connection.close({ signal: AbortSignal.timeout(1_000) }).catch((error) => connection.abort(error))
    }
  }
}

/** True for a connection over a relay, or to one whose service is used: they live as long as their reservation. */
function isRelaying({ limits, streams, remoteAddr }: Connection): boolean {
  return (
    limits !== undefined ||
    remoteAddr.toString().includes('/p2p-circuit') ||
    streams.some(({ protocol }) => protocol?.includes('/circuit/') === true)
  )
}
