import { bytesToHex } from '@noble/hashes/utils.js'
import { macFromString, readMac } from '@wakunet/ethernet'
import type { AddressPlan, AddressReservation } from '../address-plan.ts'
import { type Cidr, networkOf, parseCidr } from '../cidr.ts'
import { derive } from '../derive.ts'
import { parseIpv4 } from '../ip-address.ts'
import { parseSubnet4 } from '../member-address.ts'
import { toUint32 } from './address-order.ts'
import { AddressWalk } from './address-walk.ts'
import type { Claim } from './claim-order.ts'
import { isOwnAddress } from './lease.ts'

/** `<prefix>::53`, the station's. */
const STATION_ID = 0x53

/** Who an address is kept for: MAC address (48-bit integer) or node id (hexadecimal text). */
type Keeper = { readonly mac: number } | { readonly nodeId: string }

/** The addresses of a VLAN as its plan has them: which ones there are, which may be given, and for whom some are kept. */
export class AddressSpace {
  readonly subnet4: Cidr
  readonly subnet6: Cidr
  /** Given away, both included. Some in between may not be. */
  readonly first: number
  readonly last: number
  readonly #vlanText: string
  readonly #network: number
  readonly #broadcast: number
  readonly #router: number | null
  readonly #keepers = new Map<number, Keeper>()
  readonly #byMac = new Map<number, number>()
  readonly #byNode = new Map<string, number>()

  /**
   * @param vlanText id of the VLAN, hexadecimal
   * @throws WakunetError `ERR_ADDRESS_INVALID` for a plan whose subnets are none
   */
  constructor(plan: AddressPlan, vlanText: string) {
    this.#vlanText = vlanText
    this.subnet4 = parseSubnet4(plan.subnet4)
    this.subnet6 = networkOf(parseCidr(plan.subnet6))
    this.#network = toUint32(this.subnet4.bytes)
    this.#broadcast = this.#network + 2 ** (32 - this.subnet4.prefixLength) - 1
    this.#router = numberOf(plan.router4)
    this.first = Math.max(this.#network + 2, numberOf(plan.pool4?.first) ?? 0)
    this.last = Math.min(this.#broadcast - 1, numberOf(plan.pool4?.last) ?? this.#broadcast)
    for (const reservation of plan.reservations ?? []) this.#reserve(reservation)
  }

  #reserve({ mac, nodeId, address4 }: AddressReservation): void {
    const address = numberOf(address4)
    if (address === null || !this.isHost4(address)) return
    if (mac !== undefined) {
      const number = readMac(macFromString(mac), 0)
      this.#keepers.set(address, { mac: number })
      this.#byMac.set(number, address)
    } else if (nodeId !== undefined) {
      this.#keepers.set(address, { nodeId })
      this.#byNode.set(nodeId, address)
    }
  }

  /** The station's own address. */
  get station4(): number {
    return this.#network + 1
  }

  /** Whether a host can have this IPv4 address. */
  isHost4(address: number): boolean {
    return address > this.station4 && address < this.#broadcast
  }

  /** Whether a host can have this address of 4 or 16 bytes: what else is claimed counts for nothing. */
  isHost(address: Uint8Array): boolean {
    if (address.length === 4) return this.isHost4(toUint32(address))
    const prefix = this.subnet6.bytes
    for (let i = 0; i < 8; i++) if (address[i] !== prefix[i]) return false
    const tail = address.subarray(8)
    return tail.subarray(0, 7).some((byte) => byte !== 0) || (tail[7] !== 0 && tail[7] !== STATION_ID)
  }

  /** Whether the address may be given to whoever comes first. */
  isInPool(address: number): boolean {
    return (
      address >= this.first && address <= this.last && address !== this.#router && !this.#keepers.has(address)
    )
  }

  get poolSize(): number {
    return Math.max(0, this.last - this.first + 1)
  }

  /** The address that is kept for this station, or null. */
  reservedForMac(mac: number): number | null {
    return this.#byMac.get(mac) ?? null
  }

  /** The address that is kept for the own interface of this member, or null. */
  reservedForNode(nodeText: string): number | null {
    return this.#byNode.get(nodeText) ?? null
  }

  /**
   * Whether the lease's address is for nobody but the one who has it: the plan reserves it, or it is the IPv6 address that
   * follows from the MAC address of a member.
   */
  isReservedFor(lease: Claim): boolean {
    if (lease.address.length !== 4) return isOwnAddress(lease) && hasEui64Of(lease.address, lease.mac)
    const keeper = this.#keepers.get(toUint32(lease.address))
    if (keeper === undefined) return false
    if ('mac' in keeper) return keeper.mac === readMac(lease.mac, 0)
    return isOwnAddress(lease) && keeper.nodeId === bytesToHex(lease.owner)
  }

  /**
   * The order in which addresses of the pool are tried for somebody; the same every time.
   * @param who node id of a member, or MAC address of a host, as text
   */
  walkOf(who: string): AddressWalk | null {
    if (this.poolSize === 0) return null
    return new AddressWalk(this.first, this.poolSize, derive('address4 walk', [this.#vlanText, who], 16))
  }
}

function numberOf(text: string | undefined): number | null {
  const bytes = text === undefined ? null : parseIpv4(text)
  return bytes === null ? null : toUint32(bytes)
}

/** RFC 4291 appendix A. */
function hasEui64Of(address: Uint8Array, mac: Uint8Array): boolean {
  const eui = [mac[0]! ^ 2, mac[1]!, mac[2]!, 0xff, 0xfe, mac[3]!, mac[4]!, mac[5]!]
  return eui.every((byte, i) => address[8 + i] === byte)
}
