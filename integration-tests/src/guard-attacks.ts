import { setTimeout as pause } from 'node:timers/promises'
import { DEFAULT_PORT_RATES, type Rate } from '@wakunet/switching'
import { testSeed } from '@wakunet/testing'
import { runFor, sendFrames } from './attacks.ts'
import { framesThrough, type GuardAttack, type GuardAttacks, takenBySwitch } from './guard-scene.ts'
import { TRUNK_PORT } from './host.ts'
import { HostileProcess } from './hostile-process.ts'
import type { Station } from './station.ts'

/** Of each attack with made frames: 10,000, and some that a busy machine loses in the queue of the interface. */
const FRAMES = Number(process.env.TEST_ATTACK_FRAMES ?? 11_000)
/** What a TAP's queue takes without loss, so that the figures say what was attacked with. */
const PER_SECOND = 10_000
const ATTACK_MS = 1_500
/** Claims of a hostile peer, ten a second. */
const ROOT_CLAIMS = 15
const ROOT_REFUSED = 'wakunet_vlan_switch_dropped_total{reason="guard-bpdu-root"}'
const MADE = { count: FRAMES, rate: PER_SECOND }

/** What one port may bring in so many seconds. */
const within =
  ({ burst, perSecond }: Rate) =>
  (seconds: number): number =>
    Math.ceil(burst + perSecond * seconds)

/** A kernel has believed that the honest host's address is at the attacker. */
const believes =
  (address: 'address4' | 'address6'): NonNullable<Parameters<typeof framesThrough>[0]['harm']> =>
  async ({ honest, attacker }, _target, neighbours) =>
    neighbours
      .split('\n')
      .some((line) => line.startsWith(`${honest[address]} `) && line.includes(attacker.mac))

const scapy = (
  mode: string,
  options: (target: Station, honest: Station) => Record<string, string | number> = () => ({}),
) => ({
  tool: `python3-scapy (frames.py ${mode})`,
  run: ({ attacker, honest }: { attacker: Station; honest: Station }, target: Station) =>
    sendFrames(attacker, mode, { ...MADE, ...options(target, honest) }),
})

const MAC: readonly GuardAttack[] = [
  {
    id: 'L2',
    what: 'frames in the name of another station',
    tool: scapy('spoofed-mac').tool,
    perform: framesThrough({
      // Answers to the target's pings, which lead to whom it believes to be the honest host.
      filter: ({ honest }, target) => `icmp and ether src ${target.mac} and ether dst ${honest.mac}`,
      seenAt: ({ attacker }) => attacker,
      run: async ({ attacker, honest }, target) => {
        const pings = target.host.lab.spawn('ping', ['-n', '-i', '0.05', honest.address4])
        const dst = `${target.mac},${honest.mac}`
        await sendFrames(attacker, 'spoofed-mac', {
          ...{ src: honest.mac, dst, count: FRAMES, rate: 5_000 },
        })
        await pings.stop({ signal: 'SIGINT' })
      },
    }),
  },
]

/** As real peers know nothing of our spanning tree, the tool is a libp2p host of our own with no manners. */
const ROOT: readonly GuardAttack[] = [
  {
    id: 'L7',
    what: 'a peer that says it is the root of the tree',
    tool: 'hostile-peer.ts',
    perform: async ({ network, vlan, honest }, target) => {
      const home = network.lab.hosts.at(-1)!
      const number = network.hosts.indexOf(target.host) + 1
      const { address4 } = network.lab.edge(number, network.lab.hosts.length).endAt(target.host.lab)!
      const hostile = await HostileProcess.start(home, {
        address: `/ip4/${address4}/tcp/${TRUNK_PORT}`,
        victim: target,
        bystander: honest,
        vlanId: vlan.id,
        otherVlanId: '66'.repeat(16),
        mtu: vlan.mtu,
        seed: testSeed,
      })
      const rootOf = async () => (await network.showVlan(target.host, vlan)).joined?.tree.root ?? ''
      const before = await rootOf()
      await hostile.claimRoot(ROOT_CLAIMS)
      const after = await rootOf()
      const refused = (await network.metrics(target.host)).get(ROOT_REFUSED)
      await hostile.stop()
      await network.until('the tree as it was', async () => (await rootOf()) === before)
      return {
        through: after === before ? 0 : 1,
        allowed: 0,
        harmed: null,
        sent: ROOT_CLAIMS,
        figures: { refused },
      }
    },
  },
]

const FRAME: readonly GuardAttack[] = [
  {
    id: 'L12',
    what: 'frames that are not what their headers say',
    tool: scapy('broken').tool,
    perform: framesThrough({
      filter: ({ attacker }) => `ether src ${attacker.mac} and (src host 192.0.2.12 or ether[12:2] <= 1500)`,
      run: scapy('broken', ({ mac }) => ({ dst: mac })).run,
    }),
  },
]

