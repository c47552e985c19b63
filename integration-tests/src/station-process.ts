import path from 'node:path'
import type { AddressPlan, StationDrop, StationStats } from '@wakunet/addressing'
import type { LabHost, LabProcess } from '@wakunet/netlab'
import { NODE } from './programs.ts'
import type { StationProgramInit } from './station-program.ts'

const PROGRAM = path.join(import.meta.dirname, 'station-program.ts')

/** Who the station is, and the host's own side of the TAP. */
export interface StationFacts {
  readonly mac: string
  readonly address4: string
  readonly address6: string
  readonly linkLocal: string
  readonly domains: readonly string[]
  readonly tapMac: string
}

export interface StationCounters {
  readonly stats: StationStats
  readonly drops: Readonly<Record<StationDrop, number>>
}

/** A running `station-program.ts` on a lab host. It ends with the lab. */
export class StationProcess {
  readonly facts: StationFacts
  readonly #process: LabProcess
  #answers = 1

  private constructor(process: LabProcess, facts: StationFacts) {
    this.#process = process
    this.facts = facts
  }

  static async start(host: LabHost, init: StationProgramInit): Promise<StationProcess> {
    const process = host.spawn(NODE, [PROGRAM, JSON.stringify(init)])
    const [line] = await process.waitForOutput(/\{.*\}/)
    return new StationProcess(process, JSON.parse(line) as StationFacts)
  }

  setPlan(plan: AddressPlan): Promise<StationCounters> {
    return this.#run(`plan ${JSON.stringify(plan)}`)
  }

  counters(): Promise<StationCounters> {
    return this.#run('counters')
  }

  /** The last router advertisement goes out. The TAP stays. */
  close(): Promise<StationCounters> {
    return this.#run('close')
  }

  async #run(command: string): Promise<StationCounters> {
    const earlier = this.#answers++
    this.#process.child.stdin?.write(`${command}\n`)
    const [, line] = await this.#process.waitForOutput(new RegExp(`^(?:.*\\n){${earlier}}(\\{.*\\})\\n`))
    return JSON.parse(line!) as StationCounters
  }
}
