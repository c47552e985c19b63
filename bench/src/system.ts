import type { Lab, LabProcess } from '@wakunet/netlab'

/** MTU inside every overlay where it can be set, so that none gains by its default. */
export const OVERLAY_MTU = 1400

/** Addresses inside every overlay, and their prefix length. */
export const OVERLAY_ADDRESSES = ['10.77.0.1', '10.77.0.2'] as const
export const OVERLAY_PREFIX_LENGTH = 24

/** How a missing system is installed. */
export interface Installation {
  /** Packages of this machine's own Debian release. */
  readonly aptPackages: readonly string[]
  /** Packages that are unpacked from another release below .cache/bench, without touching the machine's. */
  readonly unpacked?: { readonly suite: string; readonly packages: readonly string[] }
}

/** A way to join two hosts, as the bench sees it. */
export interface System {
  readonly name: string
  /** Ours; the ratios compare these with the others. */
  readonly ours: boolean
  readonly layer: 2 | 3
  readonly crypto: string
  readonly installation: Installation
  /** What is missing to run it, or null. */
  missing(): string | null
  version(): Promise<string>
  /**
   * Builds the overlay between the two hosts of a fresh lab; resolves when its processes run and its interfaces
   * have addresses. The lab's end ends it.
   */
  up(lab: Lab, signal: AbortSignal): Promise<Overlay>
}

export interface Overlay {
  /** One per host; the second is measured from the first. */
  readonly addresses: readonly [string, string]
  /** Processes of the overlay, per host; none for what the kernel does. */
  readonly processes: readonly [readonly LabProcess[], readonly LabProcess[]]
  /** Of the overlay's interface. */
  readonly mtu: number
}
