import type { NodeId } from '@wakunet/interface'
import type { ControlMessage } from '@wakunet/trunk'
import type { Trunk } from '../src/trunk.ts'
import type { Trunks } from '../src/trunks.ts'

/** A trunk that is up, as those see it who look at where it leads and send over it. */
export interface TrunkEnd {
  readonly trunk: Trunk
  readonly sent: ControlMessage[]
}

/** @param address without peer id */
export function trunkTo(address: string, fields: Partial<Record<keyof Trunk, unknown>> = {}): TrunkEnd {
  const sent: ControlMessage[] = []
  const digit = String(trunks++ % 10)
  const trunk = {
    nodeId: digit.repeat(32) as NodeId,
    peerId: PEER,
    address: `${address}/p2p/${fields.peerId ?? PEER}`,
    initiator: true,
    relayed: address.includes('/p2p-circuit'),
    up: true,
    upAtMs: 0,
    rttMs: 10,
    has: () => true,
    sendControl: (message: ControlMessage) => sent.push(message) > 0,
    ...fields,
  } as unknown as Trunk
  return { trunk, sent }
}

const PEER = '12D3KooWMDmsfL6VXq5gRkyvZ9edShtx2er2AmrVLdxPGEtzGGwL'
let trunks = 0

/** The trunks of a node. */
export function trunksOf(all: readonly TrunkEnd[]): Trunks {
  return {
    *up() {
      for (const { trunk } of all) if (trunk.up) yield trunk
    },
  } as unknown as Trunks
}
