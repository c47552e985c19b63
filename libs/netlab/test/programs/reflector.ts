/**
 * Answers on UDP ports 5001 and 5002: `who` with the sender's address and port; `send ADDRESS PORT` with `done`, after it has sent
 * `stranger` there from the same socket.
 */
import { createSocket } from 'node:dgram'

for (const port of [5001, 5002]) {
  const socket = createSocket('udp4')
  socket.on('message', (data, from) => {
    const [verb, address, toPort] = data.toString().split(' ')
    const answer = (text: string) => socket.send(text, from.port, from.address)
    if (verb === 'who') answer(`${from.address} ${from.port}`)
    else if (verb === 'send') socket.send('stranger', Number(toPort), address, () => answer('done'))
  })
  socket.bind(port, () => console.log(`listening on ${port}`))
}
