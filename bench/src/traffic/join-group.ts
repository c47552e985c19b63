/** A child of the bench on a lab host: joins a multicast group (arguments: group, own address) until it is killed. */
import { createSocket } from 'node:dgram'

const [group = '', address = ''] = process.argv.slice(2)
const socket = createSocket('udp4')
// Of another port than the stream: the host gets it, and nobody reads it.
socket.bind(0, () => {
  socket.addMembership(group, address)
  console.log('joined')
})
