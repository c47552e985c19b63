import {
  type BusRole,
  DEFAULT_NATS_PREFIX,
  mergeNatsPermissions,
  natsPermissions,
  natsServerConfig,
} from '@wakunet/bus'
import { natsLaneClientPermissions, natsLaneServerPermissions } from '@wakunet/lane'

/** Users of a host's NATS server: each role with what the contract and the lane let it do, and no more. */
export function natsUsersConfig(): string {
  const trunkPeer = [natsPermissions('trunk-peer'), natsLaneServerPermissions(DEFAULT_NATS_PREFIX)]
  const vlanSwitch = [
    natsPermissions('vlan-switch'),
    natsLaneClientPermissions(DEFAULT_NATS_PREFIX, 'vlan-switch'),
  ]
  return natsServerConfig([
    { ...natsCredentials('trunk-peer'), permissions: mergeNatsPermissions(...trunkPeer) },
    { ...natsCredentials('vlan-switch'), permissions: mergeNatsPermissions(...vlanSwitch) },
    { ...natsCredentials('cli'), permissions: natsPermissions('cli') },
  ])
}

export function natsCredentials(role: BusRole): { user: string; password: string } {
  return { user: role, password: `${role}-of-a-test` }
}
