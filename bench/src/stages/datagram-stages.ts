import { ID_BYTES } from '@wakunet/interface'
import { type AeadAlgorithm, packSocketAddress, SOCKET_ADDRESS_BYTES } from '@wakunet/netio'
import { envelopeBytes, RecordWriter, virtioToFrameHeader } from '@wakunet/record'
import { DatagramChannel, DatagramSocket, MAX_RECORD_LIMIT_BYTES } from '@wakunet/trunk'
import { packedBatch, sampleBatch } from './sample-frame.ts'
import { nextTurn, type Stage, StageMeter } from './stage.ts'

const ALGORITHMS: readonly AeadAlgorithm[] = ['aes-128-gcm', 'aes-256-gcm', 'chacha20-poly1305']
const SUPER_FRAME_BYTES = 44 * 1_348
const FRAME_BYTES = 1_348
const SMALL_FRAMES = 64
const SMALL_FRAME_BYTES = 106
const ECHO_BYTES = 100
/** A path of 1,500-byte packets over IPv4. */
const DATAGRAM_BYTES = 1_472
/** Below what the receiver's socket holds: nothing is lost. */
const MAX_UNDER_WAY_BYTES = 1024 * 1024
const GENERATION = 1

/** The datagram path of a trunk, with both ends in this process, over loopback. */
export function datagramStages(): Stage[] {
  const superFrame = recordOf(sampleBatch(SUPER_FRAME_BYTES))
  return [
    ...ALGORITHMS.map((algorithm) =>
      datagramStage(`trunk datagram path, super-frames, ${algorithm}`, transfer, superFrame, algorithm),
    ),
    datagramStage(`trunk datagram path, ${FRAME_BYTES} bytes`, transfer, recordOf(sampleBatch(FRAME_BYTES))),
    datagramStage(
      `trunk datagram path, ${SMALL_FRAMES} frames of ${SMALL_FRAME_BYTES} bytes`,
      transfer,
      recordOf(packedBatch(SMALL_FRAMES, SMALL_FRAME_BYTES)),
    ),
    datagramStage('trunk datagram path, round trip', echo, recordOf(sampleBatch(ECHO_BYTES))),
  ]
}

interface DatagramEnd {
  readonly socket: DatagramSocket
  readonly channel: DatagramChannel
  readonly index: number
  onRecord: (record: Uint8Array) => void
}

type DatagramTraffic = (
  ends: readonly [DatagramEnd, DatagramEnd],
  record: Uint8Array,
  seconds: number,
) => Promise<StageMeter>

function datagramStage(
  name: string,
  traffic: DatagramTraffic,
  record: Uint8Array,
  algorithm: AeadAlgorithm = 'aes-128-gcm',
): Stage {
  return {
    name,
    async run(seconds) {
      const ends = [await openEnd(), await openEnd()] as const
      try {
        connect(ends[0], ends[1], algorithm)
        connect(ends[1], ends[0], algorithm)
        return (await traffic(ends, record, seconds)).result(name)
      } finally {
        for (const { channel, socket } of ends) {
          channel.close()
          await socket.stop()
        }
      }
    },
  }
}

const transfer: DatagramTraffic = async ([sender, receiver], record, seconds) => {
  let meter = new StageMeter()
  let underWay = 0
  receiver.onRecord = ({ length }) => {
    meter.count(length)
    underWay -= length
  }
  // Once, so that the record's context is known.
  sender.channel.send(record)
  while (receiver.channel.stats.recordsReceived === 0 || sender.channel.stats.datagramsReceived === 0)
    await nextTurn()
  meter = new StageMeter()
  underWay = 0
  while (meter.seconds < seconds) {
    for (; underWay < MAX_UNDER_WAY_BYTES; underWay += record.length) sender.channel.send(record)
    await nextTurn()
  }
  return meter
}

const echo: DatagramTraffic = async ([sender, receiver], record, seconds) => {
  const meter = new StageMeter()
  const done = Promise.withResolvers<void>()
  receiver.onRecord = (arrived) => receiver.channel.send(arrived)
  sender.onRecord = ({ length }) => {
    meter.count(length)
    if (meter.seconds < seconds) sender.channel.send(record)
    else done.resolve()
  }
  sender.channel.send(record)
  await done.promise
  return meter
}

async function openEnd(): Promise<DatagramEnd> {
  const socket = new DatagramSocket({ port: 0, host4: '127.0.0.1', host6: null })
  await socket.start()
  const channel = new DatagramChannel({
    socket,
    maxRecordBytes: MAX_RECORD_LIMIT_BYTES,
    onRecord: (record) => end.onRecord(record),
    onMessage: () => {},
  })
  const end: DatagramEnd = { socket, channel, index: socket.unusedIndex(), onRecord: () => {} }
  return end
}

/** Both ends have the same key: nothing is secret here, and their counters are theirs. */
function connect(from: DatagramEnd, to: DatagramEnd, algorithm: AeadAlgorithm): void {
  const key = new Uint8Array(algorithm === 'aes-128-gcm' ? 16 : 32).fill(7)
  const salt = new Uint8Array(12).fill(9)
  from.channel.addKeys(GENERATION, {
    algorithm,
    sendKey: key,
    sendSalt: salt,
    receiveKey: key,
    receiveSalt: salt,
    sendIndex: to.index,
    receiveIndex: from.index,
  })
  from.channel.useKeys(GENERATION)
  const { host, port } = to.socket.addresses[0]!
  const address = new Uint8Array(SOCKET_ADDRESS_BYTES)
  packSocketAddress(address, 0, host, port)
  from.channel.setPath(address, DATAGRAM_BYTES)
}

/** One record of all frames of a batch. */
function recordOf(batch: ReturnType<typeof sampleBatch>): Uint8Array {
  for (let i = 0; i < batch.count; i++) virtioToFrameHeader(batch.bytes, batch.offsets[i]!, batch.lengths[i]!)
  const id = (fill: number) => new Uint8Array(ID_BYTES).fill(fill)
  const writer = new RecordWriter({ vlanId: id(1), ingress: id(2), bootNonce: new Uint8Array(8).fill(3) })
  const indexes = Uint16Array.from({ length: batch.count }, (_, i) => i)
  let record = new Uint8Array(0)
  writer.write(batch, indexes, batch.count, id(4), [id(4)], ([message]) => {
    record = message!.slice(envelopeBytes(1))
  })
  return record
}
