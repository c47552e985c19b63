/** Longest line that is put together; what is beyond it is cut off. */
const MAX_LINE = 4096

/** Makes lines out of what a program writes in pieces. */
export class LineSplitter {
  #rest = ''

  /** Lines that `text` completes. */
  take(text: string): readonly string[] {
    const lines = (this.#rest + text).split('\n')
    this.#rest = (lines.pop() ?? '').slice(0, MAX_LINE)
    return lines
  }
}
