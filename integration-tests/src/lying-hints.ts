import {
  ETHERTYPE_CUSTOMER_TAG,
  ETHERTYPE_IPV4,
  type OffloadFault,
  PROTOCOL_HOP_BY_HOP,
  PROTOCOL_ICMP,
  TCP_ACK,
  TCP_CHECKSUM_OFFSET,
  TCP_SYN,
  UDP_CHECKSUM_OFFSET,
} from '@wakunet/ethernet'
import { GSO_ECN, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, NEEDS_CSUM } from '@wakunet/interface'
import type { FrameHint } from '@wakunet/record'
import {
  arpFrame,
  ETHERNET_BYTES,
  etherFrame,
  extended,
  ipv4Frame,
  ipv6Frame,
  L4_OFFSET,
  markedFrame,
  patched,
  tcpFrame,
  udpFrame,
} from './hostile-frames.ts'
import { type HostileScene, NO_HINT } from './hostile-scene.ts'

/** A frame and a hint that do not fit together. */
export interface LyingHint {
  readonly name: string
  /** What the receiver must say. */
  readonly fault: OffloadFault
  /** Default 1,000. */
  readonly times?: number
  frame(scene: HostileScene): Uint8Array
  readonly hint: FrameHint
}

const SEGMENT = 1_000
const SUPER = 4 * SEGMENT

const tcpSum: FrameHint = {
  ...NO_HINT,
  flags: NEEDS_CSUM,
  csumStart: L4_OFFSET,
  csumOffset: TCP_CHECKSUM_OFFSET,
}
const udpSum: FrameHint = { ...tcpSum, csumOffset: UDP_CHECKSUM_OFFSET }
/** The honest hints of `tcpFrame(SUPER)` and `udpFrame(SUPER)`. */
export const TCP_SUPER_HINT: FrameHint = { ...tcpSum, gsoType: GSO_TCPV4, gsoSize: SEGMENT }
export const UDP_SUPER_HINT: FrameHint = { ...udpSum, gsoType: GSO_UDP_L4, gsoSize: SEGMENT }
export const TCP_SUM_HINT = tcpSum
export const SUPER_FRAME_BYTES = SUPER

/**
 * At least one lie for each way in which `checkOffload` refuses a frame. `flags` and `frame-length` cannot be
 * reached from a trunk: the record refuses them before (`record-frame-hint`, `record-frame-length`).
 */
