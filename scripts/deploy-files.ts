/**
 * Writes what in `deploy/` follows from the code: `node scripts/deploy-files.ts`. A test keeps the files equal to it.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { natsServerConfig } from '../libs/bus/src/index.ts'
import { natsUsers } from './lib/nats-users.ts'

export const NATS_CONFIG = join(import.meta.dirname, '../deploy/nats/nats-server.conf')

/** The whole file. Passwords come from the environment of the server, so that none is in a file that people share. */
export function renderNatsConfig(): string {
  const authorization = natsServerConfig(natsUsers).replace(/"(\$WAKUNET_\w+)"/g, '$1')
  return `# NATS for the services of one Wakunet host, each with a credential that may do what the bus contract says and nothing more.
# Made by 'node scripts/deploy-files.ts' from libs/bus/src/contract.ts; do not edit the users by hand.
#
# Passwords (letters and digits) come from the environment: WAKUNET_NATS_TRUNK_PEER, WAKUNET_NATS_VLAN_SWITCH, WAKUNET_NATS_CLI.
listen: 127.0.0.1:4222
server_name: wakunet
${authorization}`
}

if (import.meta.main) writeFileSync(NATS_CONFIG, renderNatsConfig())
