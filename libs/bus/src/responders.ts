import type { Logger } from '@wakunet/interface'
import { WakunetError } from '@wakunet/interface'
import { decodePayload, encodeError, encodeReply } from './codec.ts'
import type { RequestName, RequestSubject } from './contract.ts'
import { MAX_RUNNING_HANDLERS } from './limits.ts'
import type { BusCounters } from './stats.ts'

type Handler = (payload: unknown) => unknown

interface Responder {
  readonly spec: RequestSubject
  readonly handler: Handler
  running: number
}

/** The handlers that answer requests on this connection, with a bound on how many run at a time. */
export class Responders {
  readonly #responders = new Map<RequestName, Responder>()
  readonly #running = new Set<Promise<unknown>>()
  readonly #counters: BusCounters
  readonly #logger: Logger

  constructor(components: { counters: BusCounters; logger: Logger }) {
    this.#counters = components.counters
    this.#logger = components.logger
  }

  /** @throws WakunetError `ERR_INTERNAL` where the subject has a handler already */
  add(subject: RequestName, spec: RequestSubject, handler: Handler): void {
    if (this.#responders.has(subject)) {
      throw new WakunetError('ERR_INTERNAL', `${subject} has a handler on this bus already`)
    }
    this.#responders.set(subject, { spec, handler, running: 0 })
  }

  delete(subject: RequestName): void {
    this.#responders.delete(subject)
  }

  /** Runs the handler of `subject`; resolves with the bytes of the answer, whatever happens. */
  async answer(subject: string, body: Uint8Array): Promise<Uint8Array> {
    const responder = this.#responders.get(subject as RequestName)
    if (responder === undefined) return encodeError(notAnswered(subject))
    if (responder.running >= MAX_RUNNING_HANDLERS) {
      this.#counters.overloaded++
      return encodeError(overloaded(subject))
    }
    responder.running++
    const running = this.#run(subject, responder, body)
    this.#running.add(running)
    try {
      return await running
    } finally {
      responder.running--
      this.#running.delete(running)
    }
  }

  /** Resolves when no handler runs any more. */
  async idle(): Promise<void> {
    await Promise.all(this.#running)
  }

  async #run(subject: string, responder: Responder, body: Uint8Array): Promise<Uint8Array> {
    const { spec, handler } = responder
    let payload: unknown
    try {
      payload = decodePayload(spec.request, body, `request ${subject}`)
    } catch (error) {
      this.#counters.payloadsInvalid++
      return encodeError(error)
    }
    this.#counters.requestsAnswered++
    try {
      return this.#encode(spec, await handler(payload), subject)
    } catch (error) {
      if (!(error instanceof WakunetError)) this.#logger.error('handler failed', { subject, error })
      return encodeError(error)
    }
  }

  #encode(spec: RequestSubject, reply: unknown, subject: string): Uint8Array {
    try {
      return encodeReply(spec.reply, reply, `reply ${subject}`)
    } catch (error) {
      this.#counters.payloadsInvalid++
      this.#logger.error('handler gave a reply that the contract does not allow', { subject, error })
      throw error
    }
  }
}

function notAnswered(subject: string): WakunetError {
  return new WakunetError('ERR_BUS_NO_RESPONDER', `nobody answers ${subject} any more`)
}

function overloaded(subject: string): WakunetError {
  return new WakunetError(
    'ERR_BUS_OVERLOADED',
    `${MAX_RUNNING_HANDLERS} requests on ${subject} are under way already; ask again later`,
  )
}
