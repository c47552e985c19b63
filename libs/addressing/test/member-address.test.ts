import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { NodeId, VlanId } from '@wakunet/interface'
import fc from 'fast-check'
import {
  address6,
  autoAddress4,
  checkManualAddress,
  cidrContains,
  defaultSubnet4,
  isNetwork,
  memberMac,
  parseCidr,
  ulaPrefix,
} from '../src/index.ts'

interface Vector {
  readonly vlanId: VlanId
  readonly nodeId: NodeId
  readonly mac: string
  readonly subnet4: string
  readonly subnet6: string
  readonly address4: readonly string[]
  readonly address6: string
}
const vectors = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8')) as Vector[]

const id = fc.stringMatching(/^[0-9a-f]{32}$/)
const vlanIds = id.map((text) => text as VlanId)
const nodeIds = id.map((text) => text as NodeId)
const VLAN = '00112233445566778899aabbccddeeff' as VlanId
const node = (n: number) => n.toString(16).padStart(32, '0') as NodeId
const last = (cidr: string) => parseCidr(cidr).bytes.reduce((value, byte) => value * 256 + byte, 0)

describe('derived addresses', () => {
  test('are those of the vectors: members of any version agree on them', () => {
    for (const vector of vectors) {
      const { vlanId, nodeId } = vector
      assert.equal(memberMac(vlanId, nodeId), vector.mac)
      assert.equal(defaultSubnet4(vlanId), vector.subnet4)
      assert.equal(ulaPrefix(vlanId), vector.subnet6)
      vector.address4.forEach((address, attempt) => {
        assert.equal(autoAddress4(vector.subnet4, vlanId, nodeId, attempt), address)
      })
      assert.equal(address6(vector.subnet6, vector.mac), vector.address6)
    }
  })

  test('MAC addresses are locally administered and unicast', () => {
    fc.assert(
      fc.property(vlanIds, nodeIds, (vlanId, nodeId) => {
        assert.match(memberMac(vlanId, nodeId), /^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/)
      }),
    )
  })

  test('differ between members and between VLANs', () => {
    const macs = Array.from({ length: 5000 }, (_, i) => memberMac(VLAN, node(i)))
    assert.equal(new Set(macs).size, 5000)
    assert.notEqual(memberMac(VLAN, node(1)), memberMac(node(1) as string as VlanId, node(1)))
    assert.notEqual(ulaPrefix(VLAN), ulaPrefix(node(1) as string as VlanId))
  })

  test('subnets are networks out of their ranges', () => {
    fc.assert(
      fc.property(vlanIds, (vlanId) => {
        const subnet4 = parseCidr(defaultSubnet4(vlanId))
        assert.equal(subnet4.prefixLength, 20)
        assert.ok(isNetwork(subnet4))
        assert.ok(subnet4.bytes[0] === 10 && subnet4.bytes[1]! >= 16)
        const subnet6 = parseCidr(ulaPrefix(vlanId))
        assert.equal(subnet6.prefixLength, 64)
        assert.ok(isNetwork(subnet6))
        assert.equal(subnet6.bytes[0], 0xfd)
      }),
    )
  })

  test('subnets of VLANs spread over the whole range', () => {
    const subnets = Array.from({ length: 4000 }, (_, i) => defaultSubnet4(node(i) as string as VlanId))
    // 3,840 subnets; 4,000 random draws leave 35 % of them out.
    assert.ok(new Set(subnets).size > 2300)
  })
})

