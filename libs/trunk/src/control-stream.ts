import type { Stream } from '@libp2p/interface'
import { type Clock, WakunetError } from '@wakunet/interface'
import { type ControlMessage, decodeControlMessage, encodeControlMessage } from './control-message.ts'
import { type CloseCode, CONTROL_BURST, CONTROL_PER_SECOND, MAX_CONTROL_BYTES } from './protocol.ts'
import { frameUnit, type StreamData, UnitReader } from './unit-reader.ts'

export interface ControlStreamInit {
  /** A libp2p stream of `TRUNK_PROTOCOL`. */
  readonly stream: Stream
  readonly clock: Clock
  readonly onMessage: (message: ControlMessage) => void
  /** Called once when the peer breaks the protocol; the caller closes the trunk with that code. */
  readonly onViolation: (code: CloseCode, error: WakunetError) => void
  /** Called once when the stream is gone, whoever ended it. */
  readonly onClose: (error?: Error) => void
}

/** Control messages over one libp2p stream, with the peer's rate bounded. */
export class ControlStream {
  readonly #stream: Stream
  readonly #init: ControlStreamInit
  readonly #bucket: TokenBucket
  #ended = false
  #refused = false

  constructor(init: ControlStreamInit) {
    this.#init = init
    this.#stream = init.stream
    this.#bucket = new TokenBucket(CONTROL_BURST, CONTROL_PER_SECOND, init.clock)
    const reader = new UnitReader(MAX_CONTROL_BYTES, (unit) => this.#receive(unit))
    init.stream.addEventListener('message', ({ data }) => {
      if (this.#refused) return
      try {
        reader.push(data as StreamData)
      } catch (error) {
        this.#violation('malformed', error as WakunetError)
      }
    })
    init.stream.addEventListener('close', (event) => this.#end(event.error))
    init.stream.addEventListener('remoteCloseWrite', () => this.#end())
  }

  /** Sends a message unless the stream is gone. @returns whether it was handed to the stream */
  send(message: ControlMessage): boolean {
    if (this.#ended || this.#stream.writeStatus !== 'writable') return false
    try {
      this.#stream.send(frameUnit(encodeControlMessage(message)))
      return true
    } catch {
      return false
    }
  }

  #receive(unit: Uint8Array): void {
    if (this.#refused) return
    if (!this.#bucket.take()) {
      this.#violation('flood', new WakunetError('ERR_DECODE', 'more control messages than allowed'))
      return
    }
    // A message keeps views of its bytes; the unit is reused after the call.
    this.#init.onMessage(decodeControlMessage(unit.slice()))
  }

  #violation(code: CloseCode, error: WakunetError): void {
    if (this.#refused) return
    this.#refused = true
    this.#init.onViolation(code, error)
  }

  #end(error?: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#init.onClose(error)
  }
}

/** Allows a burst, then a steady rate. */
export class TokenBucket {
  readonly #burst: number
  readonly #perSecond: number
  readonly #clock: Clock
  #tokens: number
  #filledAtMs: number

  constructor(burst: number, perSecond: number, clock: Clock) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#clock = clock
    this.#tokens = burst
    this.#filledAtMs = clock.monotonicMs()
  }

  take(): boolean {
    const now = this.#clock.monotonicMs()
    const refill = ((now - this.#filledAtMs) * this.#perSecond) / 1000
    this.#tokens = Math.min(this.#burst, this.#tokens + refill)
    this.#filledAtMs = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
