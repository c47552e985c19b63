import { looksLikePng, readPng } from './png.ts'
import { readSvg } from './svg.ts'
import { looksLikeWebp, readWebp } from './webp.ts'

/** Largest icon. */
export const MAX_ICON_BYTES = 16_384
/** Most pixels of a side: a viewer makes at most 1 MiB of it. */
export const MAX_ICON_SIDE = 512

export interface CheckedIcon {
  readonly type: 'png' | 'webp' | 'svg'
  /** Pixels; of an SVG the size of its view box, rounded. */
  readonly width: number
  readonly height: number
}

/** What is wrong with an icon, as the end of a sentence that begins with it. */
export interface IconFault {
  readonly fault: string
}

/** What the bytes are an icon of, or why they are none. Total: any bytes may be given. */
export function checkIcon(bytes: Uint8Array): CheckedIcon | IconFault {
  if (bytes.length === 0) return { fault: 'must not be empty' }
  if (bytes.length > MAX_ICON_BYTES)
    return { fault: `must have at most ${MAX_ICON_BYTES} bytes, not ${bytes.length}` }
  const found = read(bytes)
  if ('fault' in found) return found
  const { width, height } = found
  const isSized = width >= 1 && height >= 1 && width <= MAX_ICON_SIDE && height <= MAX_ICON_SIDE
  return isSized
    ? found
    : { fault: `must be from 1 to ${MAX_ICON_SIDE} pixels wide and high, not ${width} x ${height}` }
}

function read(bytes: Uint8Array): CheckedIcon | IconFault {
  if (looksLikePng(bytes)) return readPng(bytes)
  if (looksLikeWebp(bytes)) return readWebp(bytes)
  if (bytes[0] === 0x3c || (bytes[0] === 0xef && bytes[3] === 0x3c)) return readSvg(bytes)
  return { fault: 'must be a PNG, a WebP or an SVG image' }
}
