import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import * as ethernet from '../src/index.ts'
import { concat, hexToBytes, plain } from './support.ts'

const fixed = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const ZERO = new Uint8Array(4)
const BASE: ethernet.Dhcpv4Message = {
  op: ethernet.BOOT_REQUEST,
  hops: 0,
  transactionId: 1,
  seconds: 0,
  broadcast: false,
  clientAddress: ZERO,
  yourAddress: ZERO,
  serverAddress: ZERO,
  relayAddress: ZERO,
  clientMac: hexToBytes('020000000005'),
  options: [],
}
const OPTIONS = ethernet.DHCPV4_FIELD.options

const message = fc.record({
  op: fc.constantFrom(ethernet.BOOT_REQUEST, ethernet.BOOT_REPLY),
  hops: fc.nat(255),
  transactionId: fc.nat(0xffffffff),
  seconds: fc.nat(0xffff),
  broadcast: fc.boolean(),
  clientAddress: fixed(4),
  yourAddress: fixed(4),
  serverAddress: fixed(4),
  relayAddress: fixed(4),
  clientMac: fixed(6),
  options: fc.uniqueArray(
    fc.record({
      code: fc.integer({ min: 1, max: 254 }).filter((code) => code !== ethernet.DHCPV4_OVERLOAD),
      data: fc.uint8Array({ maxLength: 300 }),
    }),
    { maxLength: 6, selector: ({ code }) => code },
  ),
})

/** Option bytes behind a request's fixed fields. */
function withOptions(hex: string): Uint8Array {
  const bytes = ethernet.encodeDhcpv4(BASE)!
  return concat(bytes.subarray(0, OPTIONS), hexToBytes(hex))
}

describe('DHCPv4', () => {
  test('messages come back, options of any length too, however they are placed', () => {
    const byCode = (options: readonly ethernet.Dhcpv4Option[]) => options.toSorted((a, b) => a.code - b.code)
    fc.assert(
      fc.property(message, fc.constantFrom(548, 800, 4000), (value, maxBytes) => {
        const bytes = ethernet.encodeDhcpv4(value, maxBytes)
        if (bytes === null) return
        assert.ok(bytes.length >= 300 && bytes.length <= maxBytes)
        const decoded = ethernet.decodeDhcpv4(bytes)!
        assert.deepEqual(
          plain({ ...decoded, options: byCode(decoded.options) }),
          plain({ ...value, options: byCode(value.options) }),
        )
      }),
    )
  })

  test('options that do not fit move to "file" and "sname" by option overload, and no further', () => {
    const option = (code: number, length: number) => ({ code, data: new Uint8Array(length).fill(code) })
    const options = [option(43, 250), option(60, 40), option(66, 120), option(67, 60)]
    const bytes = ethernet.encodeDhcpv4({ ...BASE, options }, 548)!
    assert.equal(bytes[ethernet.DHCPV4_FIELD.bootFile], 66)
    assert.equal(bytes[ethernet.DHCPV4_FIELD.serverName], 67)
    assert.deepEqual(plain(ethernet.decodeDhcpv4(bytes)!.options), plain(options))
    assert.equal(ethernet.encodeDhcpv4({ ...BASE, options: [...options, option(68, 120)] }, 548), null)
  })

  test('"file" and "sname" are no options unless the overload option says so', () => {
    const bytes = withOptions('350101ff')
    bytes.set(hexToBytes('0c0161ff'), ethernet.DHCPV4_FIELD.bootFile)
    assert.deepEqual(plain(ethernet.decodeDhcpv4(bytes)!.options), [{ code: 53, data: '01' }])
    const overloaded = withOptions('350101340101ff')
    overloaded.set(hexToBytes('0c0161ff'), ethernet.DHCPV4_FIELD.bootFile)
    const options = ethernet.decodeDhcpv4(overloaded)!.options
    assert.deepEqual(plain(options), [
      { code: 53, data: '01' },
      { code: 12, data: '61' },
    ])
  })

  test('pieces of one option are joined in the order of the fields (RFC 3396 §7)', () => {
    const bytes = withOptions('0c01613401030c0162ff')
    bytes.set(hexToBytes('0c0163ff'), ethernet.DHCPV4_FIELD.bootFile)
    bytes.set(hexToBytes('0c0164ff'), ethernet.DHCPV4_FIELD.serverName)
    const options = ethernet.decodeDhcpv4(bytes)!.options
    assert.deepEqual(plain(options), [{ code: 12, data: '61626364' }])
  })

  test('padding is skipped, the end mark ends, and a field may end without it', () => {
    for (const hex of ['00000c016100ff0c0162', '0c0161', '0c016100'])
      assert.deepEqual(plain(ethernet.decodeDhcpv4(withOptions(hex))!.options), [{ code: 12, data: '61' }])
  })

  test('a cut option, another cookie, another hardware and another operation are refused', () => {
    for (const hex of ['0c', '0c0261', '3501010cff'])
      assert.equal(ethernet.decodeDhcpv4(withOptions(hex)), null)
    for (const [at, value] of [
      [0, 3],
      [0, 0],
      [1, 6],
      [2, 16],
      [236, 0],
      [239, 0x64],
    ] as const) {
      const bytes = withOptions('350101ff')
      bytes[at] = value
      assert.equal(ethernet.decodeDhcpv4(bytes), null, `byte ${at}`)
    }
    const overloaded = withOptions('340101ff')
    overloaded.set(hexToBytes('0cff61'), ethernet.DHCPV4_FIELD.bootFile)
    assert.equal(ethernet.decodeDhcpv4(overloaded), null)
  })

  test('an option is found by its code', () => {
    const decoded = ethernet.decodeDhcpv4(withOptions('3501010c0161ff'))!
    assert.deepEqual([...ethernet.findDhcpv4Option(decoded, 53)!], [1])
    assert.equal(ethernet.findDhcpv4Option(decoded, 54), null)
  })
})

