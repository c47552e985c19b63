import type { LogFields, Logger } from '@wakunet/interface'
import { destination as openDestination, pino, stdTimeFunctions } from 'pino'
import { type LogLine, prettyLine } from './pretty.ts'
import { redact } from './redact.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]
export const LOG_FORMATS = ['json', 'pretty'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

/** Bytes that wait for a slow reader of the log; what comes then is dropped rather than stopping the network. */
const MAX_LOG_QUEUE_BYTES = 1024 * 1024

/** Where lines go, one `write` a line. */
export interface LogDestination {
  write(line: string): unknown
}

export interface LoggerInit {
  /** Like `wakunet:trunk-peer`. */
  readonly name: string
  /** Lines below it are not written. Default `info`. */
  readonly level?: LogLevel
  /** `pretty` is for people at a terminal. Default `json`. */
  readonly format?: LogFormat
  /** Default: standard error, because standard output belongs to the results of a command. */
  readonly destination?: LogDestination
  /** Colours in `pretty`. Default: standard error is a terminal and `NO_COLOR` (no-color.org) is not set. */
  readonly colours?: boolean
}

type PinoLogger = pino.Logger<never, boolean>

/** The structured log of a process. Secrets are hidden by field name, bytes are never shown. */
export function createLogger(init: LoggerInit): Logger {
  const output =
    init.destination ??
    standardError((lines) => logger.warn('log lines were dropped: its reader is too slow', { lines }))
  const colours = init.colours ?? hasColours()
  const root = pino(
    {
      level: init.level ?? 'info',
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    init.format === 'pretty'
      ? { write: (line) => output.write(prettyLine(parseLine(line), colours)) }
      : output,
  )
  const logger = namedLogger(root, init.name)
  return logger
}

function namedLogger(root: PinoLogger, name: string): Logger {
  const log =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields?: LogFields): void => {
      if (!root.isLevelEnabled(level)) return
      root[level]({ name, ...safeFields(fields) }, message)
    }
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (part) => namedLogger(root, `${name}:${part}`),
  }
}

/** Names that the line itself uses: a field of that name would appear twice in the JSON. */
const OWN_NAMES = new Set(['time', 'level', 'name', 'msg'])

function safeFields(fields: LogFields | undefined): object {
  if (fields === undefined) return {}
  const copy = redact(fields) as Record<string, unknown>
  const entries = Object.entries(copy).map(([key, value]) => [OWN_NAMES.has(key) ? `${key}_` : key, value])
  return Object.fromEntries(entries)
}

const parseLine = (line: string): LogLine => JSON.parse(line) as LogLine

/**
 * Asynchronous with a bounded queue, which is written out when the process exits. `onDropped` is told how many
 * lines a full queue has dropped, once there is room again.
 */
function standardError(onDropped: (lines: number) => void): LogDestination {
  const output = openDestination({ fd: 2, sync: false, maxLength: MAX_LOG_QUEUE_BYTES })
  let dropped = 0
  output.on('drop', () => {
    dropped++
  })
  output.on('drain', () => {
    const lines = dropped
    dropped = 0
    if (lines > 0) onDropped(lines)
  })
  return output
}

function hasColours(): boolean {
  const noColour = process.env.NO_COLOR
  return process.stderr.isTTY === true && (noColour === undefined || noColour === '')
}
