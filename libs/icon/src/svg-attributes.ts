export const SVG_NAMESPACE = 'http://www.w3.org/2000/svg'

/** A fragment of the same image, the one kind of reference there is. */
const LOCAL_REFERENCE = /^url\(#[A-Za-z][A-Za-z0-9_-]{0,63}\)$/
/** Attributes that may have one. */
const PAINTS = new Set(['fill', 'stroke', 'clip-path'])

/** Numbers, lengths, lists of them, path data and transforms. */
const GEOMETRY = /^[-+.,%()\sA-Za-z0-9]*$/
const COLOUR = /^(?:#[0-9A-Fa-f]{3,8}|[A-Za-z]{1,32}|(?:rgb|rgba|hsl|hsla)\([-0-9.,%\s/]{1,64}\))$/
const WORD = /^[A-Za-z][A-Za-z0-9-]{0,63}$/
const NUMBER = /^[-+]?[0-9.]{1,12}(?:px|%)?$/
const IDENTIFIER = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

const FORMS: Readonly<Record<string, RegExp>> = {
  id: IDENTIFIER,
  ...formsOf(GEOMETRY, [
    'd',
    'points',
    'transform',
    'gradientTransform',
    'viewBox',
    'stroke-dasharray',
    'preserveAspectRatio',
  ]),
  ...formsOf(COLOUR, ['fill', 'stroke', 'color', 'stop-color']),
  ...formsOf(NUMBER, [
    'x',
    'y',
    'x1',
    'y1',
    'x2',
    'y2',
    'cx',
    'cy',
    'r',
    'rx',
    'ry',
    'fx',
    'fy',
    'width',
    'height',
    'offset',
    'opacity',
    'fill-opacity',
    'stroke-opacity',
    'stop-opacity',
    'stroke-width',
    'stroke-miterlimit',
    'stroke-dashoffset',
    'version',
  ]),
  ...formsOf(WORD, [
    'fill-rule',
    'clip-rule',
    'stroke-linecap',
    'stroke-linejoin',
    'gradientUnits',
    'clipPathUnits',
    'spreadMethod',
    'shape-rendering',
    'vector-effect',
    'role',
  ]),
}

/** What is wrong with an attribute, or null. Nothing that begins with `on`, no `href`, `style` or `class` is on the list. */
export function attributeFault(element: string, attribute: string, value: string): string | null {
  if (attribute === 'xmlns')
    return element === 'svg' && value === SVG_NAMESPACE ? null : 'must be an SVG image with one namespace'
  const form = Object.hasOwn(FORMS, attribute) ? FORMS[attribute] : undefined
  if (form?.test(value)) return null
  return form === undefined && !PAINTS.has(attribute)
    ? `must be an SVG image without the attribute '${attribute.slice(0, 32)}'`
    : `must be an SVG image with a plain '${attribute}'`
}

/** Whether the value names a gradient or a clip path of the same image. */
export function isLocalPaint(attribute: string, value: string): boolean {
  return PAINTS.has(attribute) && LOCAL_REFERENCE.test(value)
}

function formsOf(form: RegExp, names: readonly string[]): Record<string, RegExp> {
  return Object.fromEntries(names.map((name) => [name, form]))
}
