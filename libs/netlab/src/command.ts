import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { WakunetError } from '@wakunet/interface'

/** How a program ended. `code` is 128 + the signal's number where a signal ended it, as in a shell. */
export interface CommandResult {
  readonly stdout: string
  readonly stderr: string
  readonly code: number
}

export interface CommandOptions {
  /** Written to standard input, which is closed afterwards. */
  readonly input?: string | Uint8Array
  /** Killed and reported as an error when it takes longer. Default 30,000. */
  readonly timeoutMs?: number
  /** Return a code other than 0 instead of throwing. Timeouts and missing programs throw all the same. */
  readonly allowFailure?: boolean
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly signal?: AbortSignal
  /** Bytes of standard output or standard error that are taken at the most. Default 16 MiB. */
  readonly maxOutputBytes?: number
}

const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_MAX_OUTPUT_BYTES = 16 * 1024 * 1024
const MAX_SHOWN_CHARACTERS = 2_000
/** Where Debian keeps administration programs; not in the path of an ordinary user. */
const ADMINISTRATION_PATHS = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/** A program that failed, took too long or wrote too much; `result` holds what it had written. */
export class CommandError extends WakunetError {
  readonly result: CommandResult

  constructor(message: string, result: CommandResult, options?: ErrorOptions) {
    super('ERR_COMMAND_FAILED', message, options)
    this.result = result
  }
}

/** Search path for programs: the user's, then the administration directories. */
export function programPath(): string {
  return [process.env.PATH ?? '/usr/bin:/bin', ...ADMINISTRATION_PATHS].join(':')
}

/** Absolute path of a program, or null where it is not installed. */
export function findProgram(name: string): string | null {
  if (name.includes('/')) return isExecutable(name) ? name : null
  for (const directory of programPath().split(':')) {
    const candidate = path.join(directory, name)
    if (directory !== '' && isExecutable(candidate)) return candidate
  }
  return null
}

/** Debian packages of the programs that labs use themselves and that often are missing. */
const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  unshare: 'util-linux',
  tcpdump: 'tcpdump',
  ping: 'iputils-ping',
  iperf3: 'iperf3',
  'avahi-daemon': 'avahi-daemon',
  'avahi-browse': 'avahi-utils',
  'avahi-resolve': 'avahi-utils',
  'nats-server': 'nats-server',
}

/** @throws WakunetError `ERR_MISSING_PROGRAM` that says how to install it */
export function requireProgram(name: string): string {
  const found = findProgram(name)
  if (found !== null) return found
  const debianPackage = PACKAGES[name]
  const hint =
    debianPackage === undefined
      ? 'Install it.'
      : `Install it: apt-get install ${debianPackage} (Debian, Ubuntu).`
  throw new WakunetError('ERR_MISSING_PROGRAM', `The program "${name}" is not installed. ${hint}`)
}

/** Runs a program to its end, never through a shell. */
export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const file = requireProgram(program)
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      [...args],
      {
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES,
        env: { ...process.env, ...options.env, PATH: programPath() },
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
      (error, stdout, stderr) => {
        const result = { stdout, stderr, code: exitCode(error) }
        if (error === null || (options.allowFailure === true && endedByItself(error))) resolve(result)
        else if (options.signal?.aborted === true) reject(options.signal.reason)
        else
          reject(
            new CommandError(describe(program, args, error, result, timeoutMs), result, { cause: error }),
          )
      },
    )
    // A program that does not read its input closes the pipe: its exit code tells, not EPIPE.
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input ?? '')
  })
}

interface ExecError extends Error {
  code?: number | string | null
  signal?: NodeJS.Signals | null
  killed?: boolean
}

function endedByItself(error: ExecError): boolean {
  return error.killed !== true && (typeof error.code === 'number' || typeof error.signal === 'string')
}

function exitCode(error: ExecError | null): number {
  if (error === null) return 0
  if (typeof error.code === 'number') return error.code
  return signalCode(error.signal ?? null)
}

/** Exit code that a shell would show for a program that a signal ended. */
export function signalCode(signal: NodeJS.Signals | null): number {
  return signal === null ? 1 : 128 + (os.constants.signals[signal] ?? 0)
}

function describe(
  program: string,
  args: readonly string[],
  error: ExecError,
  result: CommandResult,
  timeoutMs: number,
): string {
  const command = [program, ...args].join(' ')
  const said = (result.stderr.trim() || result.stdout.trim()).slice(-MAX_SHOWN_CHARACTERS)
  const tail = said === '' ? '' : `: ${said}`
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `"${command}" wrote more than is taken`
  if (error.killed === true) return `"${command}" did not end within ${timeoutMs} ms${tail}`
  if (typeof error.code === 'string') return `"${command}" could not be run: ${error.message}`
  return `"${command}" ended with code ${result.code}${tail}`
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
