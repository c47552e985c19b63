import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  DHCP_DISCOVER,
  DHCP_REQUEST,
  decodeDhcpv4,
  decodeDhcpv4Options,
  decodeEthernet,
  decodeIpv4,
  decodeUdp,
  encodeDhcpv4ClientFrame,
} from '../src/index.ts'

const clientMac = Uint8Array.of(2, 0, 0, 0, 0, 7)

function decode(frame: Uint8Array) {
  const ethernet = decodeEthernet(frame)!
  const packet = decodeIpv4(ethernet.payload)!
  const datagram = decodeUdp(packet.payload)!
  const message = decodeDhcpv4(datagram.payload)!
  return { ethernet, packet, datagram, message, options: decodeDhcpv4Options(message.options) }
}

describe("a DHCP client's frame", () => {
  it('goes to everybody from nobody, until the client has an address', () => {
    const options = { messageType: DHCP_DISCOVER }
    const sent = decode(encodeDhcpv4ClientFrame({ clientMac, transactionId: 9, broadcast: true, options }))
    assert.deepEqual([...sent.ethernet.destination], [255, 255, 255, 255, 255, 255])
    assert.deepEqual(sent.ethernet.source, clientMac)
    assert.deepEqual(
      [[...sent.packet.source], [...sent.packet.destination]],
      [
        [0, 0, 0, 0],
        [255, 255, 255, 255],
      ],
    )
    assert.deepEqual([sent.datagram.sourcePort, sent.datagram.destinationPort], [68, 67])
    assert.deepEqual([sent.message.transactionId, sent.message.broadcast], [9, true])
    assert.equal(sent.options.messageType, DHCP_DISCOVER)
  })

  it('comes from the address that the client has', () => {
    const clientAddress = Uint8Array.of(10, 0, 0, 5)
    const options = { messageType: DHCP_REQUEST, hostName: 'pc' }
    const sent = decode(encodeDhcpv4ClientFrame({ clientMac, transactionId: 1, clientAddress, options }))
    assert.deepEqual([sent.packet.source, sent.message.clientAddress], [clientAddress, clientAddress])
    assert.deepEqual([sent.message.broadcast, sent.options.hostName], [false, 'pc'])
  })

  it('is refused where its options have no room', () => {
    const options = { messageType: DHCP_REQUEST, hostName: 'x'.repeat(2_000) }
    assert.throws(() => encodeDhcpv4ClientFrame({ clientMac, transactionId: 1, options }), RangeError)
  })
})
