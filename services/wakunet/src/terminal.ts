import { Style } from './style.ts'

/** What a command writes to and reads from; the real process, or a recorder in tests. */
export interface Terminal {
  readonly stdout: TerminalStream
  readonly stderr: TerminalStream
  readonly stdin?: KeyboardStream
  readonly env: Readonly<NodeJS.ProcessEnv>
}

/** What a live view reads keys from. */
export interface KeyboardStream {
  readonly isTTY?: boolean | undefined
  setRawMode?(raw: boolean): unknown
  on(event: 'data', listener: (keys: Buffer | string) => void): unknown
  off(event: 'data', listener: (keys: Buffer | string) => void): unknown
  resume(): unknown
  pause(): unknown
}

export interface TerminalStream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  write(text: string): unknown
}

/**
 * Results on stdout: one JSON value with `--json`, lines for people otherwise. Notes for people go to
 * stderr, so that stdout can be piped.
 */
export class Output {
  readonly style: Style
  readonly json: boolean
  readonly #terminal: Terminal

  constructor(terminal: Terminal, json: boolean) {
    this.#terminal = terminal
    this.json = json
    this.style = Style.for(terminal.stdout, terminal.env)
  }

  result(value: unknown, lines: (style: Style) => readonly string[]): void {
    const text = this.json ? JSON.stringify(value) : lines(this.style).join('\n')
    this.#terminal.stdout.write(`${text}\n`)
  }

  /** A hint about what to do next; silent with `--json`. */
  note(text: string): void {
    if (!this.json) this.#terminal.stderr.write(`${text}\n`)
  }
}
