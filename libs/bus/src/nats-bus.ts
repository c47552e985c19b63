import type { Clock, Logger } from '@wakunet/interface'
import type { BusRole } from './contract.ts'
import { ContractBus } from './contract-bus.ts'
import type { NatsCredentials } from './nats-link.ts'
import { checkNatsPrefix, DEFAULT_NATS_PREFIX } from './nats-subjects.ts'
import { NatsTransport } from './nats-transport.ts'

export interface NatsBusInit {
  /** `host:port` or `nats://host:port`; tried one after the other. */
  readonly servers: readonly string[]
  readonly role: BusRole
  /** First part of every subject; default `wakunet`. Buses with different prefixes share a server unseen. */
  readonly prefix?: string
  readonly credentials?: NatsCredentials
  readonly logger: Logger
  readonly clock: Clock
}

/**
 * The bus over NATS. start() does not fail when the server is away: it connects as soon as it can, and
 * again whenever it was lost. Meanwhile requests fail at once and events are lost.
 */
export class NatsBus extends ContractBus {
  readonly #transport: NatsTransport

  /** @throws WakunetError `ERR_CONFIG_INVALID` where the prefix is no NATS subject */
  constructor(init: NatsBusInit) {
    const { logger, clock, prefix = DEFAULT_NATS_PREFIX, ...rest } = init
    const transport = new NatsTransport({ logger, clock }, { ...rest, prefix: checkNatsPrefix(prefix) })
    super({ transport, logger, clock }, { role: init.role })
    this.#transport = transport
  }

  /** Resolves when the server has seen all that was subscribed and published before. */
  async flush(): Promise<void> {
    await this.#transport.flush()
  }
}
