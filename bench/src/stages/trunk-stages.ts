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
const ECHO_BYTES = 200

/** The stream path of a trunk, libp2p with Noise and Yamux over TCP, with both ends in this process. */
export function trunkStages(): Stage[] {
  return [
    ...RECORD_SIZES.map((bytes) => trunkStage(`trunk stream path, ${bytes} bytes`, transfer, bytes)),
    trunkStage(`trunk stream path, round trip of ${ECHO_BYTES} bytes`, echo, ECHO_BYTES),
  ]
}

interface TrunkEnd {
  readonly path: StreamPath
  onRecord: (record: Uint8Array) => void
}

type TrunkTraffic = (
  ends: readonly [TrunkEnd, TrunkEnd],
  bytes: number,
  seconds: number,
) => Promise<StageMeter>

function trunkStage(name: string, traffic: TrunkTraffic, bytes: number): Stage {
  return {
    name,
    async run(seconds) {
      const hosts = [await createHost(), await createHost()] as const
      try {
        const arrived = Promise.withResolvers<Stream>()
        await hosts[1].handle(FRAMES_PROTOCOL, (stream) => arrived.resolve(stream))
        const outgoing = await hosts[0].dialProtocol(hosts[1].getMultiaddrs()[0]!, FRAMES_PROTOCOL)
        const ends = [trunkEnd(outgoing), trunkEnd(await arrived.promise)] as const
        return (await traffic(ends, bytes, seconds)).result(name)
      } finally {
        await Promise.all(hosts.map((host) => host.stop()))
      }
    },
  }
}

const transfer: TrunkTraffic = async ([sender, receiver], bytes, seconds) => {
  const record = new Uint8Array(bytes)
  const meter = new StageMeter()
  receiver.onRecord = ({ length }) => meter.count(length)
  while (meter.seconds < seconds) {
    for (let i = 0; i < RECORDS_PER_TURN && sender.path.stats.queuedBytes < MAX_QUEUED_BYTES; i++)
      sender.path.send(record)
    await nextTurn()
  }
  return meter
}

const echo: TrunkTraffic = async ([sender, receiver], bytes, seconds) => {
  const record = new Uint8Array(bytes)
  const meter = new StageMeter()
  const done = Promise.withResolvers<void>()
  receiver.onRecord = (arrived) => receiver.path.send(arrived)
  sender.onRecord = ({ length }) => {
    meter.count(length)
    if (meter.seconds < seconds) sender.path.send(record)
    else done.resolve()
  }
  sender.path.send(record)
  await done.promise
  return meter
}

function trunkEnd(stream: Stream): TrunkEnd {
  const path = new StreamPath({
    stream,
    maxRecordBytes: MAX_RECORD_LIMIT_BYTES,
    queueBytes: DEFAULT_QUEUE_BYTES,
    onRecord: (record) => end.onRecord(record),
    onMalformed: (error) => {
      throw error
    },
  })
  const end: TrunkEnd = { path, onRecord: () => {} }
  return end
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
