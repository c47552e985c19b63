import type { Transport } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { guardedYamux } from '@wakunet/trunk'
import type { TrunkPeerConfig } from '../config.ts'
import type { AddressOrder } from './address-order.ts'
import type { RelayClient } from './relay-client.ts'

/** Yamux windows grow up to this; they begin with the 256 KiB of its specification, or other hosts would not agree. */
const MAX_WINDOW_BYTES = 16 * 1024 * 1024
const MAX_READ_BUFFER_BYTES = 4 * 1024 * 1024
const MAX_YAMUX_STREAMS = 16

/** Connections at the most, those without a trunk included. */
export function maxConnections(config: TrunkPeerConfig): number {
  return config.connectionLimit * 2 + 16
}

/** The ways in which this node reaches peers and is reached: TCP, WebSocket where a firewall lets nothing else through, relays. */
export function hostTransports(config: TrunkPeerConfig, relayClient: RelayClient, order: AddressOrder) {
  const create = tcp({ maxConnections: maxConnections(config), backlog: 128 })
  const tcpTransport: typeof create = (components) => watched(create(components), order)
  return [tcpTransport, webSockets(), relayClient.transport]
}

/** Tells how its dials end. */
function watched(transport: Transport, order: AddressOrder): Transport {
  const dial = transport.dial.bind(transport)
  transport.dial = async (address, options) => {
    try {
      const connection = await dial(address, options)
      order.dialled(address.toString(), true)
      return connection
    } catch (error) {
      order.dialled(address.toString(), false)
      throw error
    }
  }
  return transport
}

export function streamMuxers() {
  return [
    guardedYamux({
      maxInboundStreams: MAX_YAMUX_STREAMS,
      maxOutboundStreams: MAX_YAMUX_STREAMS,
      streamOptions: { maxStreamWindowSize: MAX_WINDOW_BYTES, maxReadBufferLength: MAX_READ_BUFFER_BYTES },
    }),
  ]
}
