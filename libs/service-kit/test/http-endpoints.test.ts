import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { recordingLogger } from '@wakunet/testing'
import { HttpEndpoints, type HttpEndpointsInit, MetricsRegistry, type Readiness } from '../src/index.ts'

function build(init: Partial<HttpEndpointsInit> = {}, readiness?: () => Readiness) {
  const metrics = new MetricsRegistry()
  const components = {
    logger: recordingLogger(),
    metrics,
    readiness: readiness ?? (() => ({ ready: true, reasons: [] })),
  }
  return new HttpEndpoints(components, { port: 0, ...init })
}

async function serve(t: TestContext, init?: Partial<HttpEndpointsInit>, readiness?: () => Readiness) {
  const endpoints = build(init, readiness)
  await endpoints.start()
  t.after(() => endpoints.stop())
  return { endpoints, url: `http://127.0.0.1:${endpoints.address?.port}` }
}

test('health, readiness and metrics answer', async (t) => {
  const { url } = await serve(t)
  assert.equal(await (await fetch(`${url}/healthz`)).text(), 'ok\n')
  assert.deepEqual(await (await fetch(`${url}/readyz`)).json(), { ready: true, reasons: [] })
  const metrics = await fetch(`${url}/metrics?x=1`)
  assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  assert.match(await metrics.text(), /# HELP wakunet_/)
})

test('readiness is 503 with the reasons while something is missing', async (t) => {
  const { url } = await serve(t, {}, () => ({ ready: false, reasons: ['bus is away'] }))
  const response = await fetch(`${url}/readyz`)
  assert.equal(response.status, 503)
  assert.deepEqual(await response.json(), { ready: false, reasons: ['bus is away'] })
})

test('HEAD has no body, other methods are refused, other paths are not found', async (t) => {
  const { url } = await serve(t)
  const head = await fetch(`${url}/healthz`, { method: 'HEAD' })
  assert.deepEqual([head.status, await head.text(), head.headers.get('content-length')], [200, '', '3'])
  const post = await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })
  assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD'])
  assert.equal((await fetch(`${url}/etc/passwd`)).status, 404)
})

test('a readiness function that throws is a 500, not a crash', async (t) => {
  const { url } = await serve(t, {}, () => {
    throw new Error('bug')
  })
  assert.equal((await fetch(`${url}/readyz`)).status, 500)
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
})

test('a taken port is told with the port and the key to change', async (t) => {
  const { endpoints } = await serve(t)
  const port = endpoints.address?.port ?? 0
  const second = build({ port, portKey: 'metrics.port' })
  await assert.rejects(second.start(), {
    code: 'ERR_PORT_TAKEN',
    message: new RegExp(`TCP port ${port} on 127\\.0\\.0\\.1 .*set metrics\\.port to a free port`),
  })
  assert.equal(second.address, null)
  await second.stop()
})

test('an address that the host does not have is told', async () => {
  await assert.rejects(build({ host: '198.51.100.7' }).start(), { code: 'ERR_ADDRESS_INVALID' })
})

test('start and stop are idempotent, and stop closes idle and busy connections', async () => {
  const endpoints = build()
  await endpoints.start()
  await endpoints.start()
  const socket = connect(endpoints.address?.port ?? 0, '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  await endpoints.stop()
  await endpoints.stop()
  await closed
  await endpoints.start()
  assert.ok(endpoints.address)
  await endpoints.stop()
})

test('headers over the limit are refused', async (t) => {
  const { url } = await serve(t)
  const response = await fetch(`${url}/healthz`, { headers: { 'x-big': 'x'.repeat(10_000) } })
  assert.equal(response.status, 431)
})

test('connections over the limit are closed at once, and others go on', async (t) => {
  const { endpoints, url } = await serve(t)
  const port = endpoints.address?.port ?? 0
  const sockets = Array.from({ length: 70 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  t.after(() => sockets.forEach((socket) => void socket.destroy()))
  const closed = sockets.map((socket) => once(socket, 'close'))
  await Promise.race(closed)
  for (const socket of sockets) socket.destroy()
  await Promise.all(closed)
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
})
