/**
 * Finds out how a NAT maps and filters (RFC 4787 §4.1 and §5, by the method of RFC 5780 §4.3 and §4.4), with reflectors at two addresses.
 * Arguments: the two addresses. Prints one line of JSON.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'

const [first = '', second = ''] = process.argv.slice(2)
const ANSWER_MS = 1_000
/** On a lab's cables everything that comes at all comes within a fraction of it. */
const LATE_MS = 100

async function open(): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0)
  await once(socket, 'listening')
  return socket
}

async function ask(socket: Socket, address: string, port: number, text: string): Promise<string> {
  const signal = AbortSignal.timeout(ANSWER_MS)
  const answer = once(socket, 'message', { signal })
  socket.send(text, port, address)
  return (await answer)[0].toString()
}

async function mapping(): Promise<{ mapping: string; keepsPort: boolean }> {
  const socket = await open()
  const seen = await ask(socket, first, 5001, 'who')
  const atOtherPort = await ask(socket, first, 5002, 'who')
  const atOtherAddress = await ask(socket, second, 5001, 'who')
  const keepsPort = seen.endsWith(` ${socket.address().port}`)
  socket.close()
  if (seen === atOtherAddress) return { mapping: 'endpoint-independent', keepsPort }
  return { mapping: seen === atOtherPort ? 'address-dependent' : 'address-and-port-dependent', keepsPort }
}

/** True where a datagram to what `socket` is seen as arrives, from a port that it has sent nothing to. */
async function letsIn(address: string, port: number): Promise<boolean> {
  const [socket, other] = [await open(), await open()]
  const seen = await ask(socket, first, 5001, 'who')
  let came = false
  socket.on('message', () => {
    came = true
  })
  await ask(other, address, port, `send ${seen}`)
  await pause(LATE_MS)
  socket.close()
  other.close()
  return came
}

async function filtering(): Promise<string> {
  if (await letsIn(second, 5001)) return 'endpoint-independent'
  return (await letsIn(first, 5002)) ? 'address-dependent' : 'address-and-port-dependent'
}

console.log(JSON.stringify({ ...(await mapping()), filtering: await filtering() }))
