import { connect, type Socket } from 'node:net'
import { type Clock, WakunetError } from '@wakunet/interface'
import type { RequestBus, RequestOptions } from './bus.ts'
import { checkPayload, errorFromBody } from './codec.ts'
import type { ReplyOf, RequestName, RequestOf } from './contract.ts'
import { LineSplitter, MAX_REPLY_LINE_BYTES, parseLine, replyLineSchema } from './control-line.ts'
import { MAX_CONTROL_LINE_BYTES } from './limits.ts'
import { PendingRequests } from './pending-requests.ts'
import { checkSocketPath, codeOf } from './private-socket.ts'
import { permitRequest } from './roles.ts'

export interface ControlSocketClientInit {
  readonly path: string
  readonly clock: Clock
}

interface Waiting {
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: WakunetError) => void
}

/**
 * Asks an embedded node over its control socket. `start` and `request` throw WakunetError `ERR_NOT_RUNNING`
 * where nobody listens, `ERR_MISSING_PRIVILEGE` where this user may not open the socket; a connection that
 * was lost is made anew by the next request.
 */
export class ControlSocketClient implements RequestBus {
  readonly #path: string
  readonly #pending: PendingRequests
  readonly #waiting = new Map<number, Waiting>()
  #socket: Promise<Socket> | null = null
  #nextId = 0

  /** @throws WakunetError `ERR_CONFIG_INVALID` where no socket can have this path */
  constructor(init: ControlSocketClientInit) {
    checkSocketPath(init.path)
    this.#path = init.path
    this.#pending = new PendingRequests(init.clock)
  }

  async start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    await this.#connected()
  }

  async stop(): Promise<void> {
    const socket = await this.#socket?.catch(() => null)
    socket?.destroy()
    this.#lost()
  }

  async request<S extends RequestName>(
    subject: S,
    payload: RequestOf<S>,
    options: RequestOptions = {},
  ): Promise<ReplyOf<S>> {
    const spec = permitRequest('cli', subject)
    const body = checkPayload(spec.request, payload, `request ${subject}`)
    const reply = await this.#pending.run(subject, options, ({ timeoutMs, signal }) =>
      this.#ask({ subject, payload: body, timeoutMs: Math.ceil(timeoutMs) }, signal),
    )
    return checkPayload(spec.reply, reply, `reply ${subject}`) as ReplyOf<S>
  }

  async #ask(request: object, signal: AbortSignal): Promise<unknown> {
    const id = this.#nextId++
    const line = `${JSON.stringify({ id, ...request })}\n`
    if (Buffer.byteLength(line) > MAX_CONTROL_LINE_BYTES) {
      throw new WakunetError('ERR_BUS_INVALID_PAYLOAD', `the request is over ${MAX_CONTROL_LINE_BYTES} bytes`)
    }
    const socket = await this.#connected()
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#waiting.set(id, { resolve, reject })
    signal.addEventListener('abort', () => this.#waiting.delete(id), { once: true })
    socket.write(line)
    return promise
  }

  #connected(): Promise<Socket> {
    this.#socket ??= this.#connect()
    return this.#socket
  }

  #connect(): Promise<Socket> {
    const { promise, resolve, reject } = Promise.withResolvers<Socket>()
    const splitter = new LineSplitter(MAX_REPLY_LINE_BYTES)
    const socket = connect(this.#path, () => resolve(socket))
    socket.on('data', (chunk: Buffer) => this.#onData(socket, splitter, chunk))
    socket.on('error', (error) => reject(connectError(this.#path, error)))
    // `error` comes before; this only matters where there was a connection.
    socket.on('close', () => {
      if (this.#socket === promise) this.#lost()
    })
    return promise
  }

  #onData(socket: Socket, splitter: LineSplitter, chunk: Buffer): void {
    const lines = splitter.push(chunk)
    if (lines === null) socket.destroy()
    for (const line of lines ?? []) {
      const parsed = parseLine(replyLineSchema, line)
      if (parsed === null) socket.destroy()
      else if ('reply' in parsed) this.#take(parsed.id)?.resolve(parsed.reply)
      else if (parsed.id === null) this.#failAll(errorFromBody(parsed.error))
      else this.#take(parsed.id)?.reject(errorFromBody(parsed.error))
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  #lost(): void {
    this.#socket = null
    this.#failAll(
      new WakunetError('ERR_BUS_DISCONNECTED', `the node closed its control socket ${this.#path}`),
    )
  }

  #failAll(error: WakunetError): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

function connectError(path: string, cause: Error): WakunetError {
  const code = codeOf(cause)
  if (code === 'EACCES' || code === 'EPERM') {
    return new WakunetError(
      'ERR_MISSING_PRIVILEGE',
      `this user may not open the control socket ${path}: run the command as the user that runs the node, or with sudo`,
      { cause },
    )
  }
  return new WakunetError(
    'ERR_NOT_RUNNING',
    `no Wakunet node listens on ${path} (${code}): start one with "wakunet up", or name its control socket`,
    { cause },
  )
}
