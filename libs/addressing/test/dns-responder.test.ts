import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  DNS_TYPE,
  type DnsMessage,
  type DnsRecord,
  decodeDnsMessage,
  decodeEdns,
  encodeDnsMessage,
  encodeEdns,
  readDnsName,
} from '@wakunet/ethernet'
import { checkProperty } from '@wakunet/testing'
import fc from 'fast-check'
import { formatIp, type NamedHost } from '../src/index.ts'
import {
  address,
  CLIENT_MAC,
  changed,
  clientFrame,
  hex,
  LAPTOP,
  PLAN,
  StationScene,
} from './station-scene.ts'

const { a: A, aaaa: AAAA, ptr: PTR, soa: SOA, ns: NS, any: ANY, axfr: AXFR, ixfr: IXFR } = DNS_TYPE
const [NOERROR, FORMERR, NXDOMAIN, NOTIMP, REFUSED] = [0, 1, 3, 4, 5]
const QUERY: DnsMessage = {
  id: 0x1234,
  flags: 0x0100,
  questions: [{ name: 'laptop.home.waku.internal', type: A, class: 1 }],
  answers: [],
  authorities: [],
  additionals: [],
}

interface Reply {
  readonly message: DnsMessage
  readonly code: number
  readonly isAuthoritative: boolean
  readonly isTruncated: boolean
  readonly bytes: number
  /** Answers as text, addresses and names. */
  readonly values: readonly string[]
}

function read(payload: Uint8Array): Reply {
  const message = decodeDnsMessage(payload)
  assert.ok(message !== null)
  const edns = message.additionals.map((record) => decodeEdns(record))[0]
  return {
    message,
    code: ((edns?.extendedCode ?? 0) << 4) | (message.flags & 15),
    isAuthoritative: (message.flags & 0x0400) !== 0,
    isTruncated: (message.flags & 0x0200) !== 0,
    bytes: payload.length,
    values: message.answers.map(textOf),
  }
}

function textOf({ type, data }: DnsRecord): string {
  return type === A || type === AAAA ? formatIp(data) : readDnsName(data, 0)!.name
}

/** One query to a station of `PLAN`, or to the scene that is given. */
function ask(query: Partial<DnsMessage> | Uint8Array, scene = new StationScene()): Reply | null {
  const payload = query instanceof Uint8Array ? query : encodeDnsMessage({ ...QUERY, ...query })!
  const answers = scene.ask(scene.datagram(scene.station.addresses.address4, 53, payload))
  if (answers.length === 0) return null
  const frame = answers[0]!
  return read(frame.slice(42))
}

function resolve(name: string, type: number = A, scene = new StationScene()): Reply {
  return ask({ questions: [{ name, type, class: 1 }] }, scene)!
}

describe('DNS against real clients', () => {
  test('dig has its answer in the case that it asked in, from where it asked', () => {
    const scene = new StationScene()
    const { ip4, ports, ethernet, payload } = scene.askOne(clientFrame('dnsA'))
    assert.equal(formatIp(ip4!.source), '10.77.16.1')
    assert.equal(formatIp(ip4!.destination), '10.77.16.5')
    assert.deepEqual(ports, [53, 0xa464])
    assert.equal(hex(ethernet.destination), hex(CLIENT_MAC))
    const { message, code, isAuthoritative, values } = read(payload)
    assert.deepEqual([message.id, code, isAuthoritative], [0x2f0f, NOERROR, true])
    assert.equal(message.flags & 0x0180, 0x0100, 'recursion was desired, and is not available')
    assert.equal(message.answers[0]?.name, 'Laptop.home.waku.internal')
    assert.deepEqual(values, ['10.77.16.9'])
    assert.deepEqual(decodeEdns(message.additionals[0]!)?.udpBytes, 1_232)
  })

  test('dig over IPv6 and without EDNS gets no EDNS back', () => {
    const { ip6, payload } = new StationScene().askOne(clientFrame('dnsAaaa'))
    assert.equal(formatIp(ip6!.source), 'fd12:3456:789a:1::53')
    const { message, values } = read(payload)
    assert.deepEqual(values, ['fd12:3456:789a:1::9'])
    assert.deepEqual(message.additionals, [])
  })

  test('dig -x has the name', () => {
    const { payload } = new StationScene().askOne(clientFrame('dnsPtr'))
    assert.deepEqual(read(payload).values, ['laptop.home.waku.internal'])
  })
})

