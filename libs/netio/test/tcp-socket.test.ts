import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { tempDir } from '@wakunet/testing'
import { limitUnsentBytes, type TcpProgress, tcpProgress } from '../src/index.ts'
import { native } from '../src/native.ts'

/** A connection to a server that reads nothing; closed at the end of the test. */
async function deafConnection(t: test.TestContext): Promise<Socket> {
  const accepted: Socket[] = []
  const server = createServer({ pauseOnConnect: true }, (socket) => accepted.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  t.after(() => {
    socket.destroy()
    for (const other of accepted) other.destroy()
    server.close()
  })
  return socket
}

/** Bytes that the kernel took before the socket had enough: what was written less what Node still holds. */
async function takenByKernel(socket: Socket): Promise<number> {
  const chunk = new Uint8Array(65_536)
  let written = 0
  while (written < 64 * 1024 * 1024 && socket.write(chunk)) written += chunk.length
  return written
}

test('the kernel takes far less from a socket whose unsent bytes are limited', async (t) => {
  const [free, limited] = [await deafConnection(t), await deafConnection(t)]
  assert.equal(limitUnsentBytes(limited, 65_536), 65_536)
  const [unlimitedBytes, limitedBytes] = [await takenByKernel(free), await takenByKernel(limited)]
  assert.ok(limitedBytes < unlimitedBytes / 2, `${limitedBytes} of ${unlimitedBytes} bytes`)
})

const progressOf = (socket: Socket): TcpProgress | null => {
  const progress = { ackAgeMs: -1, unackedSegments: -1, windowProbes: -1, leastRttMs: -1 }
  return tcpProgress(socket, progress) ? progress : null
}

test('a peer whose process reads nothing acknowledges what its kernel takes', async (t) => {
  const socket = await deafConnection(t)
  await new Promise((resolve) => socket.write(new Uint8Array(20_000), resolve))
  let progress = progressOf(socket)!
  // An ACK may be held back for 40 ms.
  while (progress.unackedSegments > 0) {
    await new Promise(setImmediate)
    progress = progressOf(socket)!
  }
  assert.ok(progress.ackAgeMs >= 0 && progress.ackAgeMs < 2_000, JSON.stringify(progress))
  assert.equal(progress.windowProbes, 0)
  assert.ok(progress.leastRttMs >= 0 && progress.leastRttMs < 2_000)
})

test('a table that is too short, and what is no descriptor of TCP, are refused', () => {
  assert.throws(() => native().tcpProgress(1, new Float64Array(3)), RangeError)
  assert.throws(() => native().tcpProgress(0x7ffffff, new Float64Array(4)), { code: 'EBADF' })
})

test('a closed socket and one that is not of TCP have no limit to set', async (t) => {
  const socket = await deafConnection(t)
  socket.destroy()
  await once(socket, 'close')
  assert.equal(limitUnsentBytes(socket, 65_536), null)
  assert.equal(progressOf(socket), null)
  const path = `${await tempDir(t)}/s`
  const server = createServer().listen(path)
  await once(server, 'listening')
  const unix = connect(path)
  await once(unix, 'connect')
  assert.equal(limitUnsentBytes(unix, 65_536), null)
  assert.equal(progressOf(unix), null)
  unix.destroy()
  server.close()
})
