import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WakunetError } from '@wakunet/interface'
import fc from 'fast-check'
import {
  createVlanKey,
  decodeVlanRecord,
  MAX_PRIORITIES,
  MAX_RESERVATIONS,
  MAX_TAG_VIDS,
  MAX_VLAN_RECORD_BYTES,
  signVlanRecord,
  type VlanPlan,
  type VlanRecordFields,
} from '../src/index.ts'
import { type CborValue, cbor, forge, nodePublicKey, nodeVerify, V2 } from './support.ts'

const { privateKey, publicKey } = createVlanKey(new Uint8Array(32).fill(3))
const base: VlanRecordFields = {
  name: 'lab',
  description: '',
  policy: 'open',
  subnet4: '10.20.0.0/20',
  subnet6: 'fd12:3456:789a:1::/64',
  mtu: 1400,
  sequence: 1,
  issuedAtMs: 0,
}
const node = (n: number): string => n.toString(16).padStart(32, '0')
const mac = (n: number): string =>
  `02${n
    .toString(16)
    .padStart(10, '0')
    .replace(/../g, (two) => `:${two}`)}`
const host = (n: number): string => `10.20.${n >> 8}.${n & 0xff}`

const whole: VlanPlan = {
  pool4: { first: host(2), last: host(4094) },
  reservations: [{ mac: mac(1), address4: host(7) }],
  router4: host(254),
  dns: ['1.1.1.1', '2606:4700:4700::1111'],
  domain: 'office.example',
  ntp: [host(9)],
  leaseSeconds: 600,
  priorities: [{ nodeId: node(1), priority: 4_096 }],
  tags: { mode: 'filter', vids: [10, 20] },
}

function forged(plan: object, options = V2): Uint8Array {
  return forge({ ...base, ...plan, publicKey } as unknown as CborValue, privateKey, options)
}

/** Refused from anywhere and by whoever would sign it, with a message that names the place. */
function refused(plan: object, message: RegExp): void {
  const sign = (): Uint8Array => signVlanRecord({ ...base, ...plan } as VlanRecordFields, privateKey)
  for (const act of [() => decodeVlanRecord(forged(plan), 0), sign]) {
    assert.throws(act, (error) => {
      assert.ok(error instanceof WakunetError, String(error))
      assert.equal(error.code, 'ERR_VLAN_RECORD_INVALID')
      assert.match(error.message, message)
      return true
    })
  }
}

const plans = fc
  .record({
    hosts: fc.uniqueArray(fc.integer({ min: 2, max: 4094 }), { minLength: 5, maxLength: 40 }),
    leaseSeconds: fc.integer({ min: 120, max: 604_800 }),
    servers: fc.uniqueArray(fc.constantFrom('1.1.1.1', '10.20.0.1', '2001:db8::1', 'fd00::53', '9.9.9.9'), {
      minLength: 1,
      maxLength: 4,
    }),
    domain: fc.domain().map((domain) => domain.toLowerCase()),
    priorities: fc.uniqueArray(fc.integer({ min: 0, max: 15 }), { minLength: 1, maxLength: 16 }),
    vids: fc.uniqueArray(fc.integer({ min: 1, max: 4094 }), { minLength: 1, maxLength: MAX_TAG_VIDS }),
    mode: fc.constantFrom('none' as const, 'carry' as const, 'filter' as const),
    keys: fc.subarray(Object.keys(whole) as (keyof VlanPlan)[]),
  })
  .map(({ hosts, leaseSeconds, servers, domain, priorities, vids, mode, keys }): VlanPlan => {
    const [a, b, router, ...reserved] = hosts as [number, number, number, ...number[]]
    const plan: VlanPlan = {
      pool4: { first: host(Math.min(a, b)), last: host(Math.max(a, b)) },
      reservations: reserved.map((n) =>
        n % 2 === 0 ? { mac: mac(n), address4: host(n) } : { nodeId: node(n), address4: host(n) },
      ),
      router4: host(router),
      dns: servers,
      domain,
      ntp: servers,
      leaseSeconds,
      priorities: priorities.map((n) => ({ nodeId: node(n), priority: n * 4_096 })),
      tags: mode === 'filter' ? { mode, vids: vids.toSorted((x, y) => x - y) } : { mode },
    }
    return Object.fromEntries(keys.map((key) => [key, plan[key]])) as VlanPlan
  })

