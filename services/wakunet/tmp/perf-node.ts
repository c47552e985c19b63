import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { InProcessBusHub } from '@wakunet/bus'
import { createLanePair } from '@wakunet/lane'
import { openTap } from '@wakunet/netio'
import { systemClock as clock, createLogger } from '@wakunet/service-kit'
import { trunkPeer, trunkPeerConfigSchema } from '@wakunet/trunk-peer'
import { vlanSwitch, vlanSwitchConfigSchema } from '@wakunet/vlan-switch'

const [role, boot] = process.argv.slice(2)
const logger = createLogger({ name: 'perf', level: 'warn', format: 'json' })
const hub = new InProcessBusHub({ logger, clock })
const lane = createLanePair({ name: 'vlan-switch', logger })
const tb = hub.connect('trunk-peer'),
  sb = hub.connect('vlan-switch'),
  cb = hub.connect('cli')
const tp = trunkPeer({
  config: trunkPeerConfigSchema.parse({
    listen: ['/ip4/0.0.0.0/tcp/4740'],
    bootstrap: boot ? [boot] : [],
    mdns: false,
  }),
  stateDir: null,
})({ bus: tb, lane: lane.server, clock, logger })
const vs = vlanSwitch({ config: vlanSwitchConfigSchema.parse({}), stateDir: null, hostname: role! })({
  bus: sb,
  lane: lane.client,
  clock,
  logger,
  random: (n: number) => new Uint8Array(randomBytes(n)),
  openTap: openTap as never,
})
for (const p of [tb, sb, cb, lane.server, tp, lane.client, vs]) await p.start()
const addr = `10.77.0.${role === 'a' ? 1 : 2}/24`
if (role === 'a') {
  const v = await cb.request('directory.create', { name: 'perf', subnet4: '10.77.0.0/24' })
  await cb.request('switch.join', { vlan: v.ref, address4: addr })
  writeFileSync('/tmp/perf-vlan', v.ref)
} else {
  while (!existsSync('/tmp/perf-vlan')) await new Promise((r) => setTimeout(r, 50))
  console.error(
    JSON.stringify(
      await cb.request(
        'switch.join',
        { vlan: readFileSync('/tmp/perf-vlan', 'utf8'), address4: addr, timeoutMs: 10000 },
        { timeoutMs: 20000 },
      ),
    ),
  )
}
process.on('SIGINT', async () => {
  console.error(
    role,
    JSON.stringify(await cb.request('trunk.status', {})),
    JSON.stringify((await cb.request('switch.show', { vlan: 'perf' })).drops).replace(/"[^"]*":0,?/g, ''),
  )
  process.exit(0)
})
