import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { LabHost } from '@wakunet/netlab'
import { type Host, type HostSettings, TRUNK_PORT } from './host.ts'
import { NODE, servicePath } from './programs.ts'
import { ServiceProcess } from './service-process.ts'

const HTTP_PORT = 9474

/** A host whose node is one process: `wakunet up`. */
export class EmbeddedHost implements Host {
  readonly lab: LabHost
  readonly processes: readonly ServiceProcess[]
  readonly httpUrls = [`http://127.0.0.1:${HTTP_PORT}`]
  readonly cliTarget: readonly string[]
  readonly #node: ServiceProcess
  readonly #settings: HostSettings
  readonly #config: string

  constructor(lab: LabHost, settings: HostSettings) {
    this.lab = lab
    this.#settings = settings
    this.#config = path.join(lab.directory, 'wakunet.yaml')
    const stateDir = path.join(lab.directory, 'state')
    const socket = path.join(lab.directory, 'wakunet.sock')
    const config = this.#config
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    this.configure({})
    this.cliTarget = ['--socket', socket]
    const args = ['up', '--json', '--config', config, '--state-dir', stateDir, '--socket', socket]
    this.#node = new ServiceProcess({
      name: 'wakunet',
      host: lab,
      program: NODE,
      args: [servicePath('wakunet'), ...args],
      startedPattern: /"event":\s*"up"/,
    })
    this.processes = [this.#node]
  }

  get name(): string {
    return this.lab.name
  }

  configure(changes: Partial<HostSettings>): void {
    // JSON is YAML.
    writeFileSync(this.#config, JSON.stringify(configOf({ ...this.#settings, ...changes }), null, 2))
  }

  start(): Promise<void> {
    return this.#node.start()
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    await this.#node.kill(signal)
  }

  async stop(): Promise<void> {
    await this.#node.stop()
  }

  logs(): string {
    return this.#node.logTail()
  }
}

function configOf({ bootstrap, mdns, trunk = {}, switch: section = {} }: HostSettings): object {
  const listen = [`/ip4/0.0.0.0/tcp/${TRUNK_PORT}`]
  return {
    trunk: { listen, bootstrap, mdns, mdnsIntervalMs: 1_000, ...trunk },
    switch: section,
    http: { port: HTTP_PORT },
    log: { format: 'json' },
  }
}
