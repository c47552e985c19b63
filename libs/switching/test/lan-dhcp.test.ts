import assert from 'node:assert/strict'
import test from 'node:test'
import { DHCP_DISCOVER, decodeDhcpv4, decodeDhcpv4Options, decodeIpv4, decodeUdp } from '@wakunet/ethernet'
import { DHCP_LISTEN_MS, DHCP_PROBE_MS, DHCP_QUIET_MS, LanDhcpWatch } from '../src/lan/lan-dhcp.ts'

const MAC = Uint8Array.of(6, 1, 2, 3, 4, 5)

function setup() {
  const sent: Uint8Array[] = []
  return { sent, watch: new LanDhcpWatch({ mac: MAC, random: () => 0.5, send: (frame) => sent.push(frame) }) }
}

test('a switch serves a LAN without a DHCP server after it has asked twice', () => {
  const { watch, sent } = setup()
  assert.ok(!watch.mayServe(0), 'another member serves the LAN')
  assert.equal(watch.nextTickMs(), Number.POSITIVE_INFINITY)
  watch.begin(0)
  for (let nowMs = 0; nowMs < DHCP_LISTEN_MS; nowMs += 100) {
    watch.tick(nowMs)
    assert.ok(!watch.mayServe(nowMs))
  }
  assert.equal(sent.length, 2)
  assert.ok(watch.mayServe(DHCP_LISTEN_MS))
  watch.end()
  assert.ok(!watch.mayServe(DHCP_LISTEN_MS))
})

test('where the LAN has a DHCP server the switch is silent, and asks again until it is gone', () => {
  const { watch, sent } = setup()
  watch.begin(0)
  watch.tick(0)
  watch.heard(5)
  for (let nowMs = 0; nowMs < DHCP_QUIET_MS; nowMs += 1_000) {
    watch.tick(nowMs)
    assert.ok(!watch.mayServe(nowMs))
  }
  assert.equal(sent.length, 2 + Math.floor(DHCP_QUIET_MS / DHCP_PROBE_MS))
  assert.ok(watch.mayServe(DHCP_QUIET_MS + 5))
})

test('what it asks is a DHCPDISCOVER whose answer goes to everybody', () => {
  const { watch, sent } = setup()
  watch.begin(0)
  watch.tick(0)
  const [frame] = sent
  assert.equal(Buffer.from(frame!.subarray(0, 14)).toString('hex'), 'ffffffffffff0601020304050800')
  const packet = decodeIpv4(frame!, 14)!
  assert.ok(packet.headerChecksumValid)
  const datagram = decodeUdp(packet.payload)!
  assert.deepEqual([datagram.sourcePort, datagram.destinationPort], [68, 67])
  const message = decodeDhcpv4(datagram.payload)!
  assert.deepEqual(
    [message.broadcast, message.transactionId, [...message.clientMac]],
    [true, 2 ** 31, [...MAC]],
  )
  assert.equal(decodeDhcpv4Options(message.options).messageType, DHCP_DISCOVER)
})
