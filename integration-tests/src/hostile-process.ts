import path from 'node:path'
import type { LabHost, LabProcess } from '@wakunet/netlab'
import { RECORD_ATTACKS, type RecordAttack } from './hostile-attacks.ts'
import type { HostileTarget } from './hostile-scene.ts'
import { NODE } from './programs.ts'
import { TRUNK_ATTACKS, type TrunkAttack } from './trunk-attacks.ts'

const PROGRAM = path.join(import.meta.dirname, 'hostile-peer.ts')
const COMMAND_TIMEOUT_MS = 60_000

/** A running `hostile-peer.ts` on a lab host. It ends with the lab. */
export class HostileProcess {
  /** MAC address that it has in the VLAN as an honest member. */
  readonly mac: string
  readonly #process: LabProcess

  private constructor(process: LabProcess, mac: string) {
    this.#process = process
    this.mac = mac
  }

  static async start(host: LabHost, target: HostileTarget): Promise<HostileProcess> {
    const process = host.spawn(NODE, [PROGRAM, JSON.stringify(target)])
    const [, mac] = await process.waitForOutput(/"mac":"([0-9a-f:]+)"/)
    return new HostileProcess(process, mac!)
  }

  /** Sends records that an honest member could have sent: plain frames, partial checksums, super-frames. */
  sendHonest(times: number): Promise<void> {
    return this.#run(`honest ${times}`)
  }

  /** Sends one honest record, then the same one again `times` times. */
  replay(times: number): Promise<void> {
    return this.#run(`replay ${times}`)
  }

  sendRecords(attack: RecordAttack): Promise<void> {
    return this.#run(`record ${RECORD_ATTACKS.indexOf(attack)} ${attack.times}`)
  }

  /** Announces a MAC address, its own or that of another member. */
  claimMac(mac: string): Promise<void> {
    return this.#run(`claim ${mac}`)
  }

  /** Does what ends a trunk, each time on a new one, and sees each of them closed. */
  breakTrunks(attack: TrunkAttack, times: number): Promise<void> {
    return this.#run(`trunk ${TRUNK_ATTACKS.indexOf(attack)} ${times}`)
  }

  /** Tells the victim, so many times within a second or two, that it is the root of the tree, by a priority of its own choice. */
  claimRoot(times: number): Promise<void> {
    return this.#run(`root ${times}`)
  }

  async stop(): Promise<void> {
    await this.#process.stop()
  }

  async #run(command: string): Promise<void> {
    const done = (): number => this.#process.output().stdout.split(`{"done":"${command}"}`).length - 1
    const before = done()
    this.#process.child.stdin?.write(`${command}\n`)
    await this.#process.waitForOutput(new RegExp(`(?:"done":"${command}"[^]*){${before + 1}}`), {
      timeoutMs: COMMAND_TIMEOUT_MS,
    })
  }
}