describe('names of the VLAN', () => {
  test('are answered in its own domain and in that of its record; addresses are shown with the latter', () => {
    const scene = new StationScene({ plan: { ...PLAN, domain: 'House.Example.' } })
    assert.deepEqual(scene.station.domains, ['house.example', 'home.waku.internal'])
    assert.deepEqual(resolve('laptop.house.example', A, scene).values, ['10.77.16.9'])
    assert.deepEqual(resolve('laptop.home.waku.internal', A, scene).values, ['10.77.16.9'])
    assert.deepEqual(resolve('9.16.77.10.in-addr.arpa', PTR, scene).values, ['laptop.house.example'])
  })

  test('have the addresses that are asked for, and all of them for ANY', () => {
    assert.deepEqual(resolve('laptop.home.waku.internal', AAAA).values, ['fd12:3456:789a:1::9'])
    assert.deepEqual(resolve('laptop.home.waku.internal', ANY).values, ['10.77.16.9', 'fd12:3456:789a:1::9'])
    assert.deepEqual(resolve('switch.home.waku.internal', ANY).values, ['10.77.16.1', 'fd12:3456:789a:1::53'])
  })

  test('without a record of the type exist all the same, and say for how long there is nothing', () => {
    const { code, message, values } = resolve('laptop.home.waku.internal', PTR)
    assert.equal(code, NOERROR)
    assert.deepEqual(values, [])
    assertSoa(message, 'home.waku.internal')
  })

  test('of nobody do not exist, nor do names below one', () => {
    for (const name of [
      'nobody.home.waku.internal',
      'a.laptop.home.waku.internal',
      'x\\.laptop.home.waku.internal',
    ]) {
      const { code, isAuthoritative, message } = resolve(name)
      assert.deepEqual([code, isAuthoritative], [NXDOMAIN, true], name)
      assertSoa(message, 'home.waku.internal')
    }
  })

  test('have a zone with the station as its name server', () => {
    assert.deepEqual(resolve('home.waku.internal', NS).values, ['switch.home.waku.internal'])
    assert.deepEqual(resolve('home.waku.internal', SOA).values, ['switch.home.waku.internal'])
    assert.equal(resolve('home.waku.internal', A).code, NOERROR)
  })

  test('of others are refused, so that a resolver asks its next server', () => {
    const others = [
      'example.org',
      'waku.internal',
      'internal',
      '',
      'laptop',
      'xhome.waku.internal',
      'laptop\\.home.waku.internal',
    ]
    for (const name of others) {
      const { code, isAuthoritative, message } = resolve(name)
      assert.deepEqual([code, isAuthoritative], [REFUSED, false], name)
      assert.equal(message.answers.length + message.authorities.length, 0)
    }
  })
})