const TAG: readonly GuardAttack[] = [
  {
    id: 'L10',
    what: 'frames with two tags and more',
    tool: scapy('tags').tool,
    perform: framesThrough({
      filter: ({ attacker }) => `ether src ${attacker.mac} and (vlan or ether proto 0x88a8)`,
      run: scapy('tags', ({ mac }) => ({ dst: mac })).run,
    }),
  },
]

/** An address that bridges do not keep for themselves: there a switch of another maker listens (PVST+). */
const BPDU_GROUP = '01:00:0c:cc:cc:cd'
/** Where 802.1D bridges listen. */
const BRIDGE_GROUP = '01:80:c2:00:00:00'
const BPDUS = 3

/** The tool floods the reserved address alone; single BPDUs it sends anywhere. */
const BPDU: readonly GuardAttack[] = [
  ...(
    [
      ['configuration', '0'],
      ['topology change', '1'],
    ] as const
  ).map(([what, number]) => ({
    id: 'L7',
    what: `${what} BPDUs to the bridges of another maker`,
    tool: 'yersinia stp',
    perform: framesThrough({
      filter: () => `ether dst ${BPDU_GROUP}`,
      run: async ({ attacker }) => {
        const options = ['-attack', number, '-dest', BPDU_GROUP, '-source', attacker.mac]
        for (let i = 0; i < BPDUS; i++)
          await runFor(attacker, ATTACK_MS, 'yersinia', [
            ...['stp', ...options, '-interface', attacker.interface],
          ])
      },
    }),
  })),
  ...(
    [
      ['configuration', '2'],
      ['topology change', '3'],
    ] as const
  ).map(([what, number]) => ({
    id: 'L7',
    what: `a flood of ${what} BPDUs`,
    isFlood: true,
    tool: 'yersinia stp',
    isStoppedAnyway: true,
    perform: framesThrough({
      filter: () => `ether dst ${BRIDGE_GROUP}`,
      run: ({ attacker }) =>
        runFor(attacker, ATTACK_MS, 'yersinia', [
          ...['stp', '-attack', number, '-interface', attacker.interface],
        ]),
    }),
  })),
]

const FRAGMENT: readonly GuardAttack[] = [
  {
    id: 'L13',
    what: 'headers that are cut to pieces',
    tool: 'hping3 -f',
    perform: framesThrough({
      // First fragments.
      filter: ({ attacker }) => `ip[6:2] & 0x3fff == 0x2000 and ether src ${attacker.mac}`,
      run: ({ attacker }, { address4 }) =>
        runFor(attacker, 4_000, 'hping3', [
          ...['-I', attacker.interface, '-c', '100', '-i', 'u5000'],
          ...['-S', '-p', '80', '-f', '-m', '8', '-d', '64', address4],
        ]),
    }),
  },
  {
    id: 'L13',
    what: 'fragments that overlap, hide a header or reach too far',
    tool: scapy('fragments').tool,
    perform: framesThrough({
      filter: ({ attacker }) => `ether src ${attacker.mac} and (src host 192.0.2.1 or src host fd66::1)`,
      // First fragments of their kind are honest as such: one of each of seven kinds.
      allowed: () => 7,
      run: scapy('fragments', ({ mac, address4, address6 }) => ({ dst: `${mac}/${address4}/${address6}` }))
        .run,
    }),
  },
]

const HEADER_CHAIN: readonly GuardAttack[] = [
  {
    id: 'L6',
    what: 'IPv6 headers behind which anything could hide',
    tool: scapy('chains').tool,
    perform: framesThrough({
      filter: ({ attacker }) => `ether src ${attacker.mac} and ip6 src fe80::67`,
      run: scapy('chains').run,
    }),
  },
]