describe('DHCPv4 options', () => {
  const address = fixed(4)
  const label = fc.stringMatching(/^[a-z0-9]{1,20}$/)
  const name = fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.'))
  const route = fc.tuple(fc.nat(32), address, address).map(([prefixLength, bytes, router]) => {
    const destination = bytes.map(
      (byte, i) => byte & ((0xff00 >>> Math.min(8, Math.max(0, prefixLength - 8 * i))) & 0xff),
    )
    return { prefixLength, destination, router }
  })
  const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { minLength: 1, maxLength: 4 })
  const values = fc.record(
    {
      subnetMask: address,
      routers: list(address),
      dnsServers: list(address),
      hostName: label,
      domainName: name,
      interfaceMtu: fc.nat(0xffff),
      broadcastAddress: address,
      ntpServers: list(address),
      requestedAddress: address,
      leaseSeconds: fc.nat(0xffffffff),
      messageType: fc.nat(255),
      serverId: address,
      parameterList: fc.uint8Array({ minLength: 1, maxLength: 20 }),
      message: fc.stringMatching(/^[a-z ]{1,40}$/),
      maxMessageBytes: fc.nat(0xffff),
      renewalSeconds: fc.nat(0xffffffff),
      rebindingSeconds: fc.nat(0xffffffff),
      clientId: fc.uint8Array({ minLength: 2, maxLength: 20 }),
      clientFqdn: fc.record({
        serverUpdates: fc.boolean(),
        overridden: fc.boolean(),
        noUpdate: fc.boolean(),
        wireForm: fc.boolean(),
        name: fc.oneof(label, name, fc.constant('')),
      }),
      searchList: list(name),
      classlessRoutes: list(route),
    },
    { requiredKeys: [] },
  )

  test('all values come back', () => {
    fc.assert(
      fc.property(values, (value) => {
        const options = ethernet.encodeDhcpv4Options(value)
        assert.deepEqual(plain(ethernet.decodeDhcpv4Options(options)), plain({ ...value }))
      }),
    )
  })

  test('an option that its RFC does not allow counts as absent and costs no other', () => {
    const bad: [number, string][] = [
      [1, '0a0000'],
      [3, ''],
      [3, '0a00000102'],
      [12, '00'],
      [12, '6107'],
      [26, '05'],
      [51, '0102'],
      [53, ''],
      [55, ''],
      [61, '01'],
      [81, '0000'],
      [81, '04ffff0561'],
      [119, '0361'],
      [119, 'c000'],
      [121, '210a0000010a000001'],
      [121, '180a0000'],
    ]
    for (const [code, hex] of bad) {
      const options = [
        { code, data: hexToBytes(hex) },
        { code: 15, data: hexToBytes('6c616e') },
      ]
      assert.deepEqual(ethernet.decodeDhcpv4Options(options), { domainName: 'lan' }, `option ${code} ${hex}`)
    }
  })

  test('zeros at the end of a text are not part of it', () => {
    const options = [{ code: 12, data: hexToBytes('7063310000') }]
    assert.deepEqual(ethernet.decodeDhcpv4Options(options), { hostName: 'pc1' })
  })

  test('what cannot be written is left out', () => {
    const values = { hostName: 'käse', routers: [], searchList: ['a..b'], messageType: 5 }
    assert.deepEqual(plain(ethernet.encodeDhcpv4Options(values)), [{ code: 53, data: '05' }])
  })

  test('bits of a route behind its prefix are cleared', () => {
    const data = hexToBytes('0dffff0a000001')
    const { classlessRoutes } = ethernet.decodeDhcpv4Options([{ code: 121, data }])
    assert.deepEqual([...classlessRoutes![0]!.destination], [0xff, 0xf8, 0, 0])
  })
})
