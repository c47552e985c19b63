import {
  ICMPV6_HEADER_BYTES,
  LATER_FRAGMENT,
  ND_HOP_LIMIT,
  ND_NEIGHBOR_ADVERTISEMENT,
  ND_NEIGHBOR_SOLICITATION,
  ND_OPTION_SOURCE_LINK_ADDRESS,
  ND_OPTION_TARGET_LINK_ADDRESS,
  NOT_FRAGMENTED,
  PROTOCOL_ICMPV6,
} from '@wakunet/ethernet'
import { type BindingTable, isBelieved } from './bindings.ts'
import type { GuardVerdict } from './guard-drops.ts'
import { type Guard, type GuardFrame, isInnerVlan, isSourceMac } from './guard-frame.ts'
import type { GuardPort } from './guard-port.ts'

const IPV6_HOP_LIMIT = 7
const IPV6_SOURCE = 8
/** Where the target of a solicitation or advertisement is. */
const TARGET = 8
/** Fixed bytes of the messages that are looked at. */
const NEIGHBOUR_BYTES = 24

/** ND inspection: nobody says that it has an address that is bound elsewhere. */
export class NdGuard implements Guard {
  readonly #bindings: BindingTable<GuardPort>

  constructor(bindings: BindingTable<GuardPort>) {
    this.#bindings = bindings
  }

  inspect(frame: GuardFrame): GuardVerdict {
    const { bytes, offset, view } = frame
    if (view.protocol !== PROTOCOL_ICMPV6 || view.ipVersion !== 6) return 'pass'
    if (view.fragment === LATER_FRAGMENT || view.l4Offset + ICMPV6_HEADER_BYTES > view.ipEnd) return 'pass'
    const type = bytes[offset + view.l4Offset]!
    if ((type !== ND_NEIGHBOR_SOLICITATION && type !== ND_NEIGHBOR_ADVERTISEMENT) || isInnerVlan(frame))
      return 'pass'
    if (!frame.port.take('nd', frame.nowMs)) return 'nd-rate'
    // RFC 6980 §5: never in fragments, not even in one alone.
    if (view.fragment !== NOT_FRAGMENTED) return 'nd-fragmented'
    return type === ND_NEIGHBOR_SOLICITATION
      ? this.#inspectSolicitation(frame)
      : this.#inspectAdvertisement(frame)
  }

  /** RFC 4861 §7.1.1. From the unspecified address it is duplicate address detection, and claims nothing yet. */
  #inspectSolicitation(frame: GuardFrame): GuardVerdict {
    const { bytes, offset, view } = frame
    if (!isHonestForm(frame)) return 'nd-malformed'
    if (bytes[offset + view.l4Offset + TARGET] === 0xff) return 'nd-malformed'
    return this.#inspectSource(frame)
  }

  /** The source of the packet is what its source link-layer address option, or its frame, says. */
  #inspectSource(frame: GuardFrame): GuardVerdict {
    const { bytes, offset, view } = frame
    const link = findOption(frame, ND_OPTION_SOURCE_LINK_ADDRESS)
    const source = offset + view.l3Offset + IPV6_SOURCE
    if (isUnspecified(bytes, source)) return link === 0 ? 'pass' : 'nd-malformed'
    if (link > 0 && !isSourceMac(frame, link)) return 'nd-source'
    return this.#claim(frame, source)
  }

  /** RFC 4861 §7.1.2. */
  #inspectAdvertisement(frame: GuardFrame): GuardVerdict {
    if (!isHonestForm(frame)) return 'nd-malformed'
    const { bytes, offset, view } = frame
    const target = offset + view.l4Offset + TARGET
    if (bytes[target] === 0xff) return 'nd-malformed'
    const link = findOption(frame, ND_OPTION_TARGET_LINK_ADDRESS)
    if (link > 0 && !isSourceMac(frame, link)) return 'nd-source'
    return this.#claim(frame, target)
  }

  #claim({ bytes, offset, port, nowMs }: GuardFrame, address: number): GuardVerdict {
    if (bytes[address] === 0xff) return 'nd-malformed'
    const verdict = this.#bindings.claim(bytes, address, 16, offset + 6, port, nowMs)
    return isBelieved(verdict, port) ? 'pass' : 'nd-spoofed'
  }
}

/** Hop limit, code, length, and options that fill the rest (RFC 4861 §4.6, §7.1). */
function isHonestForm({ bytes, offset, view }: GuardFrame): boolean {
  if (bytes[offset + view.l3Offset + IPV6_HOP_LIMIT] !== ND_HOP_LIMIT) return false
  const start = offset + view.l4Offset
  const end = offset + view.ipEnd
  if (bytes[start + 1] !== 0 || start + NEIGHBOUR_BYTES > end) return false
  let at = start + NEIGHBOUR_BYTES
  while (at < end) {
    const length = (at + 1 < end ? bytes[at + 1]! : 0) * 8
    if (length === 0) return false
    at += length
  }
  return at === end
}

/** Where the link-layer address in the first option of this type is; 0 without one, in options that are in order. */
function findOption({ bytes, offset, view }: GuardFrame, type: number): number {
  const end = offset + view.ipEnd
  for (let at = offset + view.l4Offset + NEIGHBOUR_BYTES; at < end; at += bytes[at + 1]! * 8)
    if (bytes[at] === type) return at + 2
  return 0
}

function isUnspecified(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 16; i++) if (bytes[at + i] !== 0) return false
  return true
}
