/** Structured log of one component, named like `wakunet:vlan-switch:fdb`. Never keys, tokens or payloads. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger whose name is this one's, a colon and `name`. */
  child(name: string): Logger
}

export type LogFields = Readonly<Record<string, unknown>>
