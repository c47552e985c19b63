/** Numbers of `docs/protocols/trunk.md`, "datagrams". */

/** Kind of a plaintext, the low three bits of its first byte. */
export const KIND = {
  message: 0,
  frame: 1,
  frames: 2,
  slice: 3,
  sizedSlice: 4,
  fragment: 5,
  contexts: 6,
} as const
export const KIND_MASK = 0x07

/** The prefix carries the whole record header and defines its context. */
export const LONG_BIT = 0x08
/** Of `frame`: form of its hints. */
export const FORM_SHIFT = 4
export const FORM_MASK = 0x03
/** No hints; checksum start and offset, a byte each; the eight bytes of the record's frame header. */
export const FORM = { none: 0, checksum: 1, full: 2 } as const
export const FORM_BYTES: readonly number[] = [0, 2, 8]
/** Of a slice: what it was cut from. */
export const SLICE_TYPE_SHIFT = 4
export const SLICE_TYPE_MASK = 0x03
export const SLICE_TYPE = { tcp4: 0, tcp6: 1, udp: 2 } as const
export const SLICE_ECN_BIT = 0x40
/** The slice reaches to the end of the frame. */
export const SLICE_LAST_BIT = 0x80
/** Of `contexts`: the receiver does not know these; without it: it does. */
export const CONTEXTS_UNKNOWN_BIT = 0x10

/** Kind, length of the message. */
export const MESSAGE_HEAD_BYTES = 3
/** Kind, context, sequence from the context's on. */
export const SHORT_PREFIX_BYTES = 7
/** Kind, context, record header. */
export const LONG_PREFIX_BYTES = 75
/** Where the record header is in it. */
export const LONG_HEADER_AT = 3
/** Behind the prefix of a slice: offset in the payload, upper-layer offset. */
export const SLICE_TAIL_BYTES = 3
/** Behind that of a sized one: payload bytes of a segment. */
export const SLICE_SIZE_BYTES = 2
/** Form and length in front of each of several frames. */
export const PACKED_HEAD_BYTES = 2
/** Length bits of it. */
export const PACKED_LENGTH_MASK = 0x3fff
/** Kind, index, count. */
export const FRAGMENT_HEAD_BYTES = 3
export const MAX_FRAGMENTS = 255

/** Smallest UDP payload that a path may have: a slice must hold a sequence unit beside the longest of its headers. */
export const MIN_DATAGRAM_BYTES = 1_200
/** The largest UDP payload over IPv4. */
export const MAX_DATAGRAM_BYTES = 65_507

/** Contexts a sender uses at once, and those a receiver remembers: more, since the sender may know of others by then. */
export const MAX_SEND_CONTEXTS = 256
export const MAX_RECEIVE_CONTEXTS = 1_024
/** Ids are not used again before they have all been: 0 is none. */
export const LAST_CONTEXT_ID = 0xffff
/** Ids in one message about contexts. */
export const MAX_CONTEXT_IDS = 64
