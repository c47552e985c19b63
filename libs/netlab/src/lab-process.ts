import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { CommandError, programPath, requireProgram, signalCode } from './command.ts'

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Default: all three are pipes; what the program writes is kept for `waitForOutput` and `output`. */
  readonly stdio?: StdioOptions
}

/** `code` is null where a signal ended the process. */
export interface ExitStatus {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Characters of each output stream that are kept; the oldest go first. */
const MAX_KEPT_CHARACTERS = 256 * 1024
const DEFAULT_WAIT_MS = 10_000
const DEFAULT_STOP_MS = 5_000
/** How long the output of an ended program is waited for when a child of it keeps the pipe open. */
const OUTPUT_GRACE_MS = 500

/**
 * A program that runs on a lab host. It is in a session of its own, so that Ctrl-C reaches the lab's process
 * alone, which decides what happens to the rest.
 */
export class LabProcess {
  readonly program: string
  /** For raw streams. Its `pid` is the program's own, `ip netns exec` does not stay in between. */
  readonly child: ChildProcess
  /** Settles when the process has ended and its output is complete, as far as it arrives soon; never rejects. */
  readonly exited: Promise<ExitStatus>
  #stdout = ''
  #stderr = ''
  #status: ExitStatus | null = null
  readonly #watchers = new Set<() => void>()

  /** @throws WakunetError `ERR_MISSING_PROGRAM` */
  constructor(namespace: string, program: string, args: readonly string[], options: SpawnOptions) {
    this.program = program
    this.child = spawn(requireProgram('ip'), ['netns', 'exec', namespace, requireProgram(program), ...args], {
      detached: true,
      stdio: options.stdio ?? 'pipe',
      env: { ...process.env, ...options.env, PATH: programPath() },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout = (this.#stdout + text).slice(-MAX_KEPT_CHARACTERS)
      this.#wake()
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_KEPT_CHARACTERS)
      this.#wake()
    })
    this.child.stdin?.on('error', () => {})
    this.exited = new Promise((resolve) => {
      this.child.once('error', (error) => {
        this.#stderr += error.message
        this.#end({ code: 127, signal: null }, resolve)
      })
      this.child.once('exit', (code, signal) => {
        setTimeout(() => this.#end({ code, signal }, resolve), OUTPUT_GRACE_MS).unref()
      })
      this.child.once('close', (code, signal) => this.#end({ code, signal }, resolve))
    })
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** True until its end has been seen; its process id is nobody else's so long. */
  get isRunning(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  /** Null while it runs. */
  get status(): ExitStatus | null {
    return this.#status
  }

  /** What it has written so far; at most the last 256 Ki characters of each stream. */
  output(): { stdout: string; stderr: string } {
    return { stdout: this.#stdout, stderr: this.#stderr }
  }

  /**
   * Waits until either output stream matches.
   * @throws CommandError when the process ends or the time is over before that
   */
  waitForOutput(
    pattern: RegExp,
    { timeoutMs = DEFAULT_WAIT_MS, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer)
        this.#watchers.delete(look)
        signal?.removeEventListener('abort', onAbort)
        settle()
      }
      const onAbort = () => finish(() => reject(signal?.reason))
      const look = () => {
        const match = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr)
        if (match !== null) finish(() => resolve(match))
        else if (this.#status !== null)
          finish(() => reject(this.#failure(`ended before it wrote ${pattern}`)))
      }
      const timer = setTimeout(
        () => finish(() => reject(this.#failure(`did not write ${pattern} within ${timeoutMs} ms`))),
        timeoutMs,
      )
      signal?.addEventListener('abort', onAbort)
      this.#watchers.add(look)
      if (signal?.aborted === true) onAbort()
      else look()
    })
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.child.kill(signal)
  }

  /** Asks it to end with `signal`, and kills it after `timeoutMs`. */
  async stop({
    signal = 'SIGTERM',
    timeoutMs = DEFAULT_STOP_MS,
  }: {
    signal?: NodeJS.Signals
    timeoutMs?: number
  } = {}): Promise<ExitStatus> {
    this.kill(signal)
    const timer = setTimeout(() => this.kill('SIGKILL'), timeoutMs)
    const status = await this.exited
    clearTimeout(timer)
    return status
  }

  #end(status: ExitStatus, resolve: (status: ExitStatus) => void): void {
    this.#status ??= status
    resolve(this.#status)
    this.#wake()
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher()
  }

  #failure(what: string): CommandError {
    const { stdout, stderr } = this.output()
    const code = this.#status === null ? 0 : (this.#status.code ?? signalCode(this.#status.signal))
    const said = `${stdout.slice(-1_000)}${stderr.slice(-1_000)}`.trim()
    return new CommandError(`"${this.program}" ${what}${said === '' ? '' : `: ${said}`}`, {
      stdout,
      stderr,
      code,
    })
  }
}
