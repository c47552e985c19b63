import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  Avahi,
  DATAGRAM_GROUPS,
  forEachShape,
  type Station,
  sendDatagram,
  startReceiver,
  type TestNetwork,
  useNetwork,
} from '../src/index.ts'

const AVAHI_PROGRAMS = ['avahi-daemon', 'avahi-browse', 'dbus-daemon']

const setUp = (network: TestNetwork) => network.vlan('lan')

forEachShape('programs that find each other over a VLAN', (shape) => {
  const fixture = useNetwork({ name: 'discovery', shape, programs: AVAHI_PROGRAMS }, setUp)

  it('lets avahi find services, names and addresses of other hosts', async () => {
    const { network, stations } = fixture()
    const [server, ...clients] = (await Promise.all(stations.map((station) => Avahi.start(station)))) as [
      Avahi,
      ...Avahi[],
    ]
    const { address4, address6, linkLocal } = stations[0] as Station
    await server.publish('Printer of h1', '_ipp._tcp', 631)
    for (const client of clients) {
      const found = await network.until(`the printer to be found by ${client.hostname}`, async () => {
        const services = await client.browse('_ipp._tcp')
        return (
          services.some(({ protocol }) => protocol === 'IPv4') &&
          services.some(({ protocol }) => protocol === 'IPv6') &&
          services
        )
      })
      for (const service of found) {
        assert.equal(service.hostname, `${server.hostname}.local`)
        assert.equal(service.port, 631)
        assert.ok(
          [address4, address6, linkLocal].includes(service.address),
          `${service.address} is not of h1`,
        )
      }
      assert.equal(await client.resolve(`${server.hostname}.local`, '-4'), address4)
      assert.ok(
        [address6, linkLocal].includes((await client.resolve(`${server.hostname}.local`, '-6')) ?? ''),
      )
      assert.equal(await client.resolveAddress(address4), `${server.hostname}.local`)
    }
  })

  for (const group of DATAGRAM_GROUPS) {
    it(`brings ${group.name} to every other host, once`, async () => {
      const { network, stations } = fixture()
      const [sender, ...others] = stations as [Station, ...Station[]]
      const receivers = await Promise.all(others.map((station) => startReceiver(station, group)))
      // A group has to be known to the switches first: its receivers have joined it a moment ago.
      await network.until('a first datagram at every receiver', async () => {
        await sendDatagram(sender, group, 'first\n')
        return receivers.every((receiver) => receiver.output().stdout.includes('first'))
      })
      for (const number of [1, 2, 3]) await sendDatagram(sender, group, `datagram ${number}\n`)
      // The last one has come, so a second copy of an earlier one would have come before it.
      await network.until('the last datagram at every receiver', async () =>
        receivers.every((receiver) => receiver.output().stdout.includes('datagram 3')),
      )
      for (const receiver of receivers) {
        await receiver.stop()
        const heard = receiver.output().stdout.replaceAll('first\n', '')
        assert.equal(heard, 'datagram 1\ndatagram 2\ndatagram 3\n')
      }
    })
  }
})
