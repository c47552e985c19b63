import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { SourceRates } from '../src/station/source-rates.ts'
import { stationAddresses } from '../src/station/station-addresses.ts'
import { StationFilter } from '../src/station/station-filter.ts'
import { CLIENT_FRAMES, CLIENT_MAC, changed, clientFrame, PLAN, VLAN_ID } from './station-scene.ts'

const ADDRESSES = stationAddresses(VLAN_ID, PLAN)
const filter = new StationFilter(ADDRESSES)

/** Asked in the middle of other bytes, and at the start. */
function isForStation(frame: Uint8Array): boolean {
  const bytes = new Uint8Array(frame.length + 9).fill(0xff)
  bytes.set(frame, 4)
  const answer = filter.isForStation(bytes, 4, frame.length)
  assert.equal(filter.isForStation(frame, 0, frame.length), answer)
  return answer
}

describe('the station filter', () => {
  test('takes what goes to the station’s MAC address, whatever it is', () => {
    assert.ok(isForStation(clientFrame('echo4')))
    assert.ok(isForStation(Uint8Array.of(...ADDRESSES.mac, ...CLIENT_MAC, 0x12, 0x34)))
  })

  test('takes ARP that asks for the station’s address or claims it, and no other', () => {
    const request = clientFrame('arpRequest')
    assert.ok(isForStation(request))
    assert.ok(isForStation(clientFrame('arpProbe')))
    const other = changed(request, 41, 2)
    assert.ok(!isForStation(other))
    assert.ok(isForStation(changed(other, 28, ...ADDRESSES.address4)), 'the sender says that it has it')
    assert.ok(!isForStation(changed(request, 0, ...CLIENT_MAC)), 'unicast between two hosts')
    assert.ok(!isForStation(request.slice(0, 41)), 'cut')
  })

  test('takes neighbour discovery about the station’s addresses, and no other', () => {
    const solicitation = clientFrame('neighbourSolicitation')
    assert.ok(isForStation(solicitation))
    assert.ok(isForStation(changed(solicitation, 62, ...ADDRESSES.linkLocal)))
    assert.ok(isForStation(changed(solicitation, 54, 136)), 'an advertisement')
    assert.ok(!isForStation(changed(solicitation, 77, 0x54)))
    assert.ok(!isForStation(changed(solicitation, 54, 137)))
    assert.ok(!isForStation(changed(solicitation, 20, 17)), 'not ICMPv6')
    assert.ok(!isForStation(solicitation.slice(0, 77)), 'cut')
  })

  test('leaves router solicitations and DHCP to whoever asks the guards', () => {
    for (const name of ['routerSolicitation', 'dhcp6Solicit', 'dhcp6InformationRequest'])
      assert.ok(!isForStation(clientFrame(name)), name)
  })

  test('knows frames that say they are from the station, by MAC or IP address', () => {
    const isFrom = (frame: Uint8Array) => filter.isFromStation(frame, 0, frame.length)
    for (const name of CLIENT_FRAMES) assert.ok(!isFrom(clientFrame(name)), name)
    assert.ok(isFrom(changed(clientFrame('arpRequest'), 6, ...ADDRESSES.mac)))
    assert.ok(isFrom(changed(clientFrame('dnsA'), 26, ...ADDRESSES.address4)))
    for (const address of [ADDRESSES.address6, ADDRESSES.linkLocal]) {
      const frame = changed(clientFrame('dnsAaaa'), 22, ...address)
      assert.ok(isFrom(frame))
      assert.ok(!isFrom(frame.slice(0, 37)), 'cut')
    }
  })

  test('never throws, and never reads behind the frame', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 90 }), fc.nat(100), fc.nat(100), (bytes, offset, length) => {
        const answer =
          filter.isForStation(bytes, offset, length) || filter.isFromStation(bytes, offset, length)
        if (answer) assert.ok(offset + length <= bytes.length)
      }),
    )
  })
})

describe('rates of senders', () => {
  const init = { total: { burst: 10, perSecond: 10 }, perSource: { burst: 4, perSecond: 2 } }
  const takeAll = (rates: SourceRates, mac: Uint8Array, nowMs: number) => {
    let taken = 0
    while (rates.take(mac, nowMs)) taken++
    return taken
  }

  test('give a burst, and then so many a second, up to the burst again', () => {
    const rates = new SourceRates(init, 1, 0)
    assert.equal(takeAll(rates, CLIENT_MAC, 0), 4)
    assert.equal(takeAll(rates, CLIENT_MAC, 499), 0)
    assert.equal(takeAll(rates, CLIENT_MAC, 500), 1)
    assert.equal(takeAll(rates, CLIENT_MAC, 1_000_000), 4)
  })

  test('do not count who is refused towards the total', () => {
    const rates = new SourceRates(init, 1, 0)
    for (let i = 0; i < 100; i++) rates.take(CLIENT_MAC, 0)
    assert.equal(takeAll(rates, changed(CLIENT_MAC, 5, 1), 0), 4)
    assert.equal(takeAll(rates, changed(CLIENT_MAC, 5, 2), 0), 2)
  })

  test('stand still when time goes back', () => {
    const rates = new SourceRates(init, 1, 10_000)
    takeAll(rates, CLIENT_MAC, 10_000)
    assert.equal(takeAll(rates, CLIENT_MAC, 0), 0)
    assert.equal(takeAll(rates, CLIENT_MAC, 10_500), 1)
  })

  test('put senders that differ in one byte apart, differently for every seed', () => {
    const sharing = (seed: number) => {
      const rates = new SourceRates({ ...init, total: { burst: 1e6, perSecond: 1 } }, seed, 0)
      const shared: number[] = []
      for (let i = 0; i < 100; i++) if (takeAll(rates, changed(CLIENT_MAC, 5, i), 0) === 0) shared.push(i)
      return shared
    }
    const [one, other] = [sharing(1), sharing(2)]
    assert.ok(one.length < 40, `${one.length} of 100 share with one before them`)
    assert.notDeepEqual(one, other)
  })
})
