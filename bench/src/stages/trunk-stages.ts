import { yamux } from '@chainsafe/libp2p-yamux'
import type { Libp2p, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import {
  DEFAULT_QUEUE_BYTES,
  FRAMES_PROTOCOL,
  MAX_RECORD_LIMIT_BYTES,
  nativeNoise,
  StreamPath,
} from '@wakunet/trunk'
import { createLibp2p } from 'libp2p'
import { nextTurn, type Stage, StageMeter } from './stage.ts'

const RECORD_SIZES = [1_500, 60_000] as const
/** As trunk-peer sets them. */
const INITIAL_WINDOW_BYTES = 4 * 1024 * 1024
const MAX_WINDOW_BYTES = 16 * 1024 * 1024
/** Below the queue's limit: nothing is dropped. */
const MAX_QUEUED_BYTES = DEFAULT_QUEUE_BYTES / 2
const RECORDS_PER_TURN = 64

/** The stream path of a trunk, libp2p with Noise and Yamux over TCP, with both ends in this process. */
export function trunkStages(): Stage[] {
  return RECORD_SIZES.map((bytes) => {
    const name = `trunk stream path, ${bytes} bytes`
    return { name, run: (seconds) => transfer(name, bytes, seconds) }
  })
}

async function transfer(name: string, recordBytes: number, seconds: number) {
  const hosts = [await createHost(), await createHost()] as const
  try {
    const arrived = Promise.withResolvers<Stream>()
    await hosts[1].handle(FRAMES_PROTOCOL, (stream) => arrived.resolve(stream))
    const outgoing = await hosts[0].dialProtocol(hosts[1].getMultiaddrs()[0]!, FRAMES_PROTOCOL)
    const meterOf = { current: new StageMeter() }
    const sender = pathOn(outgoing, () => {})
    pathOn(await arrived.promise, (bytes) => meterOf.current.count(bytes))
    const record = new Uint8Array(recordBytes)
    const meter = new StageMeter()
    meterOf.current = meter
    while (meter.seconds < seconds) {
      for (let i = 0; i < RECORDS_PER_TURN && sender.stats.queuedBytes < MAX_QUEUED_BYTES; i++)
        sender.send(record)
      await nextTurn()
    }
    return meter.result(name)
  } finally {
    await Promise.all(hosts.map((host) => host.stop()))
  }
}

function pathOn(stream: Stream, onBytes: (bytes: number) => void): StreamPath {
  return new StreamPath({
    stream,
    maxRecordBytes: MAX_RECORD_LIMIT_BYTES,
    queueBytes: DEFAULT_QUEUE_BYTES,
    onRecord: (record) => onBytes(record.length),
    onMalformed: (error) => {
      throw error
    },
  })
}

function createHost(): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [nativeNoise()],
    streamMuxers: [
      yamux({
        streamOptions: {
          initialStreamWindowSize: INITIAL_WINDOW_BYTES,
          maxStreamWindowSize: MAX_WINDOW_BYTES,
        },
      }),
    ],
    connectionMonitor: { enabled: false },
  })
}
