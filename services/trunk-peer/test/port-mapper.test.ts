import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Gateway } from '@achingbrain/nat-port-mapper'
import { FakeClock, recordingLogger } from '@wakunet/testing'
import { PortMapper } from '../src/reach/port-mapper.ts'

/** A router that answers as told; what it was asked for is kept. */
function router(externalHost: string | null, host = '192.168.1.1') {
  const asked: string[] = []
  const gateway = {
    id: host,
    host,
    family: 'IPv4',
    map: async (port: number, internalHost: string) => {
      asked.push(`${internalHost}:${port}`)
      if (externalHost === null) throw new Error('refused')
      return { externalHost, externalPort: port, internalHost, internalPort: port, protocol: 'TCP' }
    },
    stop: async () => void asked.push('stop'),
  } as unknown as Gateway
  return { gateway, asked }
}

function start(...routers: readonly Gateway[]) {
  const mapped: number[] = []
  const mapper = new PortMapper({
    ports: [4740],
    clock: new FakeClock(),
    logger: recordingLogger(),
    onMapped: () => mapped.push(1),
    findGateways: async function* () {
      yield* routers
    },
    localHost: async () => '192.168.1.2',
  })
  return { mapper, mapped }
}

test('a router that forwards gives a candidate, once however often it is renewed; it is taken back at the end', async () => {
  const { gateway, asked } = router('8.8.8.8')
  const { mapper, mapped } = start(gateway)
  await mapper.search()
  await mapper.search()
  assert.deepEqual(mapper.addresses, ['/ip4/8.8.8.8/tcp/4740'])
  assert.equal(mapped.length, 1)
  await mapper.stop()
  assert.deepEqual(asked, ['192.168.1.2:4740', '192.168.1.2:4740', 'stop'])
})

test('a router that refuses, is behind another NAT or tells nonsense gives none', async () => {
  for (const outside of [null, '10.0.0.1', '100.64.0.1', 'router.example', '']) {
    const { mapper, mapped } = start(router(outside).gateway)
    await mapper.search()
    assert.deepEqual([mapper.addresses, mapped], [[], []], String(outside))
  }
})

test('two routers are asked, however many answer', async () => {
  const routers = Array.from({ length: 50 }, (_, index) => router('8.8.8.8', `192.168.1.${index + 1}`))
  const { mapper } = start(...routers.map(({ gateway }) => gateway))
  await mapper.search()
  assert.equal(routers.filter(({ asked }) => asked.length > 0).length, 2)
})
