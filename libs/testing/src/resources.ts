import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What this file needs of a `node:test` context. */
interface TestScope {
  after(cleanUp: () => Promise<void> | void): void
}

/** A new folder that goes away, with all that is in it, after the test. */
export async function tempDir(t: TestScope): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'wakunet-test-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  return path
}

/**
 * A port of the loopback interface that was free a moment ago. Prefer port 0 where the code under test
 * reports the port it got.
 */
export async function freePort(kind: 'tcp' | 'udp' = 'tcp'): Promise<number> {
  if (kind === 'udp') {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const { port } = socket.address()
    socket.close()
    return port
  }
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return address.port
}
