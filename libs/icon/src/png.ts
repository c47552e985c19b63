import { crc32, fourCharacters, hasText, uint32 } from './bytes.ts'
import type { CheckedIcon, IconFault } from './icon.ts'

/** W3C PNG §5.2. */
const SIGNATURE = '\x89PNG\r\n\x1a\n'
/** Length, type and checksum around the data of a chunk (§5.3). */
const CHUNK_OVERHEAD = 12
const HEADER_DATA_BYTES = 13
/**
 * Chunks that say how the pixels look, and nothing else: text, time, EXIF, colour profiles (compressed) and animations are
 * refused, and so is what nobody knows.
 */
const ALLOWED = new Set([
  'IHDR',
  'PLTE',
  'IDAT',
  'IEND',
  'tRNS',
  'gAMA',
  'cHRM',
  'sRGB',
  'sBIT',
  'bKGD',
  'pHYs',
])
/** Chunks that may come more than once. */
const REPEATED = 'IDAT'
/** Bit depths of each colour type (§11.2.1). */
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
}
const PALETTE_COLOUR = 3
const MAX_PALETTE_BYTES = 256 * 3

export function looksLikePng(bytes: Uint8Array): boolean {
  return hasText(bytes, 0, SIGNATURE)
}

/** Walks all chunks, each with its checksum; the last ends where the bytes do. */
export function readPng(bytes: Uint8Array): CheckedIcon | IconFault {
  const seen: string[] = []
  let offset = SIGNATURE.length
  while (offset < bytes.length) {
    if (seen.at(-1) === 'IEND') return { fault: 'must have nothing behind the end of the PNG image' }
    const chunk = readChunk(bytes, offset)
    if ('fault' in chunk) return chunk
    const fault = chunkFault(bytes, offset + 8, chunk, seen)
    if (fault !== null) return { fault }
    seen.push(chunk.type)
    offset += CHUNK_OVERHEAD + chunk.length
  }
  if (seen.at(-1) !== 'IEND' || !seen.includes('IDAT')) return { fault: 'is a PNG image that is cut off' }
  const data = SIGNATURE.length + 8
  if (bytes[data + 9] === PALETTE_COLOUR && !seen.includes('PLTE'))
    return { fault: 'is a PNG image without its palette' }
  return { type: 'png', width: uint32(bytes, data), height: uint32(bytes, data + 4) }
}

interface Chunk {
  readonly type: string
  /** Of its data. */
  readonly length: number
}

function readChunk(bytes: Uint8Array, offset: number): Chunk | IconFault {
  if (offset + CHUNK_OVERHEAD > bytes.length) return { fault: 'is a PNG image that is cut off' }
  const length = uint32(bytes, offset)
  if (length > bytes.length - offset - CHUNK_OVERHEAD) return { fault: 'is a PNG image that is cut off' }
  const type = fourCharacters(bytes, offset + 4)
  if (!ALLOWED.has(type))
    return { fault: `must be a PNG image without '${type}' data: save it again without metadata` }
  const end = offset + 8 + length
  if (crc32(bytes, offset + 4, end) !== uint32(bytes, end))
    return { fault: `is a damaged PNG image: the checksum of its '${type}' part does not fit` }
  return { type, length }
}

/** The order and sizes that PNG prescribes (§5.6), as far as a reader relies on them. */
function chunkFault(bytes: Uint8Array, data: number, { type, length }: Chunk, seen: string[]): string | null {
  if ((seen.length === 0) !== (type === 'IHDR')) return 'is a PNG image whose header is not its first part'
  if (type !== REPEATED && seen.includes(type)) return `is a PNG image with '${type}' twice`
  if (type === REPEATED && seen.includes(REPEATED) && seen.at(-1) !== REPEATED)
    return 'is a PNG image whose pixels are not in one place'
  if (type === 'IHDR') return headerFault(bytes, data, length)
  if (type === 'PLTE' && (length === 0 || length % 3 !== 0 || length > MAX_PALETTE_BYTES))
    return 'is a PNG image with a palette of a wrong size'
  if (type === 'IEND' && length > 0) return 'must have nothing behind the end of the PNG image'
  return null
}

function headerFault(bytes: Uint8Array, data: number, length: number): string | null {
  if (length !== HEADER_DATA_BYTES) return 'is a PNG image with a header of a wrong size'
  const [depth, colour, compression, filter, interlace] = bytes.subarray(data + 8, data + HEADER_DATA_BYTES)
  const isKnown = DEPTHS[colour!]?.includes(depth!) === true && compression === 0 && filter === 0
  return isKnown && interlace! <= 1 ? null : 'is a PNG image of a kind that does not exist'
}
