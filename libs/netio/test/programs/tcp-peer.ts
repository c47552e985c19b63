/**
 * One end of a TCP transfer, for a namespace of its own. `serve PORT` reads everything and answers with its
 * SHA-256; `send HOST PORT BYTES` sends pseudo-random bytes and prints {sent, received}, the two hashes.
 */
import { createHash, randomBytes } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { pipeline } from 'node:stream/promises'

const [mode, ...args] = process.argv.slice(2)

function serve(port: number): void {
  const server = createServer({ allowHalfOpen: true }, async (socket) => {
    const hash = createHash('sha256')
    for await (const chunk of socket) hash.update(chunk)
    socket.end(hash.digest('hex'))
    server.close()
  })
  server.listen(port, '::', () => console.log('listening'))
}

async function send(host: string, port: number, bytes: number): Promise<void> {
  const socket = connect({ host, port, allowHalfOpen: true })
  const block = randomBytes(1 << 20)
  const hash = createHash('sha256')
  await pipeline(function* () {
    for (let left = bytes; left > 0; left -= block.length) {
      const chunk = block.subarray(0, left)
      hash.update(chunk)
      yield chunk
    }
  }, socket)
  let received = ''
  for await (const chunk of socket) received += chunk
  console.log(JSON.stringify({ sent: hash.digest('hex'), received }))
}

if (mode === 'serve') serve(Number(args[0]))
else await send(args[0] ?? '', Number(args[1]), Number(args[2]))
