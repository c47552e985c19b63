import type { IconFault } from './icon.ts'

export interface Tag {
  readonly kind: 'open' | 'close' | 'empty'
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  /** Where the text behind it begins. */
  readonly end: number
}

const MAX_ATTRIBUTES = 32
const NAME = '[A-Za-z][A-Za-z0-9-]*'
const CLOSING = new RegExp(`</(${NAME})\\s*>`, 'y')
const OPENING = new RegExp(`<(${NAME})`, 'y')
/** Values without `<`, `&` and control characters: there is nothing to be unescaped, so nothing can hide behind it. */
const ATTRIBUTE = new RegExp(`\\s+(${NAME})\\s*=\\s*(?:"([^"<&]*)"|'([^'<&]*)')`, 'y')
const END = /\s*(\/?)>/y

/** Reads the tag at `start`; what begins with `<` and is no plain tag is refused. */
export function readTag(text: string, start: number): Tag | IconFault {
  const closing = matchAt(CLOSING, text, start)
  if (closing !== null)
    return { kind: 'close', name: closing[1]!, attributes: new Map(), end: start + closing[0].length }
  const opening = matchAt(OPENING, text, start)
  if (opening === null) return { fault: `must be an SVG image of plain tags, without ${kindOf(text, start)}` }
  const attributes = new Map<string, string>()
  let offset = start + opening[0].length
  for (;;) {
    const attribute = matchAt(ATTRIBUTE, text, offset)
    if (attribute === null) break
    const name = attribute[1]!
    if (attributes.has(name)) return { fault: `is an SVG image with an attribute '${name}' twice` }
    if (attributes.size >= MAX_ATTRIBUTES)
      return { fault: `must be an SVG image of at most ${MAX_ATTRIBUTES} attributes each element` }
    attributes.set(name, attribute[2] ?? attribute[3] ?? '')
    offset += attribute[0].length
  }
  const end = matchAt(END, text, offset)
  if (end === null)
    return { fault: `must be an SVG image whose attributes are plain: see '${excerpt(text, offset)}'` }
  const kind = end[1] === '/' ? 'empty' : 'open'
  return { kind, name: opening[1]!, attributes, end: offset + end[0].length }
}

function matchAt(pattern: RegExp, text: string, offset: number): RegExpExecArray | null {
  pattern.lastIndex = offset
  return pattern.exec(text)
}

function kindOf(text: string, start: number): string {
  const next = text.slice(start, start + 4)
  if (next === '<!--') return 'comments: save it again without them'
  if (next.startsWith('<!')) return 'a document type or CDATA'
  return next.startsWith('<?') ? 'processing instructions' : `'${excerpt(text, start)}'`
}

/** Printable characters alone: the text comes from anybody. */
function excerpt(text: string, offset: number): string {
  return text
    .slice(offset, offset + 24)
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .trim()
}
