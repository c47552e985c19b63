import { readFile } from 'node:fs/promises'
import type { ExitStatus, LabHost, LabProcess } from '@wakunet/netlab'
import { NODE_ENVIRONMENT } from './programs.ts'

const START_TIMEOUT_MS = 60_000
/** Longer than the 10 s after which a service gives up its own orderly stop. */
const STOP_TIMEOUT_MS = 15_000
const TAIL_LINES = 25

export interface ServiceProcessInit {
  /** What people call it: `trunk-peer`. */
  readonly name: string
  readonly host: LabHost
  readonly program: string
  readonly args: readonly string[]
  /** Written on standard output or standard error when it has started. */
  readonly startedPattern: RegExp
}

/** One long-running program of a host, which can be killed and started again. */
export class ServiceProcess {
  readonly name: string
  readonly #init: ServiceProcessInit
  #running: LabProcess | null = null
  /** Output of the runs before this one, as far as its tail. */
  #past = ''

  constructor(init: ServiceProcessInit) {
    this.name = init.name
    this.#init = init
  }

  get isRunning(): boolean {
    return this.#running !== null && this.#running.status === null
  }

  /** Of the present or the last run. */
  get pid(): number {
    return this.#running?.pid ?? 0
  }

  /** @throws CommandError with what it wrote, when it ends or does not say that it has started */
  async start(): Promise<void> {
    if (this.isRunning) throw new Error(`${this.name} of ${this.#init.host.name} runs already`)
    const { host, program, args, startedPattern } = this.#init
    this.#past = this.#output()
    this.#running = host.spawn(program, args, { env: NODE_ENVIRONMENT })
    await this.#running.waitForOutput(startedPattern, { timeoutMs: START_TIMEOUT_MS })
  }

  /** Sends a signal that ends it, and waits for the end. */
  async kill(signal: NodeJS.Signals): Promise<ExitStatus> {
    if (this.#running === null) throw new Error(`${this.name} of ${this.#init.host.name} does not run`)
    return this.#running.stop({ signal, timeoutMs: STOP_TIMEOUT_MS })
  }

  /** Ends it as a service manager would. Idempotent. */
  async stop(): Promise<ExitStatus | null> {
    return this.isRunning ? this.kill('SIGTERM') : (this.#running?.status ?? null)
  }

  /** Resident memory in bytes. */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.#running?.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024
  }

  /** The last lines that it wrote, also before it was started again. */
  logTail(): string {
    const lines = this.#output().trimEnd().split('\n').slice(-TAIL_LINES)
    return [`--- ${this.#init.host.name} ${this.name}`, ...lines].join('\n')
  }

  #output(): string {
    if (this.#running === null) return this.#past
    const { stdout, stderr } = this.#running.output()
    return `${this.#past.slice(-16_384)}${stdout}${stderr}`
  }
}
