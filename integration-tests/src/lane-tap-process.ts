import path from 'node:path'
import type { LabHost, LabProcess } from '@wakunet/netlab'
import { NODE } from './programs.ts'
import type { Injection } from './relayed-record.ts'

const PROGRAM = path.join(import.meta.dirname, 'lane-tap.ts')
const COMMAND_TIMEOUT_MS = 60_000

/** Since the last change of the mode. */
export interface TapCounts {
  /** Records of others for others that went by. */
  readonly relayed: number
  /** Records that the program has sent itself. */
  readonly sent: number
  readonly dropped: number
  /** Kept records with the bytes that were looked for. */
  readonly found: number
}

/** A station as the program knows it. */
export interface TapEnd {
  readonly nodeId: string
  readonly mac: string
}

/** A running `lane-tap.ts` on a lab host. It ends with the lab. */
export class LaneTap {
  readonly #process: LabProcess
  #answers = 0

  private constructor(process: LabProcess) {
    this.#process = process
  }

  /** Sits between the two sockets of a host. */
  static async start(host: LabHost, lane: string, tapped: string): Promise<LaneTap> {
    const sockets = [lane, tapped].map((name) => path.join(host.directory, name))
    const process = host.spawn(NODE, [PROGRAM, ...sockets])
    await process.waitForOutput(/"ready":true/)
    return new LaneTap(process)
  }

  /** What it does with what goes by; all counts begin anew. */
  async mode(mode: 'honest' | 'record' | 'modify' | 'replay' | 'drop'): Promise<void> {
    await this.#run(`mode ${mode}`)
  }

  counts(): Promise<TapCounts> {
    return this.#run('counts')
  }

  /** How many of the records that went by have these bytes in them. */
  async find(bytes: Uint8Array): Promise<number> {
    return (await this.#run(`find ${Buffer.from(bytes).toString('hex')}`)).found
  }

  /** Sends marked frames in the name of one station to another. */
  async inject(kind: Injection, from: TapEnd, to: TapEnd, times: number): Promise<void> {
    await this.#run(`inject ${kind} ${from.nodeId} ${to.nodeId} ${from.mac} ${to.mac} ${times}`)
  }

  async #run(command: string): Promise<TapCounts> {
    const number = ++this.#answers
    this.#process.child.stdin?.write(`${command}\n`)
    const [, text] = await this.#process.waitForOutput(new RegExp(`^({"answer":${number},.*})$`, 'm'), {
      timeoutMs: COMMAND_TIMEOUT_MS,
    })
    return JSON.parse(text!) as TapCounts
  }
}
