import type { Bus, Subscription } from '@wakunet/bus'
import type { VlanId } from '@wakunet/interface'
import type { VlanSwitch } from './vlan-switch.ts'

/** What vlan-switch answers on the bus. */
export class BusApi {
  readonly #bus: Bus
  readonly #service: VlanSwitch
  #subscriptions: Subscription[] = []

  constructor(bus: Bus, service: VlanSwitch) {
    this.#bus = bus
    this.#service = service
  }

  start(): void {
    const service = this.#service
    this.#subscriptions = [
      this.#bus.respond('switch.join', (request) => service.join(request)),
      this.#bus.respond('switch.leave', ({ vlan }) => service.leave(vlan)),
      this.#bus.respond('switch.list', () => ({ ports: service.list() })),
      this.#bus.respond('switch.show', ({ vlan }) => service.show(vlan)),
      this.#bus.respond('switch.reach', ({ vlanId, nodeIds }) => service.reach(vlanId as VlanId, nodeIds)),
    ]
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    this.#subscriptions = []
  }
}