describe('reverse names', () => {
  const reverse6 = (text: string) => `${[...hex(address(text))].reverse().join('.')}.ip6.arpa`

  test('of both subnets are answered, the station’s too', () => {
    assert.deepEqual(resolve('9.16.77.10.in-addr.arpa', PTR).values, ['laptop.home.waku.internal'])
    assert.deepEqual(resolve(reverse6('fd12:3456:789a:1::9').toUpperCase(), PTR).values, [
      'laptop.home.waku.internal',
    ])
    assert.deepEqual(resolve('1.16.77.10.in-addr.arpa', PTR).values, ['switch.home.waku.internal'])
  })

  test('of addresses that nobody has do not exist; of other networks they are refused', () => {
    const nobody = resolve('7.17.77.10.in-addr.arpa', PTR)
    assert.equal(nobody.code, NXDOMAIN)
    assertSoa(nobody.message, '17.77.10.in-addr.arpa')
    const nobody6 = resolve(reverse6('fd12:3456:789a:1::7'), PTR)
    assert.equal(nobody6.code, NXDOMAIN)
    assertSoa(nobody6.message, reverse6('fd12:3456:789a:1::').split('.').slice(16).join('.'))
    for (const name of [
      '9.15.77.10.in-addr.arpa',
      '8.8.8.8.in-addr.arpa',
      reverse6('2001:db8::1'),
      'in-addr.arpa',
      '77.10.in-addr.arpa',
      '300.16.77.10.in-addr.arpa',
      'x.ip6.arpa',
    ])
      assert.equal(resolve(name, PTR).code, REFUSED, name)
  })

  test('between the zone and the addresses exist, for resolvers that ask label by label', () => {
    assert.equal(resolve('16.77.10.in-addr.arpa', NS).code, NOERROR)
    assert.equal(resolve(reverse6('fd12:3456:789a:1::9').split('.').slice(5).join('.'), PTR).code, NOERROR)
    assert.equal(resolve('9.16.77.10.in-addr.arpa', A).code, NOERROR, 'has no address')
  })

  test('of a subnet that is smaller than a label are answered for its own addresses alone', () => {
    const scene = new StationScene({ plan: { ...PLAN, subnet4: '10.77.16.0/28' } })
    assert.deepEqual(resolve('9.16.77.10.in-addr.arpa', PTR, scene).values, ['laptop.home.waku.internal'])
    assert.equal(resolve('8.16.77.10.in-addr.arpa', PTR, scene).code, NXDOMAIN)
    assert.equal(resolve('16.16.77.10.in-addr.arpa', PTR, scene).code, REFUSED)
  })
})

describe('queries that are none', () => {
  test('are answered with what is wrong with them', () => {
    const [question] = QUERY.questions
    const opt = (version: number) =>
      encodeEdns({ udpBytes: 4_096, extendedCode: 0, version, dnssecOk: true, options: new Uint8Array(0) })
    const cases: readonly [what: string, query: Partial<DnsMessage>, code: number][] = [
      ['no question', { questions: [] }, FORMERR!],
      ['two questions', { questions: [question!, question!] }, FORMERR!],
      ['two EDNS records', { additionals: [opt(0), opt(0)] }, FORMERR!],
      ['EDNS with a name', { additionals: [{ ...opt(0), name: 'a' }] }, FORMERR!],
      ['EDNS among the answers', { answers: [opt(0)] }, FORMERR!],
      ['EDNS of a later version', { additionals: [opt(1)] }, 16],
      ['another operation', { flags: 0x2800 }, NOTIMP!],
      ['another class', { questions: [{ ...question!, class: 3 }] }, REFUSED!],
      ['a zone transfer', { questions: [{ ...question!, type: AXFR }] }, REFUSED!],
      ['a zone transfer of changes', { questions: [{ ...question!, type: IXFR }] }, REFUSED!],
    ]
    for (const [what, query, code] of cases) {
      const reply = ask(query)!
      assert.equal(reply.code, code, what)
      assert.equal(reply.message.id, QUERY.id, what)
      assert.equal(reply.values.length, 0, what)
    }
  })

  test('cut anywhere get a header that says so, and less than a header nothing', () => {
    const whole = encodeDnsMessage(QUERY)!
    for (let length = 0; length < whole.length; length++) {
      const reply = ask(whole.slice(0, length))
      if (length < 12) assert.equal(reply, null)
      else assert.deepEqual([reply?.code, reply?.bytes], [FORMERR, 12])
    }
  })

  test('with a pointer that leads nowhere are malformed', () => {
    const looped = Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1)
    assert.equal(ask(looped)?.code, FORMERR)
  })

  test('but answers are not answered: two servers would do so for ever', () => {
    assert.equal(ask({ flags: 0x8180 }), null)
  })

  test('of any bytes are answered in the format, never with more than the limit, or not at all', async () => {
    const edit = fc.tuple(fc.nat(), fc.nat(255))
    const names = fc.constantFrom(
      'laptop.home.waku.internal',
      'home.waku.internal',
      '9.16.77.10.in-addr.arpa',
      'x.y',
    )
    const query = fc
      .tuple(names, fc.nat(260), fc.array(edit, { maxLength: 3 }))
      .map(([name, type, edits]) => {
        const bytes = encodeDnsMessage({ ...QUERY, questions: [{ name, type, class: 1 }] })!
        return edits.reduce((old, [at, value]) => changed(old, at % old.length, value), bytes)
      })
    const payload = fc.oneof(query, fc.uint8Array({ maxLength: 80 }))
    const scene = new StationScene()
    await checkProperty(
      fc.property(payload, (bytes) => {
        scene.nowMs += 1_000
        const reply = ask(bytes, scene)
        assert.ok(reply === null || reply.bytes <= 1_232)
      }),
      { runs: 3_000 },
    )
  })
})