describe('the plan of a record', () => {
  test('round trips whatever of it is there, in version 2, and in version 1 where nothing is', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const signed = signVlanRecord({ ...base, ...plan }, privateKey)
        const { id: _, publicKey: key, ...decoded } = decodeVlanRecord(signed, 0)
        assert.deepEqual(decoded, { ...base, ...plan })
        const version = Object.keys(plan).length === 0 ? 1 : 2
        assert.equal(signed[0], version)
        const map = signed.subarray(1, -64)
        const fields = { ...base, ...plan, publicKey: nodePublicKey(privateKey) } as unknown as CborValue
        assert.deepEqual(Buffer.from(map), cbor(fields))
        const message = Buffer.concat([Buffer.from(`wakunet vlan record v${version}`), map])
        assert.ok(nodeVerify(signed.subarray(-64), message, key))
      }),
      { numRuns: 60 },
    )
  })

  test('fits the record with everything at its largest', () => {
    const wide = { ...base, subnet4: '10.0.0.0/8', name: '語'.repeat(63), description: '語'.repeat(512) }
    const digits = (n: number): string => String(200 + n).padStart(3, '0')
    const signed = signVlanRecord(
      {
        ...wide,
        sequence: Number.MAX_SAFE_INTEGER,
        issuedAtMs: Number.MAX_SAFE_INTEGER - 1,
        expiresAtMs: Number.MAX_SAFE_INTEGER,
        pool4: { first: '10.200.200.200', last: '10.200.200.201' },
        reservations: Array.from({ length: MAX_RESERVATIONS }, (_, i) => ({
          nodeId: node(i),
          address4: `10.100.${100 + (i >> 6)}.${100 + (i & 63)}`,
        })),
        router4: '10.200.200.100',
        dns: [0, 1, 2, 3].map((n) => `fd12:3456:789a:1234:1234:1234:1234:${digits(n)}`),
        ntp: [0, 1, 2, 3].map((n) => `fd12:3456:789a:1234:1234:1234:1234:${digits(n)}`),
        domain: `${`${'d'.repeat(62)}.`.repeat(4)}e`,
        leaseSeconds: 604_800,
        priorities: Array.from({ length: MAX_PRIORITIES }, (_, i) => ({ nodeId: node(i), priority: 61_440 })),
        tags: { mode: 'filter', vids: Array.from({ length: MAX_TAG_VIDS }, (_, i) => 3_000 + i) },
      },
      privateKey,
    )
    assert.ok(signed.length > MAX_VLAN_RECORD_BYTES / 2, String(signed.length))
    decodeVlanRecord(signed, 0)
  })

  test('is of version 2 and no other', () => {
    const v1 = { version: 1, domain: 'wakunet vlan record v1' }
    decodeVlanRecord(forged(whole), 0)
    decodeVlanRecord(forge({ ...base, publicKey } as unknown as CborValue, privateKey, v1), 0)
    for (const [bytes, message] of [
      [forged(whole, v1 as never), /it has version 1, and its fields are those of version 2/],
      [forged({}), /it has version 2, and its fields are those of version 1/],
      [forged(whole, { ...V2, domain: 'wakunet vlan record v1' } as never), /signature/],
    ] as const) {
      assert.throws(() => decodeVlanRecord(bytes, 0), { code: 'ERR_VLAN_RECORD_INVALID', message })
    }
  })
})

