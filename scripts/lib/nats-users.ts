import { BUS_ROLES, mergeNatsPermissions, type NatsUser, natsPermissions } from '../../libs/bus/src/index.ts'
import { natsLaneClientPermissions, natsLaneServerPermissions } from '../../libs/lane/src/index.ts'

const PREFIX = 'wakunet'

/** What a service needs beside the bus where frames go over NATS as well. */
const LANE_PERMISSIONS = {
  'trunk-peer': [natsLaneServerPermissions(PREFIX)],
  'vlan-switch': [natsLaneClientPermissions(PREFIX, 'vlan-switch')],
  cli: [],
} as const

/** One user a role of the contract; the password is the name of a variable. */
export const natsUsers: readonly NatsUser[] = BUS_ROLES.map((role) => ({
  user: role,
  password: `$WAKUNET_NATS_${role.toUpperCase().replace('-', '_')}`,
  permissions: mergeNatsPermissions(natsPermissions(role, PREFIX), ...LANE_PERMISSIONS[role]),
}))
