import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Capture } from '@wakunet/netlab'
import {
  DATAGRAM_GROUPS,
  forEachShape,
  ping,
  type Station,
  sendDatagram,
  type TestNetwork,
  useNetwork,
} from '../src/index.ts'

type Stations = readonly [Station, Station, Station]

async function setUp(network: TestNetwork): Promise<{ red: Stations; blue: Stations }> {
  const red = await network.vlan('red')
  const blue = await network.vlan('blue')
  return { red: red.stations as unknown as Stations, blue: blue.stations as unknown as Stations }
}

/** Everything by which a packet of one of these stations could be told: MAC and IP addresses. */
function marks(stations: readonly Station[]): string[] {
  return stations.flatMap(({ mac, address4, address6, linkLocal }) => [mac, address4, address6, linkLocal])
}

/** Unicast, broadcast and multicast between all stations of one VLAN. */
async function talk(stations: Stations): Promise<void> {
  await Promise.all(
    stations.map(async (from) => {
      for (const group of DATAGRAM_GROUPS) await sendDatagram(from, group, 'to all of this VLAN\n')
      for (const { address } of stations.filter((to) => to !== from).flatMap((to) => from.waysTo(to)))
        assert.equal((await ping(from, address, { count: 2 })).received, 2, `${from.name} to ${address}`)
    }),
  )
}

/** Lines with an address of `strangers`, as whole words. */
function linesAbout(capture: Capture, strangers: readonly string[]): string[] {
  const words = strangers.map((mark) => mark.replaceAll('.', '\\.')).join('|')
  const pattern = new RegExp(`(?<![\\w.:])(?:${words})(?![\\w:]|\\.\\d+\\.)`)
  return capture.lines.filter((line) => pattern.test(line))
}

forEachShape('two VLANs on the same three hosts', (shape) => {
  const fixture = useNetwork({ name: 'isolation', shape }, setUp)

  it('share nothing: no packet of one is seen on a TAP of the other', async () => {
    const { network, red, blue } = fixture()
    const captures = await Promise.all(
      [red, blue].map((stations) => Promise.all(stations.map((station) => network.capture(station)))),
    )
    await Promise.all([talk(red), talk(blue)])
    const [onRed, onBlue] = captures as [Capture[], Capture[]]
    for (const capture of [...onRed, ...onBlue]) await capture.stop()
    for (const capture of onRed) {
      assert.ok(linesAbout(capture, marks(red)).length > 50, 'the capture sees its own VLAN')
      assert.deepEqual(linesAbout(capture, marks(blue)), [])
    }
    for (const capture of onBlue) {
      assert.ok(linesAbout(capture, marks(blue)).length > 50, 'the capture sees its own VLAN')
      assert.deepEqual(linesAbout(capture, marks(red)), [])
    }
  })

  it('do not lead frames across, even where a host addresses a MAC of the other VLAN', async () => {
    const { network, red, blue } = fixture()
    const [from] = red
    const target = blue[1]
    const stranger = otherAddressOf(from)
    const capture = await network.capture(target, `ether src ${from.mac}`)
    await from.host.lab.ip([`neigh replace ${stranger} lladdr ${target.mac} dev ${from.interface}`])
    assert.equal((await ping(from, stranger, { count: 5 })).received, 0)
    // A frame that is sent later, the right way, has come: the others would have come before it.
    const arrived = await network.capture(red[1], `ether src ${from.mac}`)
    await ping(from, red[1].address4, { count: 1 })
    await network.until('a frame in the right VLAN', async () => arrived.packets > 0)
    assert.deepEqual((await capture.stop()).lines, [])
    await arrived.stop()
  })
})

/** An address of the station's subnet that nobody has. */
function otherAddressOf({ address4 }: Station): string {
  const bytes = address4.split('.').map(Number)
  return [...bytes.slice(0, 3), bytes[3] === 77 ? 78 : 77].join('.')
}