const ROUTER: readonly GuardAttack[] = [
  {
    id: 'L6',
    what: 'router advertisements',
    tool: 'thc-ipv6 fake_router26',
    perform: framesThrough({
      filter: ({ attacker }) => `icmp6 and ip6[40] == 134 and ether src ${attacker.mac}`,
      run: ({ attacker }) =>
        runFor(attacker, 4_000, 'atk6-fake_router26', ['-A', 'fd66:1::/64', attacker.interface]),
      harm: async (_scene, { host, interface: name }) =>
        (await host.lab.addresses(name)).some((cidr) => cidr.startsWith('fd66:1:')),
    }),
  },
  {
    id: 'L6',
    what: 'router advertisements behind extension headers, tags and in fragments',
    tool: scapy('ra').tool,
    perform: framesThrough({
      filter: ({ attacker }) => `ether src ${attacker.mac} and ether dst 33:33:00:00:00:01`,
      // What follows a first fragment that was dropped leads to nothing (RFC 7113 section 2): one of each of two kinds.
      allowed: () => 2,
      run: scapy('ra').run,
    }),
  },
  ...(
    [
      // Those of the switch itself are small.
      ['plain', [], 'icmp6 and ip6[40] == 134 and greater 500'],
      ['behind a hop-by-hop header', ['-H'], 'ip6[6] == 0'],
    ] as const
  ).map(([what, options, filter]) => ({
    id: 'L6',
    what: `a flood of router advertisements, ${what}`,
    isFlood: true,
    tool: 'thc-ipv6 flood_router26',
    perform: framesThrough({
      filter: () => `${filter} and ether dst 33:33:00:00:00:01`,
      run: ({ attacker }) =>
        runFor(attacker, ATTACK_MS, 'atk6-flood_router26', [...options, attacker.interface]),
    }),
  })),
]

const DHCP_CLIENT: readonly GuardAttack[] = [
  {
    id: 'L5',
    what: 'requests in the name of other stations',
    tool: scapy('dhcp-client').tool,
    isLocal: true,
    // The server itself looks once more.
    isStoppedAnyway: true,
    perform: takenBySwitch({
      series: 'wakunet_vlan_switch_dhcp_offers_total',
      run: (_scene, target) => sendFrames(target, 'dhcp-client', { count: 2_000, rate: 500, own: 1 }),
    }),
  },
  {
    id: 'L5',
    what: 'a flood of requests',
    isFlood: true,
    tool: 'yersinia dhcp',
    isLocal: true,
    perform: takenBySwitch({
      series: 'wakunet_vlan_switch_dhcp_offers_total',
      run: (_scene, target) =>
        runFor(target, 4_000, 'yersinia', ['dhcp', '-attack', '1', '-interface', target.interface]),
      allowed: within(DEFAULT_PORT_RATES.dhcp),
    }),
  },
]

const DHCP: readonly GuardAttack[] = [
  {
    id: 'L4',
    what: 'offers that nobody asked for',
    tool: scapy('dhcp-server').tool,
    perform: framesThrough({
      filter: ({ attacker }) => `udp and (port 67 or port 547) and ether src ${attacker.mac}`,
      run: scapy('dhcp-server', ({ mac }) => ({ dst: mac })).run,
    }),
  },
  {
    id: 'L4',
    what: 'a DHCP server of its own',
    tool: 'dnsmasq, udhcpc',
    perform: framesThrough({
      filter: ({ attacker }) => `udp src port 67 and ether src ${attacker.mac}`,
      run: async ({ attacker }, target) => {
        const pool = attacker.address4.replace(/\d+$/, '')
        const options = [
          ...['-d', '-C', '/dev/null', '-p', '0', '--bind-interfaces', '--leasefile-ro', '--no-ping'],
          ...['-i', attacker.interface, `--dhcp-range=${pool}2,${pool}250,2m`],
        ]
        const rogue = runFor(attacker, 5_000, 'dnsmasq', options)
        await pause(1_000)
        const ask = ['-f', '-n', '-q', '-t', '3', '-T', '1', '-s', '/bin/true', '-i', target.interface]
        await target.host.lab.exec('udhcpc', ask, { allowFailure: true })
        await rogue
      },
    }),
  },
]

const ARP: readonly GuardAttack[] = [
  {
    id: 'L3',
    what: 'ARP spoofing',
    tool: 'dsniff arpspoof',
    perform: framesThrough({
      filter: ({ attacker, honest }) =>
        `arp[6:2] = 2 and ether src ${attacker.mac} and arp src host ${honest.address4}`,
      run: ({ attacker, honest }, target) => {
        const pair = ['-t', target.address4, honest.address4]
        return runFor(attacker, 3_000, 'arpspoof', ['-i', attacker.interface, ...pair])
      },
    }),
  },
  {
    id: 'L3',
    what: 'ARP spoofing of every form',
    tool: scapy('arp').tool,
    perform: framesThrough({
      filter: ({ attacker, honest }) =>
        `arp and arp src host ${honest.address4} and ether src ${attacker.mac}`,
      // The owner's switch shows it such a claim, so that it can defend its address.
      allowed: () => 10,
      run: scapy('arp', ({ mac, address4 }, honest) => ({
        claim: honest.address4,
        dst: `${mac}/${address4}`,
      })).run,
      harm: believes('address4'),
    }),
  },
  {
    id: 'L3',
    what: 'a man in the middle',
    tool: 'ettercap -M arp',
    perform: framesThrough({
      filter: ({ attacker, honest }) =>
        `arp[6:2] = 2 and ether src ${attacker.mac} and arp src host ${honest.address4}`,
      allowed: () => 2,
      run: ({ attacker, honest }, target) => {
        const targets = [`/${target.address4}//`, `/${honest.address4}//`]
        return runFor(attacker, 7_000, 'ettercap', [
          ...['-T', '-q', '-i', attacker.interface, '-M', 'arp', ...targets],
        ])
      },
    }),
  },
]

