/**
 * Codecs for what is inside an Ethernet frame, and the rules for offload headers. Pure and total: a decoder
 * answers null for bytes that are not what it decodes, never throws, and never reads outside them.
 *
 * Two kinds of code live here. The codecs (`decodeArp` and so on) make objects and are for control traffic. The frame
 * path (`parseFrame`, `checkOffload`, `readVirtioHeader`, `writeVirtioHeader`, `readMac`) works on a buffer, an offset and a
 * length, allocates nothing, and runs for every frame.
 */
export * from './arp.ts'
export * from './checksum.ts'
export * from './ethernet.ts'
export * from './icmpv6-nd.ts'
export * from './ipv4.ts'
export * from './ipv6.ts'
export * from './mac.ts'
export {
  checkOffload,
  completeChecksum,
  MAX_UDP_SEGMENTS,
  MIN_TCP_SEGMENT_BYTES,
  MIN_UDP_SEGMENT_BYTES,
  OFFLOAD_FAULTS,
  type OffloadFault,
  type OffloadVerdict,
} from './offload.ts'
export * from './parse.ts'
export * from './segmentation.ts'
export * from './tcp.ts'
export * from './udp.ts'
export * from './virtio-header.ts'
