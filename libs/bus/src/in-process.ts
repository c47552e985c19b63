import type { Clock, Logger } from '@wakunet/interface'
import { WakunetError } from '@wakunet/interface'
import type { Bus } from './bus.ts'
import type { BusRole, Subject } from './contract.ts'
import { ContractBus } from './contract-bus.ts'
import type { BusTransport, BusTransportSink } from './transport.ts'

export interface InProcessBusComponents {
  readonly logger: Logger
  readonly clock: Clock
}

/**
 * The bus inside one process: every `connect` is a connection of its own, and they hear each other while
 * they are started. Messages are JSON text on their way, as on the real bus, and arrive later, never within
 * the call that sends them; so nobody shares an object with anybody, and what works here works over NATS.
 */
export class InProcessBusHub {
  readonly #components: InProcessBusComponents
  readonly #links = new Set<InProcessLink>()

  constructor(components: InProcessBusComponents) {
    this.#components = components
  }

  /** A new connection; like any other it carries nothing before `start()`. */
  connect(role: BusRole): Bus {
    const transport = new InProcessLink(this.#links)
    return new ContractBus({ ...this.#components, transport }, { role })
  }
}

class InProcessLink implements BusTransport {
  sink: BusTransportSink | null = null
  readonly #links: Set<InProcessLink>
  readonly #open = new Set<Subject>()
  #connected = false

  constructor(links: Set<InProcessLink>) {
    this.#links = links
  }

  get connected(): boolean {
    return this.#connected
  }

  async start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#connected) return
    this.#connected = true
    this.#links.add(this)
    this.sink?.onConnected()
  }

  async stopReceiving(): Promise<void> {
    this.#links.delete(this)
  }

  async stop(): Promise<void> {
    if (!this.#connected) return
    this.#connected = false
    this.#links.delete(this)
    this.sink?.onDisconnected()
  }

  async request(subject: Subject, body: Uint8Array): Promise<Uint8Array> {
    const link = this.#listeners(subject)[0]
    if (link?.sink == null) {
      throw new WakunetError('ERR_BUS_NO_RESPONDER', `nobody answers ${subject}: is its service running?`)
    }
    // The one who answered goes to the end, so that several responders take turns, as in a NATS queue group.
    this.#links.delete(link)
    this.#links.add(link)
    const { sink } = link
    await Promise.resolve()
    return sink.onRequest(subject, body)
  }

  publish(subject: Subject, body: Uint8Array): boolean {
    for (const link of this.#listeners(subject)) link.sink?.onEvent(subject, body)
    return true
  }

  open(subject: Subject): void {
    this.#open.add(subject)
  }

  close(subject: Subject): void {
    this.#open.delete(subject)
  }

  #listeners(subject: Subject): InProcessLink[] {
    return [...this.#links].filter((link) => link.#open.has(subject))
  }
}
