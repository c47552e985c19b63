import type { Socket } from 'node:net'
import { WakunetError } from '@wakunet/interface'
import type { Bus } from './bus.ts'
import { errorBody } from './codec.ts'
import type { RequestName, RequestOf } from './contract.ts'
import { LineSplitter, parseLine, requestLineSchema } from './control-line.ts'
import { MAX_BUS_MESSAGE_BYTES, MAX_CONTROL_LINE_BYTES, MAX_CONTROL_REQUESTS } from './limits.ts'
import { permitRequest } from './roles.ts'

/** The counters of a control socket while they are being counted. */
export interface ControlCounters {
  clientsRefused: number
  requests: number
  linesMalformed: number
  overloaded: number
}

/** One client of the control socket. */
export class ControlSession {
  readonly #socket: Socket
  readonly #bus: Pick<Bus, 'request'>
  readonly #counters: ControlCounters
  readonly #splitter = new LineSplitter(MAX_CONTROL_LINE_BYTES)
  /** Ends what the client asked for when the client is gone; closing its writing side is the same. */
  readonly #gone = new AbortController()
  #running = 0

  constructor(socket: Socket, bus: Pick<Bus, 'request'>, counters: ControlCounters) {
    this.#socket = socket
    this.#bus = bus
    this.#counters = counters
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    // A broken connection is no more than a client that left; `close` follows.
    socket.on('error', () => {})
    socket.on('close', () => this.#gone.abort())
  }

  close(): void {
    this.#socket.destroy()
  }

  #onData(chunk: Buffer): void {
    const lines = this.#splitter.push(chunk)
    if (lines === null) this.#malformed(`a line may have ${MAX_CONTROL_LINE_BYTES} bytes`)
    for (const line of lines ?? []) {
      if (!this.#socket.writable) return
      if (line.length > 0) this.#onLine(line)
    }
  }

  #onLine(line: Buffer): void {
    const request = parseLine(requestLineSchema, line)
    if (request === null) {
      this.#malformed('a line is {"id": number, "subject": string, "payload": object, "timeoutMs"?: number}')
      return
    }
    if (this.#running >= MAX_CONTROL_REQUESTS || this.#socket.writableLength > MAX_BUS_MESSAGE_BYTES) {
      this.#counters.overloaded++
      const error = new WakunetError(
        'ERR_BUS_OVERLOADED',
        `${MAX_CONTROL_REQUESTS} requests of this client are under way, or it does not read its replies`,
      )
      this.#write({ id: request.id, error: errorBody(error) })
      return
    }
    this.#running++
    this.#answer(request.id, request.subject, request.payload ?? {}, request.timeoutMs).finally(() => {
      this.#running--
    })
  }

  async #answer(id: number, subject: string, payload: unknown, timeoutMs?: number): Promise<void> {
    this.#counters.requests++
    try {
      permitRequest('cli', subject)
      const name = subject as RequestName
      // The bus checks the payload against the schema; its type here is only a claim.
      const reply = await this.#bus.request(name, payload as RequestOf<typeof name>, {
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        signal: this.#gone.signal,
      })
      this.#write({ id, reply })
    } catch (error) {
      this.#write({ id, error: errorBody(error) })
    }
  }

  #malformed(why: string): void {
    this.#counters.linesMalformed++
    this.#write({ id: null, error: { code: 'ERR_DECODE', message: `not a request: ${why}` } })
    this.#socket.end()
    this.#socket.removeAllListeners('data').resume()
  }

  #write(line: object): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(line)}\n`)
  }
}
