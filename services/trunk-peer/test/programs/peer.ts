/**
 * One trunk-peer with a switch that may be a member of a VLAN, for a namespace of its own: `peer OPTIONS`, a JSON object. Prints its
 * address, then a line `members N at UNIX_MS by ADDRESS` (of its newest trunk) whenever the VLAN has another number of members, and `late N` when it is told to
 * stop (SIGTERM).
 */
import { InProcessBusHub } from '@wakunet/bus'
import { createLanePair } from '@wakunet/lane'
import { systemClock } from '@wakunet/service-kit'
import { recordingLogger } from '@wakunet/testing'
import { type TrunkPeerConfig, trunkPeer, trunkPeerConfigSchema } from '../../src/index.ts'

interface Options {
  readonly config: Partial<TrunkPeerConfig>
  /** No VLAN where absent. */
  readonly vlanId?: string
  /** Says that no trunk is used, so that none is probed quickly. */
  readonly unused?: boolean
  /** Keeps the event loop busy for so many milliseconds of each second. */
  readonly busyMs?: number
}

const { config, vlanId, unused = false, busyMs = 0 } = JSON.parse(process.argv[2] ?? '{}') as Options
const logger = recordingLogger()
const hub = new InProcessBusHub({ logger, clock: systemClock })
const [bus, switchBus] = [hub.connect('trunk-peer'), hub.connect('vlan-switch')]
const { server, client } = createLanePair()
const service = trunkPeer({
  config: trunkPeerConfigSchema.parse({ mdns: false, ...config }),
  stateDir: null,
})({ bus, lane: server, clock: systemClock, logger })
const parts = [bus, switchBus, server, client, service]
for (const part of parts) await part.start()

let members = 0
switchBus.subscribe('trunk.members.changed', (event) => {
  if (event.vlanId !== vlanId || event.members.length === members) return
  members = event.members.length
  const [address] = [...service.running.trunks.up()].map((trunk) => trunk.address).slice(-1)
  console.log(`members ${members} at ${Date.now()} by ${address ?? 'none'}`)
})
const membership = {
  bootNonce: service.running.key.nodeId.slice(0, 16),
  mac: '02:00:00:00:00:01',
  addresses: [],
  addressAttempt: 0,
  hostname: '',
}
await switchBus.request('trunk.membership.set', {
  lane: client.name,
  memberships: vlanId === undefined ? [] : [{ vlanId, ...membership }],
})
if (unused) switchBus.publish('switch.trunks.used', { lane: client.name, trunks: [] })
if (busyMs > 0)
  setInterval(() => {
    const until = Date.now() + busyMs
    while (Date.now() < until);
  }, 1_000)
console.log(`listening on ${service.running.host.getMultiaddrs()[0]}`)
const keepAlive = setInterval(() => {}, 60_000)
process.once('SIGTERM', async () => {
  clearInterval(keepAlive)
  console.log(
    `late ${service.running.trunks.stats.lateAnswers} lost ${service.running.trunks.stats.trunksLost}`,
  )
  for (const part of [...parts].reverse()) await part.stop()
  process.exit(0)
})
