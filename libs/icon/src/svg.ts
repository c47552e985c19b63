import type { CheckedIcon, IconFault } from './icon.ts'
import { attributeFault, isLocalPaint, SVG_NAMESPACE } from './svg-attributes.ts'
import { readTag, type Tag } from './svg-tag.ts'

/** Elements that draw, group or describe; none of them loads, links, scripts, animates or embeds. */
const ELEMENTS = new Set([
  'svg',
  'g',
  'defs',
  'path',
  'rect',
  'circle',
  'ellipse',
  'line',
  'polyline',
  'polygon',
  'linearGradient',
  'radialGradient',
  'stop',
  'clipPath',
  'title',
  'desc',
])
/** Elements with text in them; the text is never shown by an image. */
const TEXTUAL = new Set(['title', 'desc'])
const MAX_ELEMENTS = 512
const MAX_DEPTH = 16

/**
 * Reads a strict part of SVG and XML: no document type, so no entities; no processing instructions but the XML declaration, no
 * comments, no CDATA; elements and attributes of a list alone. What passes means the same to an XML and to an HTML parser.
 */
export function readSvg(bytes: Uint8Array): CheckedIcon | IconFault {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return { fault: 'must be an SVG image in UTF-8' }
  }
  const declaration = /^<\?xml version="1\.0"( encoding="(utf|UTF)-8")?( standalone="(yes|no)")?\s*\?>\s*/
  return new SvgReader(text.replace(declaration, '').trimEnd()).read()
}

class SvgReader {
  readonly #text: string
  readonly #open: string[] = []
  #elements = 0
  #root: Tag | null = null

  constructor(text: string) {
    this.#text = text
  }

  read(): CheckedIcon | IconFault {
    let offset = 0
    while (offset < this.#text.length) {
      const start = this.#text.indexOf('<', offset)
      const between = this.#text.slice(offset, start < 0 ? undefined : start)
      const textFault = this.#textFault(between)
      if (textFault !== null) return { fault: textFault }
      if (start < 0) break
      if (this.#root !== null && this.#open.length === 0)
        return { fault: 'must have nothing behind the end of the SVG image' }
      const tag = readTag(this.#text, start)
      if ('fault' in tag) return tag
      const fault = this.#take(tag)
      if (fault !== null) return { fault }
      offset = tag.end
    }
    if (this.#root === null || this.#open.length > 0) return { fault: 'is an SVG image that is cut off' }
    return sizeOf(this.#root)
  }

  #textFault(text: string): string | null {
    if (TEXTUAL.has(this.#open.at(-1) ?? ''))
      return /^(?:[^&]|&(?:amp|lt|gt|quot|apos);)*$/.test(text)
        ? null
        : 'must be an SVG image without entities'
    return text.trim() === '' ? null : 'must be an SVG image without text'
  }

  #take(tag: Tag): string | null {
    if (tag.kind === 'close')
      return this.#open.pop() === tag.name ? null : 'is an SVG image whose tags do not match'
    const fault = this.#openFault(tag)
    if (fault !== null) return fault
    this.#root ??= tag
    if (tag.kind === 'open') this.#open.push(tag.name)
    return null
  }

  #openFault({ name, attributes }: Tag): string | null {
    if (!ELEMENTS.has(name))
      return `must be an SVG image without '${name.slice(0, 32)}' elements: only plain shapes and gradients are allowed`
    if ((this.#root === null) !== (name === 'svg'))
      return "must be an SVG image with one 'svg' element, its first"
    if (TEXTUAL.has(this.#open.at(-1) ?? '')) return 'is an SVG image with an element inside a title'
    if (++this.#elements > MAX_ELEMENTS) return `must be an SVG image of at most ${MAX_ELEMENTS} elements`
    if (this.#open.length >= MAX_DEPTH) return `must be an SVG image of at most ${MAX_DEPTH} levels`
    if (name === 'svg' && attributes.get('xmlns') !== SVG_NAMESPACE)
      return `must be an SVG image with xmlns="${SVG_NAMESPACE}"`
    for (const [attribute, value] of attributes) {
      const fault = attributeFault(name, attribute, value)
      if (fault !== null && !isLocalPaint(attribute, value)) return fault
    }
    return null
  }
}

/** The view box, or width and height in pixels. */
function sizeOf({ attributes }: Tag): CheckedIcon | IconFault {
  const number = '(\\d{1,4}(?:\\.\\d{1,4})?)'
  const box = new RegExp(`^-?${number}[ ,]+-?${number}[ ,]+${number}[ ,]+${number}$`).exec(
    attributes.get('viewBox') ?? '',
  )
  const sides = ['width', 'height'].map((side) =>
    new RegExp(`^${number}(?:px)?$`).exec(attributes.get(side) ?? ''),
  )
  const [width, height] = box === null ? [sides[0]?.[1], sides[1]?.[1]] : [box[3], box[4]]
  if (width === undefined || height === undefined)
    return { fault: 'must be an SVG image with a viewBox, or with width and height in pixels' }
  return { type: 'svg', width: Math.ceil(Number(width)), height: Math.ceil(Number(height)) }
}
