import { styleText } from 'node:util'

type Format = Parameters<typeof styleText>[0]

/** Colours for a stream, or none: only on a terminal, never where `NO_COLOR` is set (no-color.org). */
export class Style {
  readonly enabled: boolean

  constructor(enabled: boolean) {
    this.enabled = enabled
  }

  /** What `stream` gets: colours on a terminal that knows them and whose owner did not refuse them. */
  static for(stream: { readonly isTTY?: boolean | undefined }, env: Readonly<NodeJS.ProcessEnv>): Style {
    return new Style(stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb')
  }

  bold(text: string): string {
    return this.#paint('bold', text)
  }

  dim(text: string): string {
    return this.#paint('dim', text)
  }

  good(text: string): string {
    return this.#paint('green', text)
  }

  warning(text: string): string {
    return this.#paint('yellow', text)
  }

  bad(text: string): string {
    return this.#paint('red', text)
  }

  #paint(format: Format, text: string): string {
    return this.enabled ? styleText(format, text, { validateStream: false }) : text
  }
}
