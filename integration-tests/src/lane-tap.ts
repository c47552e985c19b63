/**
 * The program of a hostile member in the middle. It sits on the lane between trunk-peer and vlan-switch of a host whose node is honest,
 * and does what it is told with the records that the host passes on for others. So spanning tree, link state and announcements are those of
 * a real node, and what the program sees is what such a host can see.
 *
 * ```text
 *   trunk-peer ─ lane.sock ─ lane-tap ─ tapped.sock ─ vlan-switch
 *
 *   node lane-tap.ts <lane.sock> <tapped.sock>
 *   mode honest|record|modify|replay|drop · find HEX · inject KIND INGRESS EGRESS SOURCE DESTINATION N
 * ```
 *
 * It reads one command a line and answers each with one line of JSON; `LaneTap` drives it.
 */
import { createInterface } from 'node:readline'
import { UnixLaneClient, UnixLaneServer } from '@wakunet/lane'
import { decodeEnvelope, RECORD_FIELD, RECORD_HEADER_BYTES } from '@wakunet/record'
import { createLogger, systemClock } from '@wakunet/service-kit'
import { seededRandom, testSeed } from '@wakunet/testing'
import { type Injection, injectedRecord, isRelayed } from './relayed-record.ts'

const LANE_NAME = 'vlan-switch'
/** Most that is kept of what went by. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024
/** One in so many is dropped, where some are. */
const DROP_EVERY = 4
/** Copies of a record, each with another bit changed, or each the same. */
const COPIES = 3
/** Records that are repeated much later. */
const LATE_COPIES = 16
/** Sequences of its own are ahead of those that an honest switch has come to. */
const AHEAD = 2 ** 40

type Mode = 'honest' | 'record' | 'modify' | 'replay' | 'drop'

class LaneTapProgram {
  readonly #server: UnixLaneServer
  readonly #client: UnixLaneClient
  /** The host's own node id; null before its switch has said anything. */
  #self: Uint8Array | null = null
  readonly #random = seededRandom(testSeed)
  readonly #envelope = { nodeCount: 0, recordOffset: 0 }
  #mode: Mode = 'honest'
  #kept: Uint8Array[] = []
  #keptBytes = 0
  #relayed = 0
  #sent = 0
  #dropped = 0
  #injected = 0

  constructor(lane: string, tapped: string) {
    const components = {
      logger: createLogger({ name: 'lane-tap', level: 'error', format: 'json' }),
      clock: systemClock,
    }
    this.#client = new UnixLaneClient({ path: lane, name: LANE_NAME, ...components })
    this.#server = new UnixLaneServer({ path: tapped, ...components })
  }

  async start(): Promise<void> {
    this.#server.onConnection = (connection) => {
      connection.onMessage = (message) => this.#fromSwitch(message)
    }
    this.#client.onMessage = (message) => this.#server.connections.get(LANE_NAME)?.send([message])
    await this.#server.start()
    await this.#client.start()
  }

  #fromSwitch(message: Uint8Array): void {
    if (!decodeEnvelope(message, this.#envelope)) return
    const record = message.subarray(this.#envelope.recordOffset)
    // Whatever a switch sends first is its own: control for a neighbour.
    this.#self ??= record.slice(RECORD_FIELD.ingress, RECORD_FIELD.egress)
    if (isRelayed(record, this.#self)) this.#relay(message)
    else this.#client.send([message])
  }

  #relay(message: Uint8Array): void {
    this.#relayed++
    if (this.#mode !== 'honest') this.#keep(message)
    if (this.#mode === 'drop' && this.#relayed % DROP_EVERY === 0) {
      this.#dropped++
      return
    }
    if (this.#mode === 'modify') for (let i = 0; i < COPIES; i++) this.#send(this.#changed(message))
    this.#client.send([message])
    if (this.#mode !== 'replay') return
    for (let i = 0; i < COPIES; i++) this.#send(message)
    const old = this.#kept[this.#kept.length - LATE_COPIES]
    if (old !== undefined) this.#send(old)
  }

  #send(message: Uint8Array): void {
    this.#sent++
    this.#client.send([message])
  }

  #keep(message: Uint8Array): void {
    this.#kept.push(message.slice())
    this.#keptBytes += message.length
    while (this.#keptBytes > MAX_KEPT_BYTES) this.#keptBytes -= this.#kept.shift()!.length
  }

  /** A copy with one bit changed, anywhere but in the envelope, the VLAN and what leads the record to its egress node. */
  #changed(message: Uint8Array): Uint8Array {
    const copy = message.slice()
    const record = this.#envelope.recordOffset
    const places = [RECORD_FIELD.frameCount, RECORD_FIELD.sequence + 7, RECORD_FIELD.bootNonce]
    const body =
      RECORD_HEADER_BYTES + Math.floor(this.#random() * (copy.length - record - RECORD_HEADER_BYTES))
    const place = this.#random() < 0.5 ? body : places[Math.floor(this.#random() * places.length)]!
    copy[record + place]! ^= 1 << Math.floor(this.#random() * 8)
    return copy
  }

  run(command: string): object {
    const [kind, ...words] = command.split(' ')
    if (kind === 'mode') {
      this.#mode = words[0] as Mode
      this.#kept = []
      this.#keptBytes = 0
      this.#relayed = 0
      this.#sent = 0
      this.#dropped = 0
    } else if (kind === 'inject') this.#inject(words)
    const found = kind === 'find' ? this.#find(Buffer.from(words[0]!, 'hex')) : 0
    return { relayed: this.#relayed, sent: this.#sent, dropped: this.#dropped, found }
  }

  /** How many of the records that were kept have these bytes in them. */
  #find(bytes: Buffer): number {
    return this.#kept.filter((message) => Buffer.from(message).includes(bytes)).length
  }

  /** Records of its own from one node to another, where the last true one of the two went. */
  #inject([kind, ingress, egress, source, destination, times]: readonly string[]): void {
    const pair = Buffer.from(`${ingress}${egress}`, 'hex')
    const seen = this.#kept.findLast((message) => Buffer.from(message).includes(pair))
    if (seen === undefined || !decodeEnvelope(seen, this.#envelope)) throw new Error('nothing went by so far')
    const { recordOffset } = this.#envelope
    const macs = { source: source!, destination: destination! }
    for (let i = 0; i < Number(times); i++) {
      const sequence = AHEAD + ++this.#injected
      const record = injectedRecord(kind as Injection, seen.subarray(recordOffset), macs, sequence)
      this.#send(new Uint8Array(Buffer.concat([seen.subarray(0, recordOffset), record])))
    }
  }
}

const [lane = '', tapped = ''] = process.argv.slice(2)
const program = new LaneTapProgram(lane, tapped)
await program.start()
process.stdout.write('{"ready":true}\n')
let answered = 0
for await (const command of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify({ answer: ++answered, ...program.run(command) })}\n`)
process.exit(0)
