import type { LogFields, Logger } from '@wakunet/interface'

export interface LogRecord {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly name: string
  readonly message: string
  readonly fields: LogFields
}

/** A logger that keeps what it is told, its children's lines too. */
export interface RecordingLogger extends Logger {
  readonly records: LogRecord[]
  /** Messages of one level, in order. */
  messages(level: LogRecord['level']): string[]
}

/** A logger named `name` whose lines a test can look at. */
export function recordingLogger(name = 'wakunet:test', records: LogRecord[] = []): RecordingLogger {
  const record =
    (level: LogRecord['level']) =>
    (message: string, fields: LogFields = {}) =>
      void records.push({ level, name, message, fields })
  return {
    records,
    messages: (level) => records.filter((r) => r.level === level).map((r) => r.message),
    debug: record('debug'),
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
    child: (part) => recordingLogger(`${name}:${part}`, records),
  }
}
