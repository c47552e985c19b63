import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import type { TrunkStatus } from '@wakunet/bus'
import { EMBEDDED, monotonicMs, type TestNetwork, tellFigures, useNetwork } from '../src/index.ts'

const CHAINS = `table inet filter {
  chain forward { type filter hook forward priority 0; policy accept; jump miniupnpd; }
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority dstnat; policy accept; jump prerouting_miniupnpd; }
  chain prerouting_miniupnpd { }
  chain postrouting { type nat hook postrouting priority srcnat; policy accept; jump postrouting_miniupnpd; }
  chain postrouting_miniupnpd { }
}
`

for (const protocol of ['NAT-PMP', 'UPnP'])
  describe(`a router that forwards ports by ${protocol}`, () => {
    const fixture = useNetwork(
      {
        name: protocol === 'UPnP' ? 'upnp' : 'natpmp',
        shape: EMBEDDED,
        nodes: 2,
        sites: [{ nat: 'none' }, { nat: 'port-restricted' }],
        settings: () => ({ trunk: { upnp: true } }),
        programs: ['miniupnpd'],
      },
      async (network) => {
        await startForwarder(network, protocol === 'UPnP')
        await network.host(2).kill('SIGTERM')
        return {}
      },
    )

    it('makes the host behind it one that peers can dial', async (t) => {
      const { network } = fixture()
      const startMs = monotonicMs()
      await network.host(2).start()
      const status = await network.until('a confirmed address', async () => {
        const { node } = await network.cli<{ node: TrunkStatus }>(network.host(2), ['status'])
        return node.reach.verdict === 'public' && node
      })
      assert.deepEqual(status.reach.confirmed, ['/ip4/62.0.0.1/tcp/4740'])
      assert.ok(status.addresses.some((address) => address.startsWith('/ip4/62.0.0.1/tcp/4740/')))
      tellFigures(t, protocol, { publicAfterMs: Math.round(monotonicMs() - startMs) })
    })
  })

/** miniupnpd on the router of the second host. */
async function startForwarder(network: TestNetwork, isUpnp: boolean): Promise<void> {
  const router = network.lab.router(2)
  await router.exec('nft', ['-f', '-'], { input: CHAINS })
  const file = path.join(router.directory, 'miniupnpd.conf')
  const settings = {
    ext_ifname: 'wan',
    listening_ip: 'lan',
    port: 5000,
    enable_natpmp: isUpnp ? 'no' : 'yes',
    enable_upnp: isUpnp ? 'yes' : 'no',
    upnp_table_name: 'filter',
    upnp_nat_table_name: 'filter',
    upnp_forward_chain: 'miniupnpd',
    upnp_nat_chain: 'prerouting_miniupnpd',
    upnp_nat_postrouting_chain: 'postrouting_miniupnpd',
    uuid: '00000000-0000-0000-0000-000000000001',
  }
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(file, `${lines.join('')}allow 1024-65535 192.168.1.0/24 1024-65535\n`)
  const forwarder = router.spawn('miniupnpd', ['-d', '-f', file, '-P', path.join(router.directory, 'pid')])
  await forwarder.waitForOutput(/listening on|HTTP|Listening for/, { timeoutMs: 10_000 })
}
