/**
 * Frames as they travel inside a process.
 *
 * Every frame sits behind a 12-byte header slot in the same buffer, so that the header of one stage is
 * rewritten in place by the next and the frame itself is never moved:
 *
 * ```text
 *   offsets[i]           offsets[i] + FRAME_HEADER_BYTES
 *   ▼                    ▼
 *   ┌────────────────────┬──────────────────────────────────┐
 *   │ header, 12 bytes   │ Ethernet frame, lengths[i] bytes │
 *   └────────────────────┴──────────────────────────────────┘
 * ```
 *
 * At a TAP the header is `struct virtio_net_hdr_mrg_rxbuf` (little-endian, Linux `virtio_net.h`); inside a
 * record it is the record's own frame header (`@wakunet/record`).
 */
export const FRAME_HEADER_BYTES = 12

/** Smallest frame that is carried: two MAC addresses and an EtherType (IEEE 802.3 without padding). */
export const MIN_FRAME_BYTES = 14

/** Largest frame that a TAP hands out: a 64 KiB super-frame with its Ethernet header and tags. */
export const MAX_FRAME_BYTES = 65_535 + 14 + 8

/** Most frames in one batch. */
export const MAX_BATCH_FRAMES = 256

/**
 * A batch of frames in one buffer, which the owner reuses: it is valid only during the call that hands it
 * over. Only the first `count` entries of `offsets` and `lengths` mean anything.
 */
export interface FrameBatch {
  readonly bytes: Uint8Array
  readonly offsets: Uint32Array
  readonly lengths: Uint32Array
  count: number
}

/** Types of `virtio_net_hdr.gso_type` (virtio 1.3, 5.1.6). */
export const GSO_NONE = 0
export const GSO_TCPV4 = 1
export const GSO_TCPV6 = 4
export const GSO_UDP_L4 = 5
/** Flag beside the type: the flow uses ECN. */
export const GSO_ECN = 0x80

/** `virtio_net_hdr.flags`: checksum to be completed at `csumStart + csumOffset`. */
export const NEEDS_CSUM = 1
/** `virtio_net_hdr.flags`: the checksum was verified. */
export const DATA_VALID = 2