export const LYING_HINTS: readonly LyingHint[] = [
  {
    name: 'a tag that the frame ends in',
    fault: 'tag-truncated',
    frame: (scene) => etherFrame(scene, ETHERTYPE_CUSTOMER_TAG, new Uint8Array(2)),
    hint: NO_HINT,
  },
  {
    name: 'an IPv4 header that is cut off',
    fault: 'ip-header',
    frame: (scene) => etherFrame(scene, ETHERTYPE_IPV4, Uint8Array.of(0x45, 0, 0, 10)),
    hint: NO_HINT,
  },
  {
    name: 'an IPv4 packet longer than its frame',
    fault: 'ip-length',
    frame: (scene) => patched(udpFrame(scene, 64), ETHERNET_BYTES + 2, 0xff),
    hint: NO_HINT,
  },
  {
    name: 'an IPv6 extension header longer than its packet',
    fault: 'ip-extension',
    frame: (scene) => ipv6Frame(scene, PROTOCOL_HOP_BY_HOP, Uint8Array.of(59, 255, 0, 0, 0, 0, 0, 0)),
    hint: NO_HINT,
  },
  {
    name: 'ECN without TCP',
    fault: 'gso-type',
    frame: (scene) => udpFrame(scene, SUPER),
    hint: { ...UDP_SUPER_HINT, gsoType: GSO_UDP_L4 | GSO_ECN },
  },
  {
    name: 'TCP over UDP bytes',
    fault: 'gso-protocol',
    frame: (scene) => udpFrame(scene, SUPER),
    hint: TCP_SUPER_HINT,
  },
  {
    name: 'TCP over IPv6 in an IPv4 packet',
    fault: 'gso-protocol',
    frame: (scene) => tcpFrame(scene, SUPER),
    hint: { ...TCP_SUPER_HINT, gsoType: GSO_TCPV6 },
  },
  { name: 'a super-frame that is no IP', fault: 'gso-protocol', frame: markedFrame, hint: UDP_SUPER_HINT },
  {
    name: 'a super-frame that is a fragment',
    fault: 'gso-fragment',
    frame: (scene) => tcpFrame(scene, SUPER, { moreFragments: true }),
    hint: TCP_SUPER_HINT,
  },
  {
    name: 'a super-frame without a checksum to complete',
    fault: 'gso-checksum',
    frame: (scene) => tcpFrame(scene, SUPER),
    hint: { ...TCP_SUPER_HINT, flags: 0 },
  },
  {
    name: 'a super-frame whose checksum starts elsewhere',
    fault: 'gso-checksum',
    frame: (scene) => tcpFrame(scene, SUPER),
    hint: { ...TCP_SUPER_HINT, csumStart: ETHERNET_BYTES },
  },
  {
    name: 'a super-frame with the checksum of another protocol',
    fault: 'gso-checksum',
    frame: (scene) => tcpFrame(scene, SUPER),
    hint: { ...TCP_SUPER_HINT, csumOffset: UDP_CHECKSUM_OFFSET },
  },
  {
    name: 'bytes behind the packet of a super-frame',
    fault: 'gso-length',
    frame: (scene) => extended(tcpFrame(scene, SUPER), 100),
    hint: TCP_SUPER_HINT,
  },
  {
    name: 'a UDP super-frame with a shorter length',
    fault: 'gso-length',
    frame: (scene) => patched(udpFrame(scene, SUPER), L4_OFFSET + 4, 0),
    hint: UDP_SUPER_HINT,
  },
  {
    name: 'SYN in a super-frame',
    fault: 'gso-header',
    frame: (scene) => tcpFrame(scene, SUPER, { flags: TCP_SYN | TCP_ACK }),
    hint: TCP_SUPER_HINT,
  },
  {
    name: 'a TCP header shorter than it can be',
    fault: 'gso-header',
    frame: (scene) => patched(tcpFrame(scene, SUPER), L4_OFFSET + 12, 0x10),
    hint: TCP_SUPER_HINT,
  },
  {
    name: 'segments of 8 bytes',
    fault: 'gso-too-small',
    frame: (scene) => tcpFrame(scene, SUPER),
    hint: { ...TCP_SUPER_HINT, gsoSize: 8 },
  },
  {
    name: 'segments of no bytes',
    fault: 'gso-too-small',
    frame: (scene) => tcpFrame(scene, SUPER),
    hint: { ...TCP_SUPER_HINT, gsoSize: 0 },
  },
  {
    name: 'more UDP segments than a kernel makes',
    fault: 'gso-too-small',
    frame: (scene) => udpFrame(scene, SUPER),
    hint: { ...UDP_SUPER_HINT, gsoSize: 20 },
  },
  {
    name: 'segments larger than the MTU',
    fault: 'gso-too-large',
    frame: (scene) => tcpFrame(scene, SUPER),
    hint: { ...TCP_SUPER_HINT, gsoSize: SUPER },
  },
  {
    name: 'UDP segments larger than the MTU',
    fault: 'gso-too-large',
    frame: (scene) => udpFrame(scene, SUPER),
    hint: { ...UDP_SUPER_HINT, gsoSize: SUPER },
  },
  {
    name: 'a giant frame with a zeroed header',
    fault: 'giant',
    times: 100,
    frame: (scene) => tcpFrame(scene, 60_000),
    hint: NO_HINT,
  },
  {
    name: 'a giant frame that is no IP',
    fault: 'giant',
    frame: (scene) => extended(markedFrame(scene), SUPER),
    hint: NO_HINT,
  },
  {
    name: 'a checksum to complete in ARP',
    fault: 'csum-protocol',
    frame: arpFrame,
    hint: { ...udpSum, csumStart: ETHERNET_BYTES, csumOffset: 2 },
  },
  {
    name: 'a checksum to complete in ICMP',
    fault: 'csum-protocol',
    frame: (scene) => ipv4Frame(scene, PROTOCOL_ICMP, new Uint8Array(64)),
    hint: { ...tcpSum, csumOffset: 2 },
  },
  {
    name: 'a checksum to complete in a fragment',
    fault: 'csum-fragment',
    frame: (scene) => udpFrame(scene, 64, { moreFragments: true }),
    hint: udpSum,
  },
  {
    name: 'a checksum inside the IP header',
    fault: 'csum-range',
    frame: (scene) => udpFrame(scene, 64),
    hint: { ...udpSum, csumStart: ETHERNET_BYTES },
  },
  {
    name: 'a checksum that starts behind the frame',
    fault: 'csum-range',
    frame: (scene) => udpFrame(scene, 64),
    hint: { ...udpSum, csumStart: 0xffff },
  },
  {
    name: 'a checksum stored behind the frame',
    fault: 'csum-range',
    frame: (scene) => udpFrame(scene, 64),
    hint: { ...udpSum, csumOffset: 0xffff },
  },
  {
    name: 'a TCP checksum in the wrong place',
    fault: 'csum-range',
    frame: (scene) => tcpFrame(scene, 64),
    hint: { ...tcpSum, csumOffset: 4 },
  },
  {
    name: 'more than padding behind a packet with a checksum to complete',
    fault: 'csum-length',
    frame: (scene) => extended(udpFrame(scene, 64), 200),
    hint: udpSum,
  },
]
