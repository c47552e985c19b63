import { stripVTControlCharacters } from 'node:util'
import { Style } from '../style.ts'
import type { Terminal } from '../terminal.ts'

const ESCAPE = '\x1b'
/** Also Ctrl-C and Ctrl-D, which are plain characters in raw mode. */
const QUIT_KEYS = ['q', 'Q', '\x03', '\x04'] as const
const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const CLEAR_LINE = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'
/** Without a terminal whole reports are printed, and not every second. */
const PLAIN_PERIOD_MS = 10_000

/** Where a live view is drawn. */
export interface Screen {
  show(lines: (style: Style) => readonly string[]): void
  /** Gives the terminal back as it was. */
  close(): void
}

export const openScreen = (terminal: Terminal, onQuit: () => void): Screen =>
  terminal.stdout.isTTY === true ? new FullScreen(terminal, onQuit) : new PlainLines(terminal)

/** The alternate screen of a terminal, redrawn in place; `q`, Escape and Ctrl-C quit. */
class FullScreen implements Screen {
  readonly #terminal: Terminal
  readonly #style: Style
  readonly #onKeys: (keys: Buffer | string) => void
  #open = true

  constructor(terminal: Terminal, onQuit: () => void) {
    this.#terminal = terminal
    this.#style = Style.for(terminal.stdout, terminal.env)
    this.#onKeys = (keys) => {
      const text = keys.toString()
      if (text === ESCAPE || QUIT_KEYS.some((key) => text.includes(key))) onQuit()
    }
    const { stdin } = terminal
    if (stdin?.isTTY === true) {
      stdin.setRawMode?.(true)
      stdin.on('data', this.#onKeys)
      stdin.resume()
    }
    terminal.stdout.write(ENTER)
    process.once('exit', this.#restore)
  }

  show(lines: (style: Style) => readonly string[]): void {
    if (!this.#open) return
    const { columns = 80, rows = 24 } = this.#terminal.stdout
    const visible = lines(this.#style).slice(0, rows - 1)
    const text = visible.map((line) => `${cut(line, columns)}${CLEAR_LINE}\r\n`).join('')
    this.#terminal.stdout.write(`${HOME}${text}${CLEAR_BELOW}`)
  }

  close(): void {
    process.off('exit', this.#restore)
    this.#restore()
    const { stdin } = this.#terminal
    if (stdin?.isTTY === true) {
      stdin.off('data', this.#onKeys)
      stdin.pause()
    }
  }

  readonly #restore = (): void => {
    if (!this.#open) return
    this.#open = false
    this.#terminal.stdin?.setRawMode?.(false)
    this.#terminal.stdout.write(LEAVE)
  }
}

/** A whole report every few seconds, for a log or a pipe. */
class PlainLines implements Screen {
  readonly #terminal: Terminal
  readonly #style = new Style(false)
  #nextMs = 0

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  show(lines: (style: Style) => readonly string[]): void {
    const nowMs = performance.now()
    if (nowMs < this.#nextMs) return
    this.#nextMs = nowMs + PLAIN_PERIOD_MS
    this.#terminal.stdout.write(`${lines(this.#style).join('\n')}\n\n`)
  }

  close(): void {}
}

/** At most `columns` characters; a line that has to be cut loses its colours. */
const cut = (line: string, columns: number): string => {
  const plain = stripVTControlCharacters(line)
  return plain.length <= columns ? line : `${plain.slice(0, columns - 1)}…`
}
