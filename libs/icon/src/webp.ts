import { fourCharacters, hasText, uint24le, uint32le } from './bytes.ts'
import type { CheckedIcon, IconFault } from './icon.ts'

/** RFC 9649 §2.4: `RIFF`, size, `WEBP`. */
const HEADER_BYTES = 12
const CHUNK_HEADER_BYTES = 8
/** RFC 9649 §2.7: extended format, transparency, lossy and lossless pixels. Animation, profiles and metadata are refused. */
const ALLOWED = new Set(['VP8X', 'ALPH', 'VP8 ', 'VP8L'])
/** Of `VP8X`: transparency alone; reserved bits, profile, EXIF, XMP and animation are not set. */
const ALPHA_FLAG = 0x10

type Size = Pick<CheckedIcon, 'width' | 'height'>

export function looksLikeWebp(bytes: Uint8Array): boolean {
  return hasText(bytes, 0, 'RIFF') && hasText(bytes, 8, 'WEBP')
}

/** Walks all chunks; the last ends where the bytes do. */
export function readWebp(bytes: Uint8Array): CheckedIcon | IconFault {
  if (bytes.length < HEADER_BYTES || uint32le(bytes, 4) !== bytes.length - 8) return cutOff
  let canvas: Size | null = null
  let pixels: Size | null = null
  const seen = new Set<string>()
  for (let offset = HEADER_BYTES; offset < bytes.length; ) {
    if (offset + CHUNK_HEADER_BYTES > bytes.length) return cutOff
    const type = fourCharacters(bytes, offset)
    const length = uint32le(bytes, offset + 4)
    const data = offset + CHUNK_HEADER_BYTES
    // RFC 9649 §2.3: a chunk of odd length has one byte of padding, which is 0.
    const end = data + length + (length % 2)
    if (end > bytes.length) return cutOff
    if (length % 2 === 1 && bytes[end - 1] !== 0) return damaged
    if (!ALLOWED.has(type))
      return { fault: `must be a WebP image without '${type.trim()}' data: save it again without metadata` }
    // The extended header comes first, transparency behind it, pixels last.
    if (seen.has(type) || pixels !== null || (type === 'VP8X' && seen.size > 0)) return damaged
    if (type === 'ALPH' && canvas === null) return damaged
    seen.add(type)
    const chunk = bytes.subarray(data, data + length)
    if (type === 'VP8X') canvas = canvasSize(chunk)
    else if (type !== 'ALPH') pixels = type === 'VP8L' ? losslessSize(chunk) : lossySize(chunk)
    if (type !== 'ALPH' && (type === 'VP8X' ? canvas : pixels) === null) return damaged
    offset = end
  }
  if (pixels === null) return cutOff
  if (canvas !== null && (canvas.width !== pixels.width || canvas.height !== pixels.height)) return damaged
  return { type: 'webp', ...pixels }
}

const cutOff: IconFault = { fault: 'is a WebP image that is cut off or has something behind its end' }
const damaged: IconFault = { fault: 'is a damaged WebP image, or one of an unknown kind' }

/** RFC 9649 §2.7.1. */
function canvasSize(chunk: Uint8Array): Size | null {
  const isPlain = chunk.length === 10 && (chunk[0]! & ~ALPHA_FLAG) === 0 && uint24le(chunk, 1) === 0
  return isPlain ? { width: uint24le(chunk, 4) + 1, height: uint24le(chunk, 7) + 1 } : null
}

/** RFC 6386 §9.1: a key frame, its start code, 14 bits of width and height each. */
function lossySize(chunk: Uint8Array): Size | null {
  if (chunk.length < 10 || (chunk[0]! & 1) !== 0 || !hasText(chunk, 3, '\x9d\x01\x2a')) return null
  return { width: (chunk[6]! | (chunk[7]! << 8)) & 0x3fff, height: (chunk[8]! | (chunk[9]! << 8)) & 0x3fff }
}

/** RFC 9649 §3.4: signature, 14 bits of width and height less one each, version 0. */
function losslessSize(chunk: Uint8Array): Size | null {
  if (chunk.length < 5 || chunk[0] !== 0x2f || chunk[4]! >> 5 !== 0) return null
  const bits = uint32le(chunk, 1)
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
}
