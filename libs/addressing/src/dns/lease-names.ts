import { macToString } from '@wakunet/ethernet'
import type { Lease } from '../leases/lease.ts'
import type { NamedAddress, NameSource } from './name-source.ts'
import { NameTable } from './name-table.ts'

/**
 * The names of a VLAN's leases. The table is made when somebody asks for the first time: on most members of a large VLAN nobody
 * ever does.
 */
export class LeaseNames implements NameSource {
  readonly #leases: () => Iterable<Lease>
  #table: NameTable | null = null

  /** @param leases all that count now */
  constructor(leases: () => Iterable<Lease>) {
    this.#leases = leases
  }

  /** A lease counts from now on, in place of the one of its address. */
  set(lease: Lease): void {
    this.#table?.set({ ...lease, station: macToString(lease.mac) })
  }

  /** Nobody has the address any more. */
  delete(address: Uint8Array): void {
    this.#table?.delete(address)
  }

  find(name: string): Iterable<NamedAddress> {
    return this.#names.find(name)
  }

  nameOf(address: Uint8Array): string | null {
    return this.#names.nameOf(address)
  }

  get #names(): NameTable {
    if (this.#table !== null) return this.#table
    this.#table = new NameTable()
    for (const lease of this.#leases()) this.set(lease)
    return this.#table
  }
}
