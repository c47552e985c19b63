import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requirePrograms } from './prerequisites.ts'
import { freePort, tempDir } from './resources.ts'

/** What this file needs of a `node:test` context. */
interface TestScope {
  after(cleanUp: () => Promise<void> | void): void
}

/** A real nats-server on a loopback port of its own; gone after the test. */
export class TestNatsServer {
  readonly url: string
  readonly #args: readonly string[]
  #process: ChildProcess | null = null

  private constructor(port: number, args: readonly string[]) {
    this.url = `127.0.0.1:${port}`
    this.#args = ['-a', '127.0.0.1', '-p', String(port), ...args]
  }

  /** A server that is not started yet, with `config` as its configuration file. */
  static async create(t: TestScope, config = ''): Promise<TestNatsServer> {
    requirePrograms(['nats-server'])
    const path = join(await tempDir(t), 'nats-server.conf')
    await writeFile(path, config)
    const server = new TestNatsServer(await freePort(), ['-c', path])
    t.after(() => server.stop())
    return server
  }

  async start(): Promise<void> {
    const child = spawn('nats-server', this.#args, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#process = child
    let log = ''
    const ready = Promise.withResolvers<void>()
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text
      if (log.includes('Server is ready')) ready.resolve()
    })
    child.on('exit', () => ready.reject(new Error(`nats-server ended:\n${log}`)))
    await ready.promise
  }

  /** Kills it as a power cut would. */
  async stop(): Promise<void> {
    const child = this.#process
    this.#process = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  /** Freezes the process, or lets it go on: the connections stay, nothing moves. */
  freeze(frozen: boolean): void {
    this.#process?.kill(frozen ? 'SIGSTOP' : 'SIGCONT')
  }
}
