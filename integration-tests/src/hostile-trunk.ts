import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Connection, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import {
  type ControlMessage,
  decodeControlMessage,
  encodeControlMessage,
  FRAMES_PROTOCOL,
  frameUnit,
  MAX_CONTROL_BYTES,
  MAX_RECORD_LIMIT_BYTES,
  type StreamData,
  TRUNK_PROTOCOL,
  UnitReader,
  type WireMembership,
} from '@wakunet/trunk'
import { createLibp2p, type Libp2p } from 'libp2p'

const STEP_TIMEOUT_MS = 10_000
/** Above what trunk-peer lets in from one address in a second (`inboundConnectionThreshold`, 16). */
const PAUSE_BETWEEN_CONNECTIONS_MS = 80

/** A plain libp2p host with stock Noise and Yamux, as anybody can run one. */
export async function createHostileHost(): Promise<Libp2p> {
  return createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  })
}

/**
 * The initiator's side of one trunk with no manners built in: it goes through the honest opening, then puts on
 * its streams whatever it is told to.
 */
export class HostileTrunk {
  /** Settles when the other side has closed the connection. */
  readonly closed: Promise<void>
  readonly #connection: Connection
  readonly #control: Stream
  #frames: Stream | null = null
  #sequence = 0

  private constructor(connection: Connection, control: Stream) {
    this.#connection = connection
    this.#control = control
    this.closed = new Promise((resolve) =>
      connection.addEventListener('close', () => resolve(), { once: true }),
    )
  }

  /** Opens a trunk in which this peer is a member of the VLANs it announces. */
  static async open(
    host: Libp2p,
    address: string,
    bootNonce: Uint8Array,
    memberships: readonly WireMembership[],
  ): Promise<HostileTrunk> {
    const trunk = await HostileTrunk.connect(host, address)
    const theirs = trunk.#listen()
    trunk.sendControl(helloMessage(bootNonce))
    await within(theirs.hello, "the victim's hello")
    await trunk.openFrames()
    await within(theirs.memberships, "the victim's memberships")
    trunk.announce(memberships)
    return trunk
  }

  /** A connection with a control stream on which nothing has been said. */
  static async connect(host: Libp2p, address: string): Promise<HostileTrunk> {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_BETWEEN_CONNECTIONS_MS))
    const signal = AbortSignal.timeout(STEP_TIMEOUT_MS)
    const connection = await host.dial(multiaddr(address), { signal, force: true })
    return new HostileTrunk(connection, await connection.newStream(TRUNK_PROTOCOL, { signal }))
  }

  async openFrames(): Promise<void> {
    const signal = AbortSignal.timeout(STEP_TIMEOUT_MS)
    this.#frames = await this.#connection.newStream(FRAMES_PROTOCOL, { signal })
  }

  /** Replaces what this peer says of itself. */
  announce(memberships: readonly WireMembership[]): void {
    this.sendControl({ type: 'memberships', sequence: ++this.#sequence, memberships: [...memberships] })
  }

  sendControl(message: ControlMessage): void {
    this.sendControlBytes(frameUnit(encodeControlMessage(message)))
  }

  /** Puts bytes on the control stream as they are. A stream that has been closed takes nothing. */
  sendControlBytes(bytes: Uint8Array): void {
    if (this.#control.writeStatus === 'writable') this.#control.send(bytes)
  }

  /** Puts a record behind its length on the frames stream, no faster than the stream takes it. */
  async sendRecord(record: Uint8Array): Promise<void> {
    await this.sendFrameBytes(frameUnit(record))
  }

  /** Puts bytes on the frames stream as they are. */
  async sendFrameBytes(bytes: Uint8Array): Promise<void> {
    if (this.#frames === null) throw new Error('the frames stream was not opened')
    if (!this.#frames.send(bytes))
      await this.#frames.onDrain({ signal: AbortSignal.timeout(STEP_TIMEOUT_MS) })
  }

  /** Waits until the other side has ended the connection. */
  async refused(): Promise<void> {
    await within(this.closed, 'the victim to close the trunk')
  }

  /** Vanishes without a word, in the middle of whatever was sent. */
  abort(): void {
    this.#connection.abort(new Error('hostile'))
  }

  #listen(): { hello: Promise<void>; memberships: Promise<void> } {
    const hello = Promise.withResolvers<void>()
    const memberships = Promise.withResolvers<void>()
    const reader = new UnitReader(MAX_CONTROL_BYTES, (unit) => {
      const message = decodeControlMessage(unit.slice())
      if (message.type === 'hello') hello.resolve()
      else if (message.type === 'memberships') memberships.resolve()
      else if (message.type === 'heartbeat')
        this.sendControl({ type: 'heartbeat-ack', sequence: message.sequence })
    })
    this.#control.addEventListener('message', ({ data }) => reader.push(data as StreamData))
    return { hello: hello.promise, memberships: memberships.promise }
  }
}

/** An honest hello. */
export function helloMessage(bootNonce: Uint8Array): ControlMessage {
  return {
    type: 'hello',
    versions: [1],
    agent: 'hostile',
    role: [],
    bootNonce,
    capabilities: [],
    maxRecordBytes: MAX_RECORD_LIMIT_BYTES,
    maxVlans: 16,
    heartbeatMs: 1_000,
    wallMs: Date.now(),
  }
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const timeout = Promise.withResolvers<never>()
  const timer = setTimeout(() => timeout.reject(new Error(`waited in vain for ${what}`)), STEP_TIMEOUT_MS)
  try {
    return await Promise.race([promise, timeout.promise])
  } finally {
    clearTimeout(timer)
  }
}
