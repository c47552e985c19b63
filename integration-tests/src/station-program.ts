/**
 * The switch's own station on a real TAP, and nothing else of a switch: what its host asks it answers, all other
 * frames are dropped. `StationProcess` drives it.
 *
 * ```text
 *   node station-program.ts '<StationProgramInit as JSON>'
 *   plan {AddressPlan as JSON} | counters | close
 * ```
 *
 * Each command is answered with one line of JSON.
 */
import { createInterface } from 'node:readline'
import { type AddressPlan, formatIp, NameTable, parseIpv4, parseIpv6, VlanStation } from '@wakunet/addressing'
import { completeChecksum, macToString, type OffloadHint, readVirtioHeader } from '@wakunet/ethernet'
import { FRAME_HEADER_BYTES, type FrameBatch, type TapPort } from '@wakunet/interface'
import { openTap } from '@wakunet/netio'

export interface StationProgramInit {
  readonly interface: string
  /** Hexadecimal. */
  readonly vlanId: string
  readonly vlanName: string
  readonly plan: AddressPlan
  /** Host names, and the addresses that each has. */
  readonly hosts: Readonly<Record<string, readonly string[]>>
}

const TICK_MS = 20
const HOST_SINCE_MS = 1

class StationProgram {
  readonly #tap: TapPort
  readonly #station: VlanStation
  readonly #hint: OffloadHint = { flags: 0, gsoType: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 }

  constructor(init: StationProgramInit) {
    this.#tap = openTap({ name: init.interface, mtu: init.plan.mtu, noDad: false })
    const names = new NameTable()
    for (const host of namedHosts(init.hosts)) names.set(host)
    const { vlanName, plan } = init
    const vlanId = Uint8Array.from(Buffer.from(init.vlanId, 'hex'))
    const random = Math.random
    this.#station = new VlanStation(
      { vlanId, vlanName, plan, names, hashSeed: 1, random },
      { toTap: (frame) => this.#write(frame), onBindings: () => {}, onDhcp4: () => {} },
      performance.now(),
    )
  }

  async start(): Promise<void> {
    this.#tap.onFrames = (batch) => this.#read(batch)
    await this.#tap.start()
    setInterval(() => this.#station.tick(performance.now()), TICK_MS)
  }

  get facts(): object {
    const { mac, address4, address6, linkLocal } = this.#station.addresses
    return {
      mac: macToString(mac),
      address4: formatIp(address4),
      address6: formatIp(address6),
      linkLocal: formatIp(linkLocal),
      domains: this.#station.domains,
      tapMac: this.#tap.mac,
    }
  }

  run(line: string): object {
    const [command, argument] = split(line)
    if (command === 'plan') this.#station.setPlan(JSON.parse(argument) as AddressPlan, performance.now())
    else if (command === 'close') this.#station.close()
    else if (command !== 'counters') throw new Error(`unknown command: ${line}`)
    return { stats: this.#station.stats, drops: this.#station.drops }
  }

  #read({ bytes, offsets, lengths, count }: FrameBatch): void {
    for (let i = 0; i < count; i++) {
      const offset = offsets[i]! + FRAME_HEADER_BYTES
      const length = lengths[i]!
      if (!this.#station.isForStation(bytes, offset, length) && !isForServers(bytes, offset)) continue
      readVirtioHeader(bytes, offsets[i]!, this.#hint)
      completeChecksum(bytes, offset, length, this.#hint)
      this.#station.fromTap(bytes, offset, length, performance.now())
    }
  }

  #write(frame: Uint8Array): void {
    const bytes = new Uint8Array(FRAME_HEADER_BYTES + frame.length)
    bytes.set(frame, FRAME_HEADER_BYTES)
    this.#tap.write({ bytes, offsets: Uint32Array.of(0), lengths: Uint32Array.of(frame.length), count: 1 })
  }
}

/** To all routers or to all DHCPv6 servers: what the guards of a switch keep for it. */
function isForServers(bytes: Uint8Array, offset: number): boolean {
  const group = macToString(bytes, offset)
  return group === '33:33:00:00:00:02' || group === '33:33:00:01:00:02'
}

function* namedHosts(hosts: StationProgramInit['hosts']) {
  for (const [hostname, addresses] of Object.entries(hosts)) {
    for (const text of addresses) {
      const address = parseIpv4(text) ?? parseIpv6(text)
      if (address === null) throw new Error(`${text} is no address`)
      yield { hostname, station: hostname, sinceMs: HOST_SINCE_MS, address }
    }
  }
}

function split(line: string): [command: string, argument: string] {
  const space = line.indexOf(' ')
  return space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)]
}

const program = new StationProgram(JSON.parse(process.argv[2] ?? '{}') as StationProgramInit)
await program.start()
console.log(JSON.stringify(program.facts))
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(program.run(line)))
}
process.exit(0)
