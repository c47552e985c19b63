import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { LabHost } from '@wakunet/netlab'
import { type Host, type HostSettings, TRUNK_PORT } from './host.ts'
import { natsCredentials, natsUsersConfig } from './nats-credentials.ts'
import { NODE, servicePath } from './programs.ts'
import { ServiceProcess } from './service-process.ts'

const NATS_PORT = 4222
const HTTP_PORTS = { 'trunk-peer': 9474, 'vlan-switch': 9475 } as const
type Service = keyof typeof HTTP_PORTS

export type LaneKind = 'unix' | 'nats'

/** Where vlan-switch attaches; trunk-peer makes `lane.sock`. Another socket is that of somebody between the two. */
export const LANE_SOCKET = 'lane.sock'

/** A host whose node is separate services around a NATS server of its own, on its loopback interface. */
export class ServicesHost implements Host {
  readonly lab: LabHost
  readonly processes: readonly ServiceProcess[]
  readonly httpUrls = Object.values(HTTP_PORTS).map((port) => `http://127.0.0.1:${port}`)
  readonly cliTarget: readonly string[]
  readonly #laneKind: LaneKind
  readonly #switchSocket: string
  readonly #settings: HostSettings

  constructor(lab: LabHost, settings: HostSettings, laneKind: LaneKind, switchSocket = LANE_SOCKET) {
    this.lab = lab
    this.#laneKind = laneKind
    this.#switchSocket = switchSocket
    this.#settings = settings
    this.configure({})
    const { user, password } = natsCredentials('cli')
    this.cliTarget = ['--bus', `nats://${user}:${password}@127.0.0.1:${NATS_PORT}`]
    this.processes = [this.#natsServer(), this.#service('trunk-peer'), this.#service('vlan-switch')]
  }

  configure(changes: Partial<HostSettings>): void {
    const { bootstrap, mdns, trunk, switch: section } = { ...this.#settings, ...changes }
    const listen = [`/ip4/0.0.0.0/tcp/${TRUNK_PORT}`]
    this.#write('trunk-peer', { trunk: { ...trunk, listen, bootstrap, mdns, mdnsIntervalMs: 1_000 } })
    this.#write('vlan-switch', section === undefined ? {} : { switch: section })
  }

  #write(name: Service, section: object): void {
    const stateDir = path.join(this.lab.directory, name)
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    const text = JSON.stringify({ ...section, stateDir, ...this.#sharedConfig(name) }, null, 2)
    writeFileSync(this.#configFile(name), text, { mode: 0o600 })
  }

  #configFile(name: Service): string {
    return path.join(this.lab.directory, `${name}.yaml`)
  }

  get name(): string {
    return this.lab.name
  }

  /** All at once: services start in any order. */
  async start(process?: string): Promise<void> {
    const chosen = process === undefined ? this.processes : [this.#process(process)]
    await Promise.all(chosen.filter((one) => !one.isRunning).map((one) => one.start()))
  }

  async kill(signal: NodeJS.Signals, process?: string): Promise<void> {
    const chosen = process === undefined ? this.processes : [this.#process(process)]
    await Promise.all(chosen.map((one) => one.kill(signal)))
  }

  async stop(): Promise<void> {
    for (const one of this.processes.toReversed()) await one.stop()
  }

  logs(): string {
    return this.processes.map((one) => one.logTail()).join('\n')
  }

  #process(name: string): ServiceProcess {
    const found = this.processes.find((one) => one.name === name)
    if (found === undefined) throw new Error(`a host has no process ${name}`)
    return found
  }

  #natsServer(): ServiceProcess {
    const config = path.join(this.lab.directory, 'nats-server.conf')
    writeFileSync(config, natsUsersConfig(), { mode: 0o600 })
    return new ServiceProcess({
      name: 'nats-server',
      host: this.lab,
      program: 'nats-server',
      args: ['--addr', '127.0.0.1', '--port', String(NATS_PORT), '--config', config],
      startedPattern: /Server is ready/,
    })
  }

  #service(name: Service): ServiceProcess {
    return new ServiceProcess({
      name,
      host: this.lab,
      program: NODE,
      args: [servicePath(name), '--config', this.#configFile(name)],
      startedPattern: /"started"/,
    })
  }

  #sharedConfig(name: Service): object {
    return {
      bus: { servers: [`nats://127.0.0.1:${NATS_PORT}`], ...natsCredentials(name) },
      lane: {
        kind: this.#laneKind,
        path: path.join(this.lab.directory, name === 'vlan-switch' ? this.#switchSocket : LANE_SOCKET),
      },
      http: { port: HTTP_PORTS[name] },
      log: { format: 'json' },
    }
  }
}
