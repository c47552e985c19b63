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