const ND: readonly GuardAttack[] = [
  {
    id: 'L3',
    what: 'neighbour advertisements that override an address',
    tool: scapy('na').tool,
    perform: framesThrough({
      filter: ({ attacker, honest }) =>
        `icmp6 and ip6[40] == 136 and ether src ${attacker.mac} and src host ${honest.address6}`,
      run: scapy('na', ({ mac, address6 }, honest) => ({
        claim: honest.address6,
        dst: `${mac}/${address6}`,
      })).run,
      harm: believes('address6'),
    }),
  },
  {
    id: 'L3',
    what: 'neighbour advertisements in the name of another host',
    tool: 'thc-ipv6 fake_advertise6',
    perform: framesThrough({
      filter: ({ attacker, honest }) =>
        `icmp6 and ip6[40] == 136 and ether src ${attacker.mac} and src host ${honest.address6}`,
      run: ({ attacker, honest }, target) =>
        runFor(attacker, 3_000, 'atk6-fake_advertise6', [
          ...['-n', '2', '-w', '1', attacker.interface, honest.address6, target.address6, attacker.mac],
        ]),
    }),
  },
]

const MULTICAST_RATE: readonly GuardAttack[] = [
  {
    id: 'L11',
    what: 'a flood of MLD reports by a host of its own',
    isFlood: true,
    tool: 'thc-ipv6 flood_mld26',
    isLocal: true,
    perform: takenBySwitch({
      series: 'wakunet_vlan_switch_group_reports_in_total',
      run: (_scene, target) => runFor(target, ATTACK_MS, 'atk6-flood_mld26', [target.interface]),
      allowed: within(DEFAULT_PORT_RATES.multicastControl),
    }),
  },
]

const MULTICAST_CONTROL: readonly GuardAttack[] = [
  {
    id: 'L11',
    what: 'a flood of MLD reports',
    isFlood: true,
    tool: 'thc-ipv6 flood_mld26',
    perform: framesThrough({
      // From ever new addresses.
      filter: (_scene, { mac }) => `ip6 and ether dst 33:33:00:00:00:16 and not ether src ${mac}`,
      run: ({ attacker }) => runFor(attacker, ATTACK_MS, 'atk6-flood_mld26', [attacker.interface]),
    }),
  },
  {
    id: 'L11',
    what: 'reports for ever new groups, and a querier that wants to be the one',
    tool: scapy('igmp').tool,
    perform: framesThrough({
      filter: ({ attacker }) => `igmp and ether src ${attacker.mac}`,
      run: scapy('igmp').run,
    }),
  },
]

const STORM: readonly GuardAttack[] = (
  [
    ['broadcast', 'bcast', '255.255.255.255'],
    // To a group that nobody has to join.
    ['multicast', '01:00:5e:00:00:fb', '224.0.0.251'],
  ] as const
).map(([kind, mac, address]) => ({
  id: 'L8',
  what: `a ${kind} storm`,
  tool: 'mausezahn',
  perform: framesThrough({
    filter: ({ attacker }) => `udp port 9 and ether src ${attacker.mac}`,
    allowed: within(DEFAULT_PORT_RATES[kind]),
    run: async ({ attacker }) => {
      const startMs = performance.now()
      const frames = ['-c', '4000', '-d', '100', '-b', mac, '-A', attacker.address4, '-B', address]
      while (performance.now() - startMs < 2_500)
        await runFor(attacker, 2_500, 'mausezahn', [
          ...[attacker.interface, ...frames, '-t', 'udp', 'dp=9', '-p', '64'],
        ])
    },
  }),
}))

/** For each guard what it keeps out, by the tools that people would use. */
export const GUARD_ATTACKS: GuardAttacks = {
  mac: MAC,
  root: ROOT,
  frame: FRAME,
  tag: TAG,
  bpdu: BPDU,
  fragment: FRAGMENT,
  'header-chain': HEADER_CHAIN,
  router: ROUTER,
  'dhcp-client': DHCP_CLIENT,
  dhcp: DHCP,
  arp: ARP,
  nd: ND,
  'multicast-rate': MULTICAST_RATE,
  'multicast-control': MULTICAST_CONTROL,
  storm: STORM,
}
