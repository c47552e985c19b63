import { WakunetError } from '@wakunet/interface'
import type { LabHost } from '@wakunet/netlab'
import { z } from 'zod'

/** UDP over IPv4: what each counted packet has beside its payload (RFC 791, RFC 768). */
const HEADER_BYTES = 28
const TABLE = 'bench'
const COUNTER = 'seen'

/** What came in on a host. */
export interface PacketCount {
  /** As the kernel got them: a super-frame is one. */
  readonly packets: number
  /** UDP payload, without headers. */
  readonly payloadBytes: number
}

/**
 * Counts UDP datagrams to one port on a host, whether anybody there wants them or not: before routing, where
 * packets of groups that the host has not joined still are.
 */
export class PacketCounter {
  readonly #host: LabHost

  private constructor(host: LabHost) {
    this.#host = host
  }

  static async start(host: LabHost, port: number): Promise<PacketCounter> {
    const rule = `udp dport ${port} counter name ${COUNTER}`
    const input = `
      add table ip ${TABLE}
      add counter ip ${TABLE} ${COUNTER}
      add chain ip ${TABLE} in { type filter hook prerouting priority -300; }
      add rule ip ${TABLE} in ${rule}
    `
    await host.exec('nft', ['-f', '-'], { input })
    return new PacketCounter(host)
  }

  async read(): Promise<PacketCount> {
    const { stdout } = await this.#host.exec('nft', ['--json', 'list', 'counter', 'ip', TABLE, COUNTER])
    return parseCounter(stdout)
  }
}

const listSchema = z.object({
  nftables: z.array(
    z.object({
      counter: z.object({ packets: z.number().nonnegative(), bytes: z.number().nonnegative() }).optional(),
    }),
  ),
})

/** Reads what `nft --json list counter` prints. @throws WakunetError `ERR_DECODE` */
export function parseCounter(text: string): PacketCount {
  const list = listSchema.safeParse(parseJson(text))
  const counter = list.data?.nftables.find((entry) => entry.counter !== undefined)?.counter
  if (counter === undefined)
    throw new WakunetError('ERR_DECODE', `nft shows no counter: ${text.slice(0, 200)}`)
  const { packets, bytes } = counter
  return { packets, payloadBytes: bytes - packets * HEADER_BYTES }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