describe('answers are not worth asking for in the name of another', () => {
  test('who is not of the VLAN gets none', () => {
    const scene = new StationScene()
    const payload = encodeDnsMessage(QUERY)!
    const { address4, address6, linkLocal } = scene.station.addresses
    const cases: readonly [source: string, destination: Uint8Array, answers: number][] = [
      ['10.77.31.254', address4, 1],
      ['10.77.32.1', address4, 0],
      ['8.8.8.8', address4, 0],
      ['0.0.0.0', address4, 0],
      ['fd12:3456:789a:1::7', address6, 1],
      ['fe80::7', linkLocal, 1],
      ['fd12:3456:789a:2::7', address6, 0],
      ['2001:db8::7', address6, 0],
      ['::', address6, 0],
    ]
    for (const [source, destination, answers] of cases) {
      const frame = scene.datagram(destination, 53, payload, address(source))
      assert.equal(scene.ask(frame).length, answers, source)
    }
    assert.equal(scene.station.drops['foreign-source'], 6)
  })

  test('one sender gets 400 at once and 200 a second, and another still gets some', () => {
    const scene = new StationScene()
    const frame = clientFrame('dnsA')
    for (let i = 0; i < 2_000; i++) scene.ask(frame)
    assert.equal(scene.station.stats.dns, 400)
    assert.equal(scene.ask(changed(frame, 6, 0x02)).length, 1)
    scene.nowMs += 1_000
    for (let i = 0; i < 2_000; i++) scene.ask(frame)
    assert.equal(scene.station.stats.dns, 601)
  })

  test('what does not fit the client says so, and has none of it', () => {
    const label = 'a'.repeat(63)
    const hosts: NamedHost[] = Array.from({ length: 16 }, (_, i) => ({
      ...LAPTOP[0]!,
      hostname: label,
      address: address(`fd12:3456:789a:1::${i + 1}`),
    }))
    const domain = `${`${'d'.repeat(40)}.`.repeat(3)}example`
    const scene = new StationScene({ hosts, plan: { ...PLAN, domain } })
    const questions = [{ name: `${label}.${domain}`, type: AAAA, class: 1 }]
    const truncated = ask({ questions }, scene)!
    assert.deepEqual([truncated.isTruncated, truncated.values.length], [true, 0])
    const edns = encodeEdns({
      udpBytes: 1_232,
      extendedCode: 0,
      version: 0,
      dnssecOk: false,
      options: new Uint8Array(0),
    })
    const whole = ask({ questions, additionals: [edns] }, scene)!
    assert.deepEqual([whole.isTruncated, whole.values.length], [false, 16])
    assert.ok(whole.bytes > 512)
    const small = ask({ questions, additionals: [{ ...edns, class: 0 }] }, scene)!
    assert.equal(small.isTruncated, true, 'less than 512 counts as 512')
  })
})

function assertSoa(message: DnsMessage, apex: string): void {
  const [soa, ...more] = message.authorities
  assert.deepEqual([soa?.type, soa?.name, soa?.ttlSeconds, more.length], [SOA, apex, 10, 0])
}
