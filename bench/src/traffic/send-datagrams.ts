/** A child of the bench on a lab host: sends datagrams as its only argument, a `DatagramStream` as JSON, says; prints how many. */
import { createSocket } from 'node:dgram'
import { packSocketAddress, SOCKET_ADDRESS_BYTES, UdpBatchSocket } from '@wakunet/netio'
import type { DatagramStream, SentStream } from './datagram-stream.ts'

/** Sends some and says how many. */
type SendSome = (count: number) => number

/** Datagrams between two looks at the clock. */
const MOST_AT_ONCE = 64
/** A sender that is behind catches up with so much of its time, and gives up the rest. */
const MAX_BEHIND_SECONDS = 0.05
/** Between two bursts of a paced stream. */
const TICK_MS = 5

const stream = JSON.parse(process.argv[2] ?? '{}') as DatagramStream
const { send, close } = await ((stream.segments ?? 1) > 1 ? openBatch(stream) : openPlain(stream))
console.log(JSON.stringify(await run(stream, send)))
await close()

async function run({ perSecond, seconds }: DatagramStream, sendSome: SendSome): Promise<SentStream> {
  const startedMs = performance.now()
  let datagrams = 0
  let skipped = 0
  for (;;) {
    const elapsed = (performance.now() - startedMs) / 1000
    if (elapsed >= seconds) return { datagrams, seconds: elapsed }
    if (perSecond === 0) datagrams += sendSome(MOST_AT_ONCE)
    else {
      let due = Math.floor(elapsed * perSecond) - datagrams - skipped
      const most = Math.ceil(perSecond * MAX_BEHIND_SECONDS)
      skipped += Math.max(0, due - most)
      due = Math.min(due, most)
      if (due > 0) datagrams += sendSome(due)
    }
    // Sleeping is less exact than turning, and leaves the processor to what is measured.
    if (perSecond === 0) await new Promise((resolve) => setImmediate(resolve))
    else await new Promise((resolve) => setTimeout(resolve, TICK_MS))
  }
}

/** One call of the kernel for each datagram. */
async function openPlain({ source, destination, port, payloadBytes }: DatagramStream) {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ address: source }, resolve)
  })
  socket.setBroadcast(true)
  const payload = new Uint8Array(payloadBytes)
  return {
    send(count: number) {
      for (let i = 0; i < count; i++) socket.send(payload, port, destination)
      return count
    },
    close: () => new Promise<void>((resolve) => socket.close(resolve)),
  }
}

/** Super-frames, as a streaming program that knows what Linux can do. */
async function openBatch({ source, destination, port, payloadBytes, segments = 1 }: DatagramStream) {
  const socket = new UdpBatchSocket({ host: source, port: 0 })
  await socket.start()
  const destinations = new Uint8Array(SOCKET_ADDRESS_BYTES)
  packSocketAddress(destinations, 0, destination, port)
  const sends = {
    bytes: new Uint8Array(segments * payloadBytes),
    offsets: Uint32Array.of(0),
    lengths: Uint32Array.of(segments * payloadBytes),
    segmentSizes: Uint32Array.of(payloadBytes),
    destinations,
    destinationIndexes: Uint32Array.of(0),
    count: 1,
  }
  return {
    send(count: number) {
      let sent = 0
      while (sent + segments <= count && socket.send(sends) === 1) sent += segments
      return sent
    },
    close: () => socket.stop(),
  }
}
