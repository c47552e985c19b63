import { yamux } from '@chainsafe/libp2p-yamux'
import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

export type YamuxInit = NonNullable<Parameters<typeof yamux>[0]>

/**
 * libp2p's Yamux, with one hole closed: it sends the first window update of a new stream, and answers to frames that
 * were under way, without a look at the connection; on one that has just closed that throws where nobody can catch it, and
 * a peer that hangs up at the right moment would end the process. Here such frames are dropped.
 */
export function guardedYamux(init: YamuxInit): () => StreamMuxerFactory {
  const create = yamux(init)
  return () => {
    const inner = create()
    return Object.assign(Object.create(inner) as StreamMuxerFactory, {
      createStreamMuxer: (connection: MessageStream) =>
        guard(inner.createStreamMuxer(connection), connection),
    })
  }
}

/** The method of Yamux's muxer through which every frame leaves. */
interface SendingMuxer extends StreamMuxer {
  send(data: Parameters<MessageStream['send']>[0]): boolean
}

function guard(muxer: StreamMuxer, connection: MessageStream): StreamMuxer {
  const sending = muxer as SendingMuxer
  const send = sending.send.bind(sending)
  sending.send = (data) => {
    try {
      return send(data)
    } catch (error) {
      if (connection.status === 'open') throw error
      return false
    }
  }
  return sending
}

/** What a Yamux stream of libp2p is made of, as far as its receive window goes. */
interface YamuxReceiver {
  /** `StreamState` of Yamux. */
  readonly state: number
  /** Bytes that the peer may send in all, and those that are left of them. */
  recvWindow: number
  readonly recvWindowCapacity: number
  sendWindowUpdate(): void
}

const YAMUX_ESTABLISHED = 3

/** Enough that a trunk over 100 ms of delay is not bound by it. */
const FRAMES_WINDOW_BYTES = 4 * 1024 * 1024

/**
 * Gives a stream a large window, and lets it tell its peer of what is free again once half of it is used, as other implementations of Yamux do. libp2p's tells
 * after every frame: one more encryption and packet for each, 15 % of the CPU of a trunk. Streams of another muxer
 * stay as they are.
 */
export function widenWindow(stream: object): void {
  const receiver = stream as YamuxReceiver
  if (typeof receiver.sendWindowUpdate !== 'function' || typeof receiver.recvWindowCapacity !== 'number')
    return
  const sendWindowUpdate = receiver.sendWindowUpdate.bind(stream)
  // Every Yamux stream begins with 256 KiB (its specification); what is more must be told. With a window that only
  // this side knows of, its half is never used, and a peer with another Yamux would wait for ever.
  receiver.recvWindow = Math.max(receiver.recvWindow, FRAMES_WINDOW_BYTES)
  sendWindowUpdate()
  receiver.sendWindowUpdate = () => {
    const plenty = receiver.recvWindowCapacity > receiver.recvWindow / 2
    if (receiver.state !== YAMUX_ESTABLISHED || !plenty) sendWindowUpdate()
  }
}
