import { macFromString } from '@wakunet/ethernet'
import { FRAME_HEADER_BYTES, type FrameBatch, type TapPort } from '@wakunet/interface'
import { openTap, packSocketAddress, SOCKET_ADDRESS_BYTES, UdpBatchSocket } from '@wakunet/netio'
import { runCommand } from '@wakunet/netlab'
import { nextTurn, type Stage, StageMeter } from './stage.ts'

const INTERFACE = 'stage0'
const HOST = '10.78.0.1'
const PEER = '10.78.0.2'
const PEER_MAC = '02:00:00:00:00:02'
const DISCARD_PORT = 9
const SEGMENT_BYTES = 1_300
const SEGMENTS = 44
const SUPER_FRAME_BYTES = SEGMENT_BYTES * SEGMENTS
const SENDS_PER_TURN = 8

/** The TAP's two directions. They make an interface: run them in a namespace of a lab. */
export function tapStages(): Stage[] {
  return [
    {
      name: 'TAP read, super-frames, with the UDP send that feeds it',
      run: (seconds) => withTap(seconds, readFrames),
    },
    { name: 'TAP write, super-frames', run: (seconds) => withTap(seconds, writeFrames) },
  ]
}

type TapStage = (tap: TapPort, feed: () => void, seconds: number) => Promise<ReturnType<StageMeter['result']>>

async function withTap(seconds: number, stage: TapStage) {
  const tap = openTap({ name: INTERFACE, mtu: 1400, addresses: [`${HOST}/24`] })
  const socket = new UdpBatchSocket({ host: HOST, port: 0 })
  try {
    await tap.start()
    await runCommand('ip', ['neigh', 'replace', PEER, 'lladdr', PEER_MAC, 'dev', INTERFACE])
    await socket.start()
    return await stage(tap, feeder(socket), seconds)
  } finally {
    await socket.stop()
    await tap.stop()
  }
}

/** Sends super-frames to a neighbour behind the TAP, which hands them out. */
function feeder(socket: UdpBatchSocket): () => void {
  const destinations = new Uint8Array(SOCKET_ADDRESS_BYTES)
  packSocketAddress(destinations, 0, PEER, DISCARD_PORT)
  const sends = {
    bytes: new Uint8Array(SUPER_FRAME_BYTES),
    offsets: new Uint32Array(SENDS_PER_TURN),
    lengths: new Uint32Array(SENDS_PER_TURN).fill(SUPER_FRAME_BYTES),
    segmentSizes: new Uint32Array(SENDS_PER_TURN).fill(SEGMENT_BYTES),
    destinations,
    destinationIndexes: new Uint32Array(SENDS_PER_TURN),
    count: SENDS_PER_TURN,
  }
  return () => void socket.send(sends)
}

const readFrames: TapStage = async (tap, feed, seconds) => {
  const meter = new StageMeter()
  tap.onFrames = (batch) => {
    for (let i = 0; i < batch.count; i++) meter.count(batch.lengths[i]!)
  }
  while (meter.seconds < seconds) {
    feed()
    await nextTurn()
  }
  return meter.result('TAP read, super-frames, with the UDP send that feeds it')
}

/** What the TAP gave is written back to it as if it came from the neighbour; the host drops it after routing. */
const writeFrames: TapStage = async (tap, feed, seconds) => {
  const batch = await firstSuperFrame(tap, feed)
  const [offset, length] = [batch.offsets[0]!, batch.lengths[0]!]
  const mac = macFromString(tap.mac)
  const start = offset + FRAME_HEADER_BYTES
  batch.bytes.copyWithin(start + mac.length, start, start + mac.length)
  batch.bytes.set(mac, start)
  const meter = new StageMeter()
  while (meter.seconds < seconds) {
    for (let i = 0; i < SENDS_PER_TURN; i++) {
      if (tap.write(batch) === 1) meter.count(length)
    }
    await nextTurn()
  }
  return meter.result('TAP write, super-frames')
}

async function firstSuperFrame(tap: TapPort, feed: () => void): Promise<FrameBatch> {
  let found: FrameBatch | null = null
  tap.onFrames = ({ bytes, offsets, lengths, count }) => {
    for (let i = 0; i < count && found === null; i++) {
      if (lengths[i]! < SUPER_FRAME_BYTES) continue
      const copy = bytes.slice(offsets[i]!, offsets[i]! + FRAME_HEADER_BYTES + lengths[i]!)
      found = { bytes: copy, offsets: Uint32Array.of(0), lengths: Uint32Array.of(lengths[i]!), count: 1 }
    }
  }
  while (found === null) {
    feed()
    await nextTurn()
  }
  tap.onFrames = null
  return found
}
