import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, recordingLogger } from '@wakunet/testing'
import { BootstrapNames, resolveDnsaddr } from '../src/discovery/bootstrap-names.ts'

const P2P = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'

/** A zone of TXT records. */
const zone = (records: Record<string, string[]>) => async (domain: string) => {
  const texts = records[domain]
  if (texts === undefined) throw new Error(`queryTxt ENOTFOUND ${domain}`)
  return texts.map((text) => [text])
}

test('a name stands for the addresses in its TXT records, and those of the names in them', async () => {
  const lookup = zone({
    '_dnsaddr.boot.example': [
      'dnsaddr=/ip4/192.0.2.1/tcp/4740',
      `dnsaddr=/dnsaddr/eu.boot.example/p2p/${P2P}`,
      'v=spf1 -all',
      'dnsaddr=rubbish',
    ],
    '_dnsaddr.eu.boot.example': [
      `dnsaddr=/ip4/192.0.2.2/tcp/4740/p2p/${P2P}`,
      'dnsaddr=/ip4/192.0.2.3/tcp/1',
    ],
  })
  assert.deepEqual(await resolveDnsaddr('/dnsaddr/boot.example', lookup), [
    '/ip4/192.0.2.1/tcp/4740',
    `/ip4/192.0.2.2/tcp/4740/p2p/${P2P}`,
  ])
})

test('names that name each other, or endlessly many, come to an end', async () => {
  const circle = zone({ '_dnsaddr.a': ['dnsaddr=/dnsaddr/b'], '_dnsaddr.b': ['dnsaddr=/dnsaddr/a'] })
  assert.deepEqual(await resolveDnsaddr('/dnsaddr/a', circle), [])
  let lookups = 0
  const wide = async () => {
    lookups++
    return Array.from({ length: 200 }, (_, i) => [
      i % 2 === 0 ? `dnsaddr=/dnsaddr/x${i}` : `dnsaddr=/ip4/192.0.2.${i}/tcp/${lookups}`,
    ])
  }
  assert.equal((await resolveDnsaddr('/dnsaddr/a', wide)).length, 64)
  assert.ok(lookups <= 32)
})

test('names are looked up again every ten minutes, and sooner where nobody answered', async () => {
  const clock = new FakeClock()
  const told: string[][] = []
  let records: Record<string, string[]> = {}
  const names = new BootstrapNames({
    names: ['/dnsaddr/boot.example'],
    resolveTxt: (domain) => zone(records)(domain),
    clock,
    logger: recordingLogger(),
    onAddresses: (addresses) => told.push([...addresses]),
  })
  const settled = () => new Promise(setImmediate)
  names.start()
  await settled()
  assert.equal(names.failures, 1)
  records = { '_dnsaddr.boot.example': ['dnsaddr=/ip4/192.0.2.1/tcp/1'] }
  clock.advance(30_000)
  await settled()
  records = { '_dnsaddr.boot.example': ['dnsaddr=/ip4/192.0.2.9/tcp/1'] }
  clock.advance(600_000)
  await settled()
  assert.deepEqual(told, [['/ip4/192.0.2.1/tcp/1'], ['/ip4/192.0.2.9/tcp/1']])
  names.stop()
  clock.advance(6_000_000)
  await settled()
  assert.equal(told.length, 2)
})
