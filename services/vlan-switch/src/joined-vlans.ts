import { join } from 'node:path'
import { addressModeSchema, cidrSchema, interfaceNameSchema, nodeIdSchema, vlanSchema } from '@wakunet/bus'
import type { Clock } from '@wakunet/interface'
import { readStateFile, type StateFormat, writeStateFile } from '@wakunet/service-kit'
import { z } from 'zod'

/** Most VLANs of one switch; a trunk announces no more. */
export const MAX_JOINED_VLANS = 256

const joinedVlanSchema = z.strictObject({
  vlan: vlanSchema,
  interface: interfaceNameSchema,
  mtu: z.number().int().min(1280).max(9000),
  /** Manual IPv4 address; null for an automatic one. */
  address4: cidrSchema.nullable(),
  addressAttempt: z.number().int().min(0).max(65_534),
  /** Absent in states of old: `manual` where there is an address, `none` for a port of a bridge, else `auto`. */
  addressMode: addressModeSchema.optional(),
  /** A Linux bridge that the interface is a port of. */
  bridge: interfaceNameSchema.optional(),
})
export type JoinedVlan = z.infer<typeof joinedVlanSchema>

const stateSchema = z.strictObject({
  /** Null until trunk-peer has said it once; MAC and automatic addresses follow from it. */
  nodeId: nodeIdSchema.nullable(),
  joined: z.array(joinedVlanSchema).max(MAX_JOINED_VLANS),
})
export type SwitchState = z.infer<typeof stateSchema>

const FORMAT: StateFormat<SwitchState> = { name: 'vlan-switch.joined', version: 1, schema: stateSchema }

/** What the switch has joined, kept so that it is there again after a restart, without the network. */
export class JoinedVlans {
  readonly #path: string | null
  readonly #clock: Clock

  /** @param stateDir null keeps nothing */
  constructor(stateDir: string | null, clock: Clock) {
    this.#path = stateDir === null ? null : join(stateDir, 'joined-vlans.json')
    this.#clock = clock
  }

  /** @throws WakunetError `ERR_STATE_DAMAGED`, `ERR_SYSTEM_CALL` */
  async load(): Promise<SwitchState> {
    const state = this.#path === null ? null : await readStateFile(this.#path, FORMAT, { clock: this.#clock })
    return state ?? { nodeId: null, joined: [] }
  }

  /** @throws WakunetError `ERR_SYSTEM_CALL` */
  async save(state: SwitchState): Promise<void> {
    if (this.#path !== null) await writeStateFile(this.#path, FORMAT, state)
  }
}
