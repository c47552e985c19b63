import type { LabHost } from './lab-host.ts'
import type { ExitStatus, LabProcess } from './lab-process.ts'

/** Lines that are kept; packets beyond are counted only. */
const MAX_LINES = 20_000

export interface CaptureResult {
  /** Packets that matched, also those whose line is no longer kept. */
  readonly packets: number
  /** Packets that matched and that tcpdump was too slow for. */
  readonly missed: number
  /** One line of text per packet, the first 20,000. */
  readonly lines: readonly string[]
}

export interface Capture {
  /** Packets seen so far. */
  readonly packets: number
  readonly lines: readonly string[]
  /** Ends it; idempotent. */
  stop(): Promise<CaptureResult>
}

/** Starts tcpdump and returns once it listens, so that no packet sent afterwards is missed. */
export async function startCapture(host: LabHost, interfaceName: string, filter: string): Promise<Capture> {
  const dump = host.spawn('tcpdump', [
    '-i',
    interfaceName,
    '--immediate-mode',
    '-n',
    '-e',
    '-l',
    // Stay root: the account that it would change to does not exist in a user namespace.
    '-Z',
    'root',
    ...(filter === '' ? [] : [filter]),
  ])
  const capture = new TcpdumpCapture(dump)
  await dump.waitForOutput(/listening on/)
  return capture
}

class TcpdumpCapture implements Capture {
  readonly lines: string[] = []
  packets = 0
  readonly #dump: LabProcess
  #rest = ''
  #stopped: Promise<ExitStatus> | null = null

  constructor(dump: LabProcess) {
    this.#dump = dump
    dump.child.stdout?.on('data', (text: string) => this.#take(text))
  }

  async stop(): Promise<CaptureResult> {
    this.#stopped ??= this.#dump.stop({ signal: 'SIGINT' })
    await this.#stopped
    const missed = /(\d+) packets? dropped by kernel/.exec(this.#dump.output().stderr)
    return { packets: this.packets, missed: Number(missed?.[1] ?? 0), lines: this.lines }
  }

  #take(text: string): void {
    const parts = (this.#rest + text).split('\n')
    this.#rest = parts.pop() ?? ''
    for (const line of parts) {
      // A packet may take several lines; the further ones are indented.
      if (line === '' || line.startsWith('\t') || line.startsWith(' ')) continue
      this.packets++
      if (this.lines.length < MAX_LINES) this.lines.push(line)
    }
  }
}
