import { setTimeout as pause } from 'node:timers/promises'
import type { LabProcess } from '@wakunet/netlab'
import type { Station } from './station.ts'

const PORT = 5201
const PERIOD_MS = 200
/** TCP may wait for seconds before it sends again after a gap. */
const RECEIVER_END_MS = 20_000

/** One TCP connection between two stations over which a number goes five times a second. */
export class TcpTicker {
  readonly #receiver: LabProcess
  readonly #sender: LabProcess
  readonly #timer: NodeJS.Timeout
  #sent = 0
  #lastHeardMs = performance.now()
  #longestGapMs = 0

  private constructor(receiver: LabProcess, sender: LabProcess) {
    this.#receiver = receiver
    this.#sender = sender
    receiver.child.stdout?.on('data', () => {
      const nowMs = performance.now()
      this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#lastHeardMs)
      this.#lastHeardMs = nowMs
    })
    this.#timer = setInterval(() => sender.child.stdin?.write(`${++this.#sent}\n`), PERIOD_MS)
    // Also where the test failed before it could stop this: the lab ends the program.
    void sender.exited.then(() => clearInterval(this.#timer))
  }

  static async start(from: Station, to: Station): Promise<TcpTicker> {
    const listen = `TCP4-LISTEN:${PORT},bind=${to.address4},reuseaddr`
    const receiver = to.host.lab.spawn('socat', ['-d', '-d', '-u', listen, 'STDOUT'])
    await receiver.waitForOutput(/listening on/)
    const sender = from.host.lab.spawn('socat', ['-d', '-d', '-u', 'STDIN', `TCP4:${to.address4}:${PORT}`])
    await sender.waitForOutput(/successfully connected/)
    return new TcpTicker(receiver, sender)
  }

  /** Ends the connection and says how it went. */
  async stop(): Promise<{ sent: number; received: number; inOrder: boolean; longestGapMs: number }> {
    clearInterval(this.#timer)
    const gapMs = Math.max(this.#longestGapMs, performance.now() - this.#lastHeardMs)
    this.#sender.child.stdin?.end()
    await Promise.race([this.#receiver.exited, pause(RECEIVER_END_MS, undefined, { ref: false })])
    await Promise.all([this.#sender.stop(), this.#receiver.stop()])
    const numbers = this.#receiver.output().stdout.trim().split('\n').map(Number)
    const inOrder = numbers.every((number, index) => number === index + 1)
    return { sent: this.#sent, received: numbers.length, inOrder, longestGapMs: Math.round(gapMs) }
  }
}
