// Opens a stream on a connection that has begun to close. Ends with 0 unless something was thrown that nobody caught.
import { yamux } from '@chainsafe/libp2p-yamux'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { guardedYamux } from '../../src/index.ts'

const factory = process.argv[2] === 'guarded' ? guardedYamux({})() : yamux()()
const [connection] = multiaddrConnectionPair()
const muxer = factory.createStreamMuxer(connection)
await Promise.allSettled([connection.close(), muxer.createStream()])
