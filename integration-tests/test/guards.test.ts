import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import {
  ATTACK_PROGRAMS,
  ContinuousPing,
  EMBEDDED,
  NO_GUARDS,
  runFor,
  type Station,
  sendFrames,
  type TestNetwork,
  tellFigures,
  useNetwork,
} from '../src/index.ts'

/** Of each attack with made frames. */
const FRAMES = Number(process.env.TEST_ATTACK_FRAMES ?? 10_000)
/** What a TAP's queue takes without loss, so that the figures say what was attacked with. */
const PER_SECOND = 10_000
const ATTACK_MS = 1_500

/**
 * ```text
 *      attacker h2 ── h4 open        h2 and h4 have their guards off: what reaches h4 and neither h1 nor h3
 *        │     │                     was kept out by theirs
 *   victim h1 ─ h3 honest
 * ```
 */
interface Fixture {
  readonly network: TestNetwork
  readonly victim: Station
  readonly attacker: Station
  readonly honest: Station
  readonly open: Station
}

interface Attack {
  readonly name: string
  /** Tells its frames, as in pcap-filter(7). */
  readonly filter: string
  readonly run: () => Promise<unknown>
  /** Frames that may pass a guard that limits a rate. Default 0. */
  readonly allowed?: number
  /** Frames that no switch passes on, guards or not: the control is that the attacker's own interface had them. */
  readonly isStoppedAtSource?: boolean
  /** Whether a station is worse off after the attack, or was meanwhile by what its kernel told of its neighbours. */
  readonly harm?: (station: Station, neighbours: string) => Promise<boolean>
}

async function setUp(network: TestNetwork): Promise<Omit<Fixture, 'network'>> {
  const vlan = await network.createVlan('lan', ['--mtu', '1500'])
  const [victim, attacker, honest, open] = (await network.joinAll(vlan)) as [
    Station,
    Station,
    Station,
    Station,
  ]
  const stations = [victim, attacker, honest, open]
  // Everybody has spoken to everybody: the guards know who has which address.
  for (const from of stations)
    for (const to of stations.filter((other) => other !== from))
      for (const address of [to.address4, to.address6])
        await network.until(`${from.name} to reach ${address}`, async () => {
          const { code } = await from.host.lab.exec('ping', ['-n', '-c', '1', '-W', '1', address], {
            allowFailure: true,
          })
          return code === 0
        })
  return { victim, attacker, honest, open }
}

/** The attack reaches the open host, the others not at all, and nobody who is honest loses anything meanwhile. */
async function assertKeptOut(t: TestContext, fixture: Fixture, attack: Attack): Promise<void> {
  const { network, victim, honest, open, attacker } = fixture
  const pings = new ContinuousPing(victim, honest)
  await pings.answered(2)
  const watched = [victim, honest, open]
  const captures = await Promise.all(
    watched.map((station) => network.capture(station, `(${attack.filter}) and not ether src ${station.mac}`)),
  )
  const atSource = await network.capture(attacker, attack.filter)
  const monitors = watched.map(({ host }) => host.lab.spawn('ip', ['monitor', 'neigh']))
  const result = await attack.run()
  await pause(500)
  await Promise.all(monitors.map((monitor) => monitor.stop()))
  const { harm } = attack
  const harmed =
    harm === undefined
      ? []
      : await Promise.all(watched.map((station, index) => harm(station, monitors[index]!.output().stdout)))
  const caught = await Promise.all(captures.map((capture) => capture.stop()))
  const fromAttacker = (await atSource.stop()).packets
  const [atVictim, atHonest, atOpen] = caught.map(({ packets, missed }) => packets + missed) as [
    number,
    number,
    number,
  ]
  const { sent, lost } = await pings.stop()
  const figures = {
    sent: typeof result === 'number' ? result : undefined,
    fromAttacker,
    atVictim,
    atHonest,
    atOpen,
    pings: sent,
    pingsLost: lost.length,
    harmed,
  }
  tellFigures(t, attack.name, figures)
  const { joined } = await network.showVlan(
    victim.host,
    (await network.status(victim.host)).vlans[0] as never,
  )
  const drops = Object.entries(joined?.drops ?? {}).filter(([, count]) => count > 0)
  t.diagnostic(`drops of the victim so far: ${JSON.stringify(Object.fromEntries(drops))}`)
  const allowed = attack.allowed ?? 0
  const control = attack.isStoppedAtSource === true ? fromAttacker : atOpen
  assert.ok(control > allowed, `the control: without guards there is an attack, ${control} frames`)
  const through = caught.slice(0, 2).flatMap(({ lines }) => lines.slice(0, 5))
  assert.ok(
    Math.max(atVictim, atHonest) <= allowed,
    `through the guards: ${atVictim}, ${atHonest}\n${through.join('\n')}`,
  )
  assert.deepEqual(harmed.slice(0, 2), harmed.length === 0 ? [] : [false, false], 'the guarded are unharmed')
  assert.deepEqual(harmed.slice(2), harmed.length === 0 ? [] : [true], 'the control: the open host is harmed')
  // A machine that is busy with a flood may be late with one.
  assert.ok(lost.length <= Math.max(1, sent * 0.05), `honest pings were lost: ${lost.join(' ')} of ${sent}`)
}