describe('automatic IPv4 addresses', () => {
  test('stay inside the subnet, off the network, the first host and the broadcast address', () => {
    fc.assert(
      fc.property(
        vlanIds,
        nodeIds,
        fc.integer({ min: 8, max: 30 }),
        fc.nat(65_535),
        (vlanId, nodeId, prefix, attempt) => {
          const subnet = `10.0.0.0/${prefix}`
          const address = autoAddress4(subnet, vlanId, nodeId, attempt)
          const offset = last(address) - last(subnet)
          assert.ok(offset >= 2 && offset <= 2 ** (32 - prefix) - 2, address)
          assert.equal(parseCidr(address).prefixLength, prefix)
          assert.ok(cidrContains(parseCidr(subnet), address.split('/')[0]!))
        },
      ),
    )
  })

  test('come once each before any comes again', () => {
    for (const prefix of [20, 24, 27, 28, 29, 30]) {
      const size = 2 ** (32 - prefix) - 3
      for (let member = 0; member < 3; member++) {
        const walk = (attempt: number) => autoAddress4(`192.168.0.0/${prefix}`, VLAN, node(member), attempt)
        const seen = new Set(Array.from({ length: size }, (_, attempt) => walk(attempt)))
        assert.equal(seen.size, size, `/${prefix}`)
        assert.equal(walk(size), walk(0))
      }
    }
  })

  test('let a full VLAN settle: every member of a /24 finds a place', () => {
    const taken = new Set<string>()
    for (let member = 0; member < 253; member++) {
      let attempt = 0
      while (taken.has(autoAddress4('10.5.5.0/24', VLAN, node(member), attempt))) attempt++
      taken.add(autoAddress4('10.5.5.0/24', VLAN, node(member), attempt))
    }
    assert.equal(taken.size, 253)
  })

  test('of members that meet once go different ways', () => {
    const walks = Array.from({ length: 300 }, (_, member) =>
      [0, 1, 2].map((attempt) => autoAddress4('10.5.5.0/26', VLAN, node(member), attempt)).join(),
    )
    const first = new Set(walks.map((walk) => walk.split(',')[0]))
    assert.ok(first.size < 62, 'members do meet')
    assert.ok(new Set(walks).size > 280, 'and part again')
  })

  test('need an IPv4 subnet with room for hosts', () => {
    for (const subnet of ['10.0.0.0/31', '10.0.0.0/32', 'fd00::/64', 'nonsense']) {
      assert.throws(() => autoAddress4(subnet, VLAN, node(1), 0), { code: 'ERR_ADDRESS_INVALID' })
    }
  })
})

describe('IPv6 addresses', () => {
  test('have the interface identifier of the MAC address (RFC 4291 appendix A)', () => {
    assert.equal(address6('fd00:1:2:3::/64', '34:56:78:9a:bc:de'), 'fd00:1:2:3:3656:78ff:fe9a:bcde/64')
    assert.equal(address6('fd00::/64', '02:00:00:00:00:01'), 'fd00::ff:fe00:1/64')
  })

  test('need a /64 and a MAC address', () => {
    for (const [prefix, mac] of [
      ['fd00::/48', '02:00:00:00:00:01'],
      ['10.0.0.0/24', '02:00:00:00:00:01'],
      ['fd00::/64', '02:00:00:00:00'],
    ] as const) {
      assert.throws(() => address6(prefix, mac), { code: 'ERR_ADDRESS_INVALID' })
    }
  })
})

describe('a manual address', () => {
  test('inside the subnet is taken, in canonical form', () => {
    for (const address of ['10.5.0.2/20', '10.5.15.254/20', '10.5.7.7/20']) {
      assert.equal(checkManualAddress('10.5.0.0/20', address), address)
    }
    assert.equal(checkManualAddress('10.5.0.0/30', '10.5.0.2/30'), '10.5.0.2/30')
  })

  test('outside the subnet is refused with the subnet and an example', () => {
    for (const address of [
      '10.4.255.255/20',
      '10.5.16.1/20',
      '10.5.16.1/8',
      'fd00::1/64',
      '192.168.1.1/24',
    ]) {
      assert.throws(() => checkManualAddress('10.5.0.0/20', address), {
        code: 'ERR_ADDRESS_OUTSIDE_SUBNET',
        message: /outside the subnet of the VLAN, 10\.5\.0\.0\/20; .* for example 10\.5\.0\.11\/20/,
      })
    }
  })

  test("of no host is refused: network, the switch's own station, broadcast, another prefix length, no address", () => {
    for (const [address, what] of [
      ['10.5.0.0/20', /network address/],
      ['10.5.0.1/20', /the VLAN's own switch/],
      ['10.5.15.255/20', /broadcast address/],
      ['10.5.0.9/24', /write 10\.5\.0\.9\/20/],
      ['10.5.0.9', /no prefix length/],
      ['10.5.0.09/20', /does not begin with an IP address/],
      ['', /no prefix length/],
    ] as const) {
      assert.throws(() => checkManualAddress('10.5.0.0/20', address), {
        code: 'ERR_ADDRESS_INVALID',
        message: what,
      })
    }
  })

  test('that its own example names would be taken', () => {
    for (let prefix = 8; prefix <= 30; prefix++) {
      const subnet = `10.0.0.0/${prefix}`
      let message = ''
      try {
        checkManualAddress(subnet, '1.1.1.1/8')
      } catch (error) {
        message = (error as Error).message
      }
      const example = /for example (\S+)$/.exec(message)?.[1] ?? ''
      assert.equal(checkManualAddress(subnet, example), example)
    }
  })
})
