import {
  completeChecksum,
  createFrameView,
  createOffloadHint,
  ETHERNET_HEADER_BYTES,
  type FrameView,
  type OffloadHint,
  parseFrame,
  segment,
  TCP_MIN_HEADER_BYTES,
  tcpHeaderBytes,
  UDP_HEADER_BYTES,
} from '@wakunet/ethernet'
import { FRAME_HEADER_BYTES, GSO_NONE, GSO_UDP_L4, NEEDS_CSUM } from '@wakunet/interface'
import { readU16 } from '@wakunet/record'
import { TokenBucket } from './control/token-bucket.ts'
import { createDropCounters, type DropCounters } from './drops.ts'
import { type FrameSink, fragmentIpv4 } from './ipv4-fragments.ts'
import { mayBeAnswered, writeTooBig } from './too-big.ts'

/**
 * Why a frame that is too large for its egress member is dropped without a word. Closed, so that it can label a counter.
 *
 * - `malformed`: does not parse, or is only as large because of what follows its packet
 * - `offload`: a super-frame or partial checksum that does not fit its frame
 * - `not-ip`: nobody could be told
 * - `not-answerable`: an ICMP error, a later fragment, or addresses that no error may go to or come from (RFC 1812 §4.3.2.7)
 * - `rate`: more than `TOO_BIG_RATE`
 * - `narrow`: the member's MTU is too small for IPv6, or for the smallest fragment
 */
export const PATH_MTU_DROPS = ['malformed', 'offload', 'not-ip', 'not-answerable', 'rate', 'narrow'] as const
export type PathMtuDrop = (typeof PATH_MTU_DROPS)[number]

/**
 * - `ok`: fits, send it
 * - `answered`: its sender has been told what would fit
 * - `fragmented`: it has left as fragments
 * - `dropped`: counted in `drops`
 */
export type PathMtuVerdict = 'ok' | 'answered' | 'fragmented' | 'dropped'

/** Errors at once, and in a second after that (RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f)). */
export const TOO_BIG_RATE = { burst: 64, perSecond: 128 } as const
/** RFC 8200 §5: no link of IPv6 has a smaller one, and nobody believes one (RFC 8201 §4). */
const MIN_IPV6_MTU = 1280

/**
 * Where the frames that `PathMtu` makes go. Each has complete checksums and no offloads, and lies behind a header slot of
 * `FRAME_HEADER_BYTES` zeros; it is valid only during the call.
 */
export interface PathMtuOutput {
  /** An ICMP error for the frame's sender, who is on the TAP's side. */
  readonly reply: FrameSink
  /** A fragment for the member that the frame was for. */
  readonly fragment: FrameSink
}

/** Monotonic counters. */
export interface PathMtuStats {
  /** Frames whose sender was told. */
  answered: number
  /** Frames that left in pieces, and the pieces. */
  fragmented: number
  fragments: number
}

/**
 * Frames from the TAP towards a member whose port has a smaller MTU than their own: a black hole if nobody said so. The switch
 * is no router, so it speaks with the address of the packet's destination: where a router in front of that host would be
 * heard, this is.
 */
export class PathMtu {
  readonly stats: PathMtuStats = { answered: 0, fragmented: 0, fragments: 0 }
  readonly drops: DropCounters<PathMtuDrop> = createDropCounters(PATH_MTU_DROPS)
  readonly #output: PathMtuOutput
  readonly #view: FrameView = createFrameView()
  readonly #plain: OffloadHint = createOffloadHint()
  readonly #rate: TokenBucket
  #scratch = new Uint8Array(FRAME_HEADER_BYTES)

  constructor(output: PathMtuOutput, nowMs: number) {
    this.#output = output
    this.#rate = new TokenBucket(TOO_BIG_RATE.burst, TOO_BIG_RATE.perSecond, nowMs)
  }

