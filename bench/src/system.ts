import type { Lab, LabProcess } from '@wakunet/netlab'

/** MTU inside every overlay where it can be set, so that none gains by its default. */
export const OVERLAY_MTU = 1400

/** Addresses inside every overlay, and their prefix length. */
export const OVERLAY_SUBNET = '10.77.0.0/24'
export const OVERLAY_PREFIX_LENGTH = 24
export const OVERLAY_BROADCAST = '10.77.0.255'
/** The first addresses of a subnet are often somebody's: a gateway's, or the switch's own. */
const FIRST_HOST = 11

/** @param index of the host in its lab, from 0 */
export function overlayAddress(index: number): string {
  return `10.77.0.${FIRST_HOST + index}`
}

/** How a missing system is installed. */
export interface Installation {
  /** Packages of this machine's own Debian release. */
  readonly aptPackages: readonly string[]
  /** Packages that are unpacked from another release below .cache/bench, without touching the machine's. */
  readonly unpacked?: { readonly suite: string; readonly packages: readonly string[] }
}

/** A way to join hosts, as the bench sees it. */
export interface System {
  readonly name: string
  /** Ours; the ratios compare these with the others. */
  readonly ours: boolean
  readonly layer: 2 | 3
  readonly crypto: string
  readonly installation: Installation
  /** Whether it joins only two hosts, the way it is set up here. */
  readonly isPair: boolean
  /** What is missing to run it, or null. */
  missing(): string | null
  version(): Promise<string>
  /**
   * Builds the overlay among all hosts of a fresh lab; resolves when its processes run and its interfaces
   * have addresses. The lab's end ends it.
   */
  up(lab: Lab, signal: AbortSignal): Promise<Overlay>
}

export interface Overlay {
  /** One per host. */
  readonly addresses: readonly string[]
  /** Processes of the overlay, per host; none for what the kernel does. */
  readonly processes: readonly (readonly LabProcess[])[]
  /** Its interface on every host. */
  readonly interfaceName: string
  /** Of the overlay's interface. */
  readonly mtu: number
}
