const COLOURS = { debug: '\x1b[90m', info: '\x1b[36m', warn: '\x1b[33m', error: '\x1b[31m' } as const
const RESET = '\x1b[0m'
const DIM = '\x1b[2m'

/** A line of the JSON log, as `createLogger` writes it. */
export interface LogLine {
  readonly time: string
  readonly level: keyof typeof COLOURS
  readonly name: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** One log line for a terminal: time of day, level, component, message, fields. Always one line. */
export function prettyLine(line: LogLine, colours: boolean): string {
  const { time, level, name, msg, ...fields } = line
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${showValue(value)}`)
  const paint = (colour: string, text: string) => (colours ? `${colour}${text}${RESET}` : text)
  const parts = [
    paint(DIM, time.slice(11, 23)),
    paint(COLOURS[level], level.toUpperCase().padEnd(5)),
    name.replace(/^wakunet:/, ''),
    escapeControls(msg),
    ...(rest.length > 0 ? [paint(DIM, rest.join(' '))] : []),
  ]
  return `${parts.join(' ')}\n`
}

function showValue(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@%+,-]+$/.test(value)) return value
  return escapeControls(JSON.stringify(value) ?? String(value))
}

/** Text from peers may hold escape sequences; a terminal must never act on them. */
function escapeControls(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`,
  )
}