  /**
   * Whether a frame fits the port of the one member that it is for; where it does not, everything else is done here, and the
   * frame is not to be sent. Allocates nothing for frames that fit.
   * @param offset of the Ethernet header in `bytes`; the frame may be changed where the answer is not `ok`
   * @param memberMtu bytes behind Ethernet header and tags that the member's port takes
   */
  check(
    bytes: Uint8Array,
    offset: number,
    length: number,
    hint: OffloadHint,
    memberMtu: number,
    nowMs: number,
  ): PathMtuVerdict {
    if (hint.gsoType === GSO_NONE && length - ETHERNET_HEADER_BYTES <= memberMtu) return 'ok'
    const view = this.#view
    if (parseFrame(bytes, offset, length, view) !== 'ok') return this.#drop('malformed')
    const packetBytes =
      hint.gsoType === GSO_NONE ? length - view.l3Offset : segmentBytes(bytes, offset, hint, view)
    if (packetBytes === 0) return this.#drop('offload')
    if (packetBytes <= memberMtu) return 'ok'
    if (view.ipVersion === 0) return this.#drop('not-ip')
    const claimedBytes = Math.min(packetBytes, view.ipEnd - view.l3Offset)
    if (claimedBytes <= memberMtu) return this.#drop('malformed')
    if (view.ipVersion === 6 || dontFragment(bytes, offset + view.l3Offset))
      return this.#answer(bytes, offset, claimedBytes, memberMtu, nowMs)
    return this.#fragment(bytes, offset, length, hint, memberMtu)
  }

  #answer(
    bytes: Uint8Array,
    offset: number,
    packetBytes: number,
    mtu: number,
    nowMs: number,
  ): PathMtuVerdict {
    const view = this.#view
    if (view.ipVersion === 6 && mtu < MIN_IPV6_MTU) return this.#drop('narrow')
    if (!mayBeAnswered(bytes, offset, view)) return this.#drop('not-answerable')
    if (!this.#rate.take(nowMs)) return this.#drop('rate')
    this.stats.answered++
    const frame = writeTooBig(bytes, offset, view, packetBytes, mtu)
    this.#output.reply(frame, FRAME_HEADER_BYTES, frame.length - FRAME_HEADER_BYTES)
    return 'answered'
  }

  #fragment(
    bytes: Uint8Array,
    offset: number,
    length: number,
    hint: OffloadHint,
    mtu: number,
  ): PathMtuVerdict {
    if (hint.gsoType !== GSO_NONE)
      return this.#fragmentSegments(bytes.subarray(offset, offset + length), hint, mtu)
    if ((hint.flags & NEEDS_CSUM) !== 0) {
      // Fragments of a packet whose checksum is still to come would never add up to one that is right.
      const plain = Object.assign(this.#plain, hint)
      if (!completeChecksum(bytes, offset, length, plain)) return this.#drop('offload')
    }
    if (!this.#cut(bytes, offset, mtu)) return this.#drop('narrow')
    this.stats.fragmented++
    return 'fragmented'
  }

  #fragmentSegments(frame: Uint8Array, hint: OffloadHint, mtu: number): PathMtuVerdict {
    const segments = segment(frame, hint)
    if (segments.length === 0) return this.#drop('offload')
    for (const part of segments) {
      parseFrame(part, 0, part.length, this.#view)
      if (!this.#cut(part, 0, mtu)) return this.#drop('narrow')
    }
    this.stats.fragmented++
    return 'fragmented'
  }

  /** Cuts the packet that the view is of. */
  #cut(bytes: Uint8Array, offset: number, mtu: number): boolean {
    const size = FRAME_HEADER_BYTES + this.#view.l3Offset + mtu
    if (this.#scratch.length < size) this.#scratch = new Uint8Array(size)
    const count = fragmentIpv4(bytes, offset, this.#view, mtu, this.#scratch, this.#output.fragment)
    this.stats.fragments += count
    return count > 0
  }

  #drop(reason: PathMtuDrop): 'dropped' {
    this.drops[reason]++
    return 'dropped'
  }
}

/** Bytes of the largest packet that a super-frame becomes, behind Ethernet header and tags; 0 where it is none. */
function segmentBytes(bytes: Uint8Array, offset: number, hint: OffloadHint, view: FrameView): number {
  const { l3Offset, l4Offset, ipEnd } = view
  const isUdp = hint.gsoType === GSO_UDP_L4
  if (l4Offset === 0 || hint.gsoSize === 0) return 0
  if (l4Offset + (isUdp ? UDP_HEADER_BYTES : TCP_MIN_HEADER_BYTES) > ipEnd) return 0
  const headerBytes = l4Offset + (isUdp ? UDP_HEADER_BYTES : tcpHeaderBytes(bytes, offset + l4Offset))
  return Math.min(headerBytes + hint.gsoSize, ipEnd) - l3Offset
}

/** RFC 791 §3.1. */
function dontFragment(bytes: Uint8Array, l3: number): boolean {
  return (readU16(bytes, l3 + 6) & 0x4000) !== 0
}
