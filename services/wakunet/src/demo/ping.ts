import type { LabProcess } from '@wakunet/netlab'
import type { DemoHost } from './demo-host.ts'
import { LineSplitter } from './line-splitter.ts'
import { PingTally } from './ping-tally.ts'
import type { PingFamily, PingReport } from './report.ts'

/** Seconds that ping waits for its last answers; long, because the machine may be busy. */
const ANSWER_WAIT_SECONDS = 5

export interface PingInit {
  readonly from: DemoHost
  readonly to: DemoHost
  readonly family: PingFamily
  /** Endless where absent. */
  readonly count?: number
  readonly intervalSeconds: number
}

/** A real `ping` from one host to another, read while it runs. */
export class Ping {
  readonly init: PingInit
  readonly target: string
  readonly tally = new PingTally()
  readonly #process: LabProcess

  constructor(init: PingInit) {
    this.init = init
    this.target = pingTarget(init)
    this.#process = init.from.host.spawn('ping', pingArguments(init, this.target), { env: { LC_ALL: 'C' } })
    const lines = new LineSplitter()
    this.#process.child.stdout?.on('data', (text: string) => {
      for (const line of lines.take(text)) this.tally.take(line)
    })
  }

  get ended(): Promise<unknown> {
    return this.#process.exited
  }

  stop(): void {
    this.#process.kill('SIGINT')
  }

  report(): PingReport {
    const { from, to, family } = this.init
    return { from: from.name, to: to.name, family, target: this.target, ...this.tally.figures() }
  }
}

const pingTarget = ({ from, to, family }: PingInit): string => {
  switch (family) {
    case 'ipv4':
      return to.address4
    case 'ipv6':
      return to.address6
    case 'ipv6-link-local':
      return `${to.linkLocal}%${from.interface}`
  }
}

const pingArguments = ({ family, count, intervalSeconds }: PingInit, target: string): readonly string[] => [
  family === 'ipv4' ? '-4' : '-6',
  '-n',
  '-O',
  ...['-i', String(intervalSeconds)],
  ...['-W', String(ANSWER_WAIT_SECONDS)],
  ...(count === undefined ? [] : ['-c', String(count)]),
  target,
]

/** Every ordered pair of hosts. */
export const orderedPairs = <H>(hosts: readonly H[]): readonly (readonly [from: H, to: H])[] =>
  hosts.flatMap((from) => hosts.filter((to) => to !== from).map((to) => [from, to] as const))

/** Every pair of hosts once. */
export const unorderedPairs = <H>(hosts: readonly H[]): readonly (readonly [from: H, to: H])[] =>
  hosts.flatMap((from, index) => hosts.slice(index + 1).map((to) => [from, to] as const))
