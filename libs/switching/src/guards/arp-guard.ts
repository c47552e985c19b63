import { ARP_BYTES, ARP_REPLY, ARP_REQUEST, ETHERTYPE_ARP } from '@wakunet/ethernet'
import { type BindingTable, isBelieved } from './bindings.ts'
import type { GuardVerdict } from './guard-drops.ts'
import { type Guard, type GuardFrame, isInnerVlan, isSourceMac } from './guard-frame.ts'
import type { GuardPort } from './guard-port.ts'

/** Ethernet, IPv4, six and four bytes: the start of every honest ARP packet (RFC 826). */
const ARP_START = Uint8Array.of(0, 1, 8, 0, 6, 4, 0)
const SENDER_MAC = 8
const SENDER_ADDRESS = 14

/** ARP inspection: nobody says that it has an address that is bound elsewhere. */
export class ArpGuard implements Guard {
  readonly #bindings: BindingTable<GuardPort>

  constructor(bindings: BindingTable<GuardPort>) {
    this.#bindings = bindings
  }

  inspect(frame: GuardFrame): GuardVerdict {
    const { bytes, offset, length, view, port, nowMs } = frame
    if (view.etherType !== ETHERTYPE_ARP || isInnerVlan(frame)) return 'pass'
    if (!port.take('arp', nowMs)) return 'arp-rate'
    if (view.l3Offset + ARP_BYTES > length) return 'arp-malformed'
    const at = offset + view.l3Offset
    if (!isHonestForm(bytes, at)) return 'arp-malformed'
    if (!isSourceMac(frame, at + SENDER_MAC)) return 'arp-source'
    const sender = at + SENDER_ADDRESS
    // RFC 5227 §1.1: who probes claims nothing yet. A reply without a sender says nothing at all.
    if (isZero(bytes, sender)) return bytes[at + 7] === ARP_REQUEST ? 'pass' : 'arp-malformed'
    if (!isHostAddress(bytes, sender)) return 'arp-malformed'
    const verdict = this.#bindings.claim(bytes, sender, 4, at + SENDER_MAC, port, nowMs)
    return isBelieved(verdict, port) ? 'pass' : 'arp-spoofed'
  }
}

function isHonestForm(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < ARP_START.length; i++) if (bytes[at + i] !== ARP_START[i]) return false
  return bytes[at + 7] === ARP_REQUEST || bytes[at + 7] === ARP_REPLY
}

function isZero(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === 0 && bytes[at + 3] === 0
}

/** Not loopback, multicast, reserved, or broadcast (RFC 1122 §3.2.1.3). */
function isHostAddress(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at]!
  return first !== 0 && first !== 127 && first < 224
}
