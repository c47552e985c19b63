import { BPDU_LLC_BYTES } from '@wakunet/ethernet'
import { compareBytes } from '../control/bytes.ts'
import type { GuardVerdict } from './guard-drops.ts'
import type { Guard, GuardFrame } from './guard-frame.ts'

/** SNAP header of a per-VLAN BPDU of another maker. */
const PVST_SNAP = Uint8Array.of(0xaa, 0xaa, 0x03, 0x00, 0x00, 0x0c, 0x01, 0x0b)
const MIN_ETHERTYPE = 0x0600

/**
 * Real 802.1D BPDUs belong on a TAP that bridges a LAN, and nowhere else: over a trunk none comes (the switches speak their own),
 * and one from an edge TAP means that a bridge is behind it, which somebody has to know about before there is a loop.
 */
export class BpduGuard implements Guard {
  /** Whether the TAP may have bridges behind it. Can be changed at any time. */
  isBridged: boolean
  /** When a BPDU came from the TAP last, null for never: a bridge is behind it. */
  bridgeSeenMs: number | null = null

  constructor(isBridged = false) {
    this.isBridged = isBridged
  }

  inspect(frame: GuardFrame): GuardVerdict {
    const { view, port, nowMs } = frame
    if (view.etherType >= MIN_ETHERTYPE || !isBpdu(frame)) return 'pass'
    if (port.side === 'member') return 'bpdu-member'
    this.bridgeSeenMs = nowMs
    if (!this.isBridged) return 'bpdu-edge'
    return port.take('bpdu', nowMs) ? 'local-bpdu' : 'bpdu-rate'
  }
}

/** By LLC header, whatever the destination: an address of its own would be a way around. */
function isBpdu({ bytes, offset, length, view }: GuardFrame): boolean {
  const llc = offset + view.l3Offset
  if (llc + BPDU_LLC_BYTES > offset + length) return false
  if (bytes[llc] === 0x42 && bytes[llc + 1] === 0x42 && bytes[llc + 2] === 0x03) return true
  if (llc + PVST_SNAP.length > offset + length) return false
  return compareBytes(bytes, llc, PVST_SNAP, 0, PVST_SNAP.length) === 0
}
