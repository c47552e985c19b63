import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openScreen } from '../src/demo/screen.ts'
import type { KeyboardStream, Terminal } from '../src/terminal.ts'

/** A keyboard that a test types on. */
class FakeKeyboard implements KeyboardStream {
  readonly isTTY = true
  raw = false
  listeners = new Set<(keys: Buffer | string) => void>()

  setRawMode(raw: boolean): void {
    this.raw = raw
  }
  on(_event: 'data', listener: (keys: Buffer | string) => void): void {
    this.listeners.add(listener)
  }
  off(_event: 'data', listener: (keys: Buffer | string) => void): void {
    this.listeners.delete(listener)
  }
  resume(): void {}
  pause(): void {}
  type(keys: string): void {
    for (const listener of this.listeners) listener(keys)
  }
}

const makeTerminal = (isTTY: boolean) => {
  const written: string[] = []
  const stdin = new FakeKeyboard()
  const stdout = { isTTY, columns: 20, rows: 4, write: (text: string) => void written.push(text) }
  const terminal: Terminal = { stdout, stderr: stdout, stdin, env: {} }
  return { terminal, stdin, text: () => written.join('') }
}

describe('the screen of the live view', () => {
  test('gives the terminal back as it was: screen, cursor and keyboard', () => {
    const { terminal, stdin, text } = makeTerminal(true)
    const before = process.listenerCount('exit')
    const screen = openScreen(terminal, () => {})
    assert.equal(stdin.raw, true)
    screen.close()
    screen.close()
    assert.equal(stdin.raw, false)
    assert.equal(stdin.listeners.size, 0)
    assert.equal(process.listenerCount('exit'), before)
    assert.ok(text().endsWith('\x1b[?25h\x1b[?1049l'))
  })

  test('is quit by q, Ctrl-C, Ctrl-D and Escape, and not by an arrow key', () => {
    for (const [keys, quits] of [
      ['q', true],
      ['\x03', true],
      ['\x04', true],
      ['\x1b', true],
      ['\x1b[A', false],
      ['x', false],
    ] as const) {
      const { terminal, stdin } = makeTerminal(true)
      let quit = false
      const screen = openScreen(terminal, () => {
        quit = true
      })
      stdin.type(keys)
      assert.equal(quit, quits, JSON.stringify(keys))
      screen.close()
    }
  })

  test('draws no more than the terminal has, neither in width nor in height', () => {
    const { terminal, text } = makeTerminal(true)
    const screen = openScreen(terminal, () => {})
    screen.show((style) => [style.bad('x'.repeat(50)), 'b', 'c', 'too much'])
    assert.ok(text().includes(`${'x'.repeat(19)}…`))
    assert.ok(!text().includes('x'.repeat(20)))
    assert.ok(!text().includes('too much'))
    screen.close()
  })

  test('is plain lines without escapes where no terminal is, and not every second', () => {
    const { terminal, text } = makeTerminal(false)
    const screen = openScreen(terminal, () => {})
    screen.show((style) => [style.bad('first')])
    screen.show(() => ['second'])
    screen.close()
    assert.equal(text(), 'first\n\n')
  })
})
