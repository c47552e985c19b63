/**
 * Codecs for what is inside an Ethernet frame, and the rules for offload headers. Pure and total: a decoder
 * answers null for bytes that are not what it decodes, never throws, and never reads outside them.
 *
 * Two kinds of code live here. The codecs (`decodeArp` and so on) make objects and are for control traffic. The frame
 * path (`parseFrame`, `checkOffload`, `readVirtioHeader`, `writeVirtioHeader`, `readMac`) works on a buffer, an offset and a
 * length, allocates nothing, and runs for every frame.
 */
export * from './arp.ts'
export * from './bpdu.ts'
export * from './checksum.ts'
export * from './dhcpv4.ts'
export * from './dhcpv4-client-frame.ts'
export * from './dhcpv4-options.ts'
export * from './dhcpv6.ts'
export * from './dhcpv6-options.ts'
export * from './dns-edns.ts'
export * from './dns-message.ts'
export { type DnsName, dnsLabels, readDnsName, splitDnsName, toLowerDnsName } from './dns-name.ts'
export {
  decodeDomainNames,
  encodeDomainName,
  encodeDomainNames,
  MAX_DOMAIN_NAME_BYTES,
} from './domain-name.ts'
export * from './ethernet.ts'
export * from './icmpv6.ts'
export * from './icmpv6-nd.ts'
export * from './igmp.ts'
export * from './ipv4.ts'
export * from './ipv6.ts'
export * from './mac.ts'
export * from './mld.ts'
export {
  type GroupRecord,
  RECORD_ALLOW,
  RECORD_BLOCK,
  RECORD_IS_EXCLUDE,
  RECORD_IS_INCLUDE,
  RECORD_TO_EXCLUDE,
  RECORD_TO_INCLUDE,
} from './multicast-record.ts'
export * from './nd-options.ts'
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
export { type SuperFramePart, toSuperFramePart } from './super-frame-part.ts'
export * from './tcp.ts'
export * from './udp.ts'
export { continuesUdpRun, MAX_UDP_RUN, udpRunOffset } from './udp-run.ts'
export * from './virtio-header.ts'