describe('a plan is refused', () => {
  test('with a pool that reaches beyond the host addresses of the subnet, or backwards', () => {
    const pool = (first: string, last: string): object => ({ pool4: { first, last } })
    refused(pool(host(0), host(9)), /pool4\.first: 10\.20\.0\.0 is the network address/)
    refused(pool(host(1), host(9)), /pool4\.first: 10\.20\.0\.1 is the address of the switches' own/)
    refused(pool(host(2), '10.20.15.255'), /pool4\.last: 10\.20\.15\.255 is the broadcast address/)
    refused(pool('10.19.255.255', host(9)), /pool4\.first: .* outside the VLAN's subnet; take one from 10/)
    refused(pool(host(2), '10.20.16.0'), /pool4\.last: .* outside .* 10\.20\.0\.2 to 10\.20\.15\.254/)
    refused(pool(host(9), host(8)), /pool4: 10\.20\.0\.9 comes after 10\.20\.0\.8/)
    refused(pool('010.20.0.2', host(8)), /pool4\.first: must be an IPv4 address/)
    refused({ pool4: { first: host(2) } }, /pool4\.last/)
    refused({ pool4: { first: host(2), last: host(3), step: 1 } }, /pool4: .*step/)
    signVlanRecord({ ...base, pool4: { first: host(2), last: '10.20.15.254' } }, privateKey)
    const smallest = { ...base, subnet4: '10.20.0.0/30', pool4: { first: host(2), last: host(2) } }
    signVlanRecord(smallest, privateKey)
  })

  test('with a reservation that no client can have, or two for one', () => {
    const list = (...reservations: object[]): object => ({ reservations })
    refused(list({ mac: mac(1), address4: host(1) }), /reservations\.0\.address4: .*the switches' own/)
    refused(list({ mac: mac(1), address4: '10.21.0.0' }), /reservations\.0\.address4: .*outside/)
    refused(list({ address4: host(2) }), /reservations\.0: must have either mac or nodeId/)
    refused(list({ mac: mac(1), nodeId: node(1), address4: host(2) }), /must have either mac or nodeId/)
    for (const [text, why] of [
      ['01:00:5e:00:00:01', /of one station/],
      ['00:00:00:00:00:00', /all zeros/],
      ['02:00:00:00:00:AA', /MAC address like/],
      ['020000000001', /MAC address like/],
    ] as const) {
      refused(list({ mac: text, address4: host(2) }), new RegExp(`reservations\\.0\\.mac: .*${why.source}`))
    }
    refused(list({ nodeId: 'a', address4: host(2) }), /reservations\.0\.nodeId: must be a node id/)
    const two = [host(2), host(3)].map((address4) => ({ mac: mac(1), address4 }))
    refused(list(...two), /reservations\.1: 02:00:00:00:00:01 is there already/)
    const same = [1, 2].map((n) => ({ mac: mac(n), address4: host(2) }))
    refused(list(...same), /reservations\.1: 10\.20\.0\.2 is there already/)
    refused(list(), /reservations/)
    const many = Array.from({ length: MAX_RESERVATIONS + 1 }, (_, i) => ({
      mac: mac(i),
      address4: host(i + 2),
    }))
    refused(list(...many), /reservations: .*256/)
  })

  test('with a router, resolver or time server that nobody reaches', () => {
    refused({ router4: host(1) }, /router4: 10\.20\.0\.1 is the address of the switches' own/)
    refused({ router4: '192.168.0.1' }, /router4: .*outside/)
    for (const field of ['dns', 'ntp']) {
      for (const address of [
        '0.0.0.0',
        '127.0.0.1',
        '169.254.1.1',
        '224.0.0.1',
        '255.255.255.255',
        '::',
        '::1',
        'fe80::1',
        'ff02::1',
      ]) {
        refused({ [field]: [address] }, new RegExp(`${field}\\.0: must be an address that other hosts`))
      }
      for (const text of ['', 'dns.example', '::ffff:1.1.1.1', 'FD00::1', 'fd00:0::1', '1.1.1', '1.1.1.1/32'])
        refused({ [field]: [text] }, new RegExp(`${field}\\.0: must be an IP address`))
      refused({ [field]: [] }, new RegExp(field))
      refused({ [field]: ['1.1.1.1', '1.1.1.1'] }, new RegExp(`${field}\\.1: 1\\.1\\.1\\.1 is there`))
      refused({ [field]: [1, 2, 3, 4, 5].map((n) => `9.9.9.${n}`) }, new RegExp(`${field}: .*4`))
    }
  })

  test('with a domain that is no name', () => {
    for (const [domain, why] of [
      ['', /empty/],
      ['office.', /end with a dot/],
      ['.office', /two dots|begin with one/],
      ['a..b', /two dots/],
      ['Office', /lower case/],
      ['-a.b', /hyphen/],
      ['a-.b', /hyphen/],
      ['a_b', /only letters/],
      ['bücher.example', /only letters/],
      ['a.10', /digits alone/],
      [`${'a'.repeat(64)}.b`, /63/],
      [`${'a.'.repeat(127)}`, /253/],
    ] as const) {
      refused({ domain }, new RegExp(`domain: .*(${why.source})`))
    }
    for (const domain of ['a', 'xn--bcher-kva.example', '3com.example', `${'a.'.repeat(126)}b`])
      signVlanRecord({ ...base, domain }, privateKey)
  })

  test('with a lease, priority or tag out of its limits', () => {
    for (const leaseSeconds of [0, 119, 604_801, '600']) refused({ leaseSeconds }, /leaseSeconds: /)
    const grant = (priority: unknown): object => ({ priorities: [{ nodeId: node(1), priority }] })
    for (const priority of [1, 4_095, 65_536]) refused(grant(priority), /priorities\.0\.priority: /)
    refused(
      { priorities: [0, 1].map(() => ({ nodeId: node(1), priority: 0 })) },
      /priorities\.1: 0+1 is there/,
    )
    const many = Array.from({ length: MAX_PRIORITIES + 1 }, (_, i) => ({ nodeId: node(i), priority: 0 }))
    refused({ priorities: many }, /priorities: .*64/)
    for (const tags of [
      { mode: 'some' },
      {},
      { mode: 'filter' },
      { mode: 'none', vids: [1] },
      { mode: 'filter', vids: [] },
      { mode: 'filter', vids: [0] },
      { mode: 'filter', vids: [4_095] },
      { mode: 'filter', vids: [2, 1] },
      { mode: 'filter', vids: [1, 1] },
      { mode: 'filter', vids: Array.from({ length: MAX_TAG_VIDS + 1 }, (_, i) => i + 1) },
    ]) {
      refused({ tags }, /tags/)
    }
  })

  test('with a hundred faults, and tells a few of them', () => {
    const reservations = Array.from({ length: 100 }, (_, i) => ({ mac: mac(i), address4: host(1) }))
    refused({ reservations }, /; and \d+ more$/)
  })
})