describe('guards against real attack tools', () => {
  const fixture = useNetwork(
    {
      name: 'guards',
      shape: EMBEDDED,
      nodes: 4,
      edges: [
        [1, 2],
        [2, 3],
        [2, 4],
        [1, 3],
      ],
      settings: (number) => (number === 2 || number === 4 ? { switch: NO_GUARDS } : {}),
      programs: [...ATTACK_PROGRAMS, 'udhcpc'],
    },
    setUp,
  )
  /** A kernel has believed that the honest host's address is at the attacker. */
  const believes = (address: () => string) => async (_station: Station, neighbours: string) =>
    neighbours
      .split('\n')
      .some((line) => line.startsWith(`${address()} `) && line.includes(fixture().attacker.mac))

  it("L3: ARP spoofing by dsniff arpspoof changes nobody's mind", async (t) => {
    const { attacker, victim, honest, open } = fixture()
    await assertKeptOut(t, fixture(), {
      name: 'arpspoof',
      filter: `arp[6:2] = 2 and ether src ${attacker.mac} and arp src host ${honest.address4}`,
      run: async () => {
        for (const target of [victim, open])
          await runFor(attacker, ATTACK_MS, 'arpspoof', [
            '-i',
            attacker.interface,
            '-t',
            target.address4,
            honest.address4,
          ])
      },
    })
  })

  it('L3: ARP spoofing of every form is delivered to nobody', async (t) => {
    const { attacker, victim, honest, open } = fixture()
    await assertKeptOut(t, fixture(), {
      name: 'ARP spoofing',
      filter: `arp and arp src host ${honest.address4} and ether src ${attacker.mac}`,
      // The owner's switch shows it such a claim, so that it can defend its address.
      allowed: 10,
      run: () =>
        sendFrames(attacker, 'arp', {
          claim: honest.address4,
          dst: [victim, open].map(({ mac, address4 }) => `${mac}/${address4}`).join(','),
          count: FRAMES,
          rate: PER_SECOND,
        }),
      harm: believes(() => honest.address4),
    })
  })

  it('L3: ettercap gets between nobody', async (t) => {
    const { attacker, victim, honest, open } = fixture()
    await assertKeptOut(t, fixture(), {
      name: 'ettercap',
      filter: `arp[6:2] = 2 and ether src ${attacker.mac} and arp src host ${honest.address4}`,
      // The owner's switch shows it such a claim, so that it can defend its address.
      allowed: 2,
      run: () => {
        const targets = [`/${victim.address4};${open.address4}//`, `/${honest.address4}//`]
        return runFor(attacker, 7_000, 'ettercap', [
          '-T',
          '-q',
          '-i',
          attacker.interface,
          '-M',
          'arp',
          ...targets,
        ])
      },
    })
  })

  it('L3: neighbour advertisements that override an address are delivered to nobody', async (t) => {
    const { attacker, victim, honest, open } = fixture()
    await assertKeptOut(t, fixture(), {
      name: 'ND spoofing',
      filter: `icmp6 and ip6[40] == 136 and ether src ${attacker.mac} and src host ${honest.address6}`,
      run: () =>
        sendFrames(attacker, 'na', {
          claim: honest.address6,
          dst: [victim, open].map(({ mac, address6 }) => `${mac}/${address6}`).join(','),
          count: FRAMES,
          rate: PER_SECOND,
        }),
      harm: believes(() => honest.address6),
    })
  })

  it('L4: offers of a rogue DHCP server are delivered to nobody', async (t) => {
    const { attacker, victim, open } = fixture()
    await assertKeptOut(t, fixture(), {
      name: 'rogue DHCP server',
      filter: `udp and (port 67 or port 547) and ether src ${attacker.mac}`,
      run: () =>
        sendFrames(attacker, 'dhcp-server', {
          dst: [victim, open].map(({ mac }) => mac).join(','),
          count: FRAMES,
          rate: PER_SECOND,
        }),
    })
  })

  it('L4: clients hear nothing of a rogue dnsmasq', async (t) => {
    const { attacker, victim, honest, open } = fixture()
    const pool = attacker.address4.replace(/\d+$/, '')
    await assertKeptOut(t, fixture(), {
      name: 'rogue dnsmasq',
      filter: `udp src port 67 and ether src ${attacker.mac}`,
      run: async () => {
        const range = `--dhcp-range=${pool}2,${pool}250,2m`
        const options = [
          '-d',
          '-C',
          '/dev/null',
          '-p',
          '0',
          '--bind-interfaces',
          '--leasefile-ro',
          '--no-ping',
        ]
        const rogue = runFor(attacker, 6_000, 'dnsmasq', [...options, '-i', attacker.interface, range])
        await pause(1_000)
        const ask = ['-f', '-n', '-q', '-t', '3', '-T', '1', '-s', '/bin/true']
        for (const { host, interface: name } of [victim, honest, open])
          await host.lab.exec('udhcpc', [...ask, '-i', name], { allowFailure: true })
        await rogue
      },
    })
  })

  it('L6: router advertisements of thc-ipv6 fake_router26 are delivered to nobody', async (t) => {
    const { attacker } = fixture()
    await assertKeptOut(t, fixture(), {
      name: 'fake_router26',
      filter: 'icmp6 and ip6[40] == 134',
      run: () => runFor(attacker, 4_000, 'atk6-fake_router26', ['-A', 'fd66:1::/64', attacker.interface]),
      harm: async ({ host, interface: name }) =>
        (await host.lab.addresses(name)).some((cidr) => cidr.startsWith('fd66:1:')),
    })
  })

  it('L6: router advertisements behind extension headers, tags and in fragments are delivered to nobody', async (t) => {
    const { attacker } = fixture()
    await assertKeptOut(t, fixture(), {
      name: 'router advertisements of every form',
      filter: `ether src ${attacker.mac} and ether dst 33:33:00:00:00:01`,
      // What follows a first fragment that was dropped leads to nothing (RFC 7113 section 2).
      allowed: 10,
      run: () => sendFrames(attacker, 'ra', { count: FRAMES, rate: PER_SECOND }),
    })
  })

  for (const [what, options, filter] of [
    ['plain', [], 'icmp6 and ip6[40] == 134'],
    // Later fragments alone lead to nothing (RFC 7113 section 2); storm control limits them.
    ['in fragments', ['-F'], 'ip6[6] == 44 and ip6[42:2] & 0xfff8 == 0'],
    ['behind a hop-by-hop header', ['-H'], 'ip6[6] == 0'],
  ] as const) {
    it(`L6: a flood of router advertisements of thc-ipv6, ${what}, is delivered to nobody`, async (t) => {
      const { attacker } = fixture()
      await assertKeptOut(t, fixture(), {
        name: `flood_router26, ${what}`,
        filter: `${filter} and ether dst 33:33:00:00:00:01`,
        run: () => runFor(attacker, ATTACK_MS, 'atk6-flood_router26', [...options, attacker.interface]),
      })
    })
  }

  for (const [what, number] of [
    ['configuration', '2'],
    ['topology change', '3'],
  ] as const) {
    it(`L7: a flood of ${what} BPDUs of yersinia is delivered to nobody`, async (t) => {
      const { attacker } = fixture()
      await assertKeptOut(t, fixture(), {
        name: `yersinia stp, ${what}`,
        filter: 'ether dst 01:80:c2:00:00:00',
        isStoppedAtSource: true,
        run: () =>
          runFor(attacker, ATTACK_MS, 'yersinia', [
            'stp',
            '-attack',
            number,
            '-interface',
            attacker.interface,
          ]),
      })
    })
  }

  it('L8: of a broadcast storm of mausezahn the victim sees 1,000 frames a second at the most', async (t) => {
    const { attacker } = fixture()
    await assertKeptOut(t, fixture(), {
      name: 'broadcast storm',
      filter: 'udp port 9',
      allowed: 3_000,
      run: async () => {
        const startMs = performance.now()
        while (performance.now() - startMs < 2_500)
          await runFor(attacker, 2_500, 'mausezahn', [
            attacker.interface,
            '-c',
            '4000',
            '-d',
            '100',
            '-b',
            'bcast',
            '-A',
            attacker.address4,
            '-B',
            '255.255.255.255',
            '-t',
            'udp',
            'dp=9',
            '-p',
            '64',
          ])
      },
    })
  })

  it('L10: frames with two tags and more cross to nobody', async (t) => {
    const { attacker, victim, open } = fixture()
    await assertKeptOut(t, fixture(), {
      name: 'double tags',
      filter: `ether src ${attacker.mac} and (vlan or ether proto 0x88a8)`,
      run: () =>
        sendFrames(attacker, 'tags', {
          dst: [victim, open].map(({ mac }) => mac).join(','),
          count: FRAMES,
          rate: PER_SECOND,
        }),
    })
  })

  it('L11: a flood of MLD reports of thc-ipv6 is delivered to nobody', async (t) => {
    const { attacker } = fixture()
    await assertKeptOut(t, fixture(), {
      name: 'flood_mld26',
      filter: 'ip6 and ether dst 33:33:00:00:00:16 and ip6[40] == 58',
      run: () => runFor(attacker, ATTACK_MS, 'atk6-flood_mld26', [attacker.interface]),
    })
  })

  it('L11: reports for ever new groups and a querier that wants to be the one are delivered to nobody', async (t) => {
    const { attacker } = fixture()
    await assertKeptOut(t, fixture(), {
      name: 'IGMP and MLD flood',
      filter: `igmp and ether src ${attacker.mac}`,
      run: () => sendFrames(attacker, 'igmp', { count: FRAMES, rate: PER_SECOND }),
    })
  })

  it('L13: headers that hping3 has cut to pieces are delivered to nobody', async (t) => {
    const { attacker, victim, open } = fixture()
    await assertKeptOut(t, fixture(), {
      name: 'hping3, tiny fragments',
      // First fragments.
      filter: `ip[6:2] & 0x3fff == 0x2000 and ether src ${attacker.mac}`,
      run: async () => {
        for (const { address4 } of [victim, open])
          await runFor(attacker, 4_000, 'hping3', [
            ...['-I', attacker.interface, '-c', '100', '-i', 'u5000'],
            ...['-S', '-p', '80', '-f', '-m', '8', '-d', '64', address4],
          ])
      },
    })
  })

  it('L13: fragments that overlap, hide a header or reach too far are delivered to nobody', async (t) => {
    const { attacker, victim, open } = fixture()
    await assertKeptOut(t, fixture(), {
      name: 'fragment tricks',
      filter: `ether src ${attacker.mac} and (src host 192.0.2.1 or src host fd66::1)`,
      // First fragments of their kind are honest as such.
      allowed: FRAMES / 4,
      run: () =>
        sendFrames(attacker, 'fragments', {
          dst: [victim, open]
            .map(({ mac, address4, address6 }) => `${mac}/${address4}/${address6}`)
            .join(','),
          count: FRAMES,
          rate: PER_SECOND,
        }),
    })
  })
})
