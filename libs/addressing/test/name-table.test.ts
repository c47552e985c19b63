import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { defaultDomain, formatIp, hostLabel, type NamedHost, NameTable } from '../src/index.ts'
import { address, hexToBytes } from './station-scene.ts'

function host(hostname: string, station: string, sinceMs: number, text: string): NamedHost {
  return { hostname, station, sinceMs, address: address(text) }
}

function tableOf(...hosts: NamedHost[]): NameTable {
  const table = new NameTable()
  for (const one of hosts) table.set(one)
  return table
}

const addressesOf = (table: NameTable, name: string) =>
  [...table.find(name)].map(({ address: bytes }) => formatIp(bytes))

describe('labels of hosts', () => {
  test('are letters, digits and hyphens, whatever the host calls itself', () => {
    const cases: Readonly<Record<string, string>> = {
      laptop: 'laptop',
      'DESKTOP-42A': 'desktop-42a',
      'laptop.home.lan': 'laptop',
      "John's iPhone": 'johns-iphone',
      'Jürgens Gerät': 'jurgens-gerat',
      '--a__b--': 'a-b',
      'xn--caf-dma': 'xn-caf-dma',
      '.hidden': '',
      日本: '',
      '': '',
      'a\0b': 'a-b',
    }
    for (const [hostname, label] of Object.entries(cases)) assert.equal(hostLabel(hostname), label, hostname)
  })

  test('of any text are empty or a label that says the same again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        const label = hostLabel(text)
        assert.match(label, /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$/)
        assert.doesNotMatch(label, /--/)
        assert.equal(hostLabel(label), label)
      }),
    )
    assert.equal(hostLabel('a'.repeat(1_000_000)).length, 63)
  })

  test('of VLANs make their domain, by their id where nothing else is left', () => {
    const id = hexToBytes('0a0b0c0d0e0f00112233445566778899')
    assert.equal(defaultDomain('Living Room', id), 'living-room.waku.internal')
    assert.equal(defaultDomain('v1.2', id), 'v1-2.waku.internal')
    assert.equal(defaultDomain('家', id), 'vlan-0a0b0c0d.waku.internal')
  })
})

describe('names of hosts', () => {
  test('stand for all addresses of a station, in any case, and each address for the name', () => {
    const table = tableOf(
      host('Laptop', 'aa', 5, '10.0.0.5'),
      host('laptop', 'aa', 9, 'fd00::5'),
      host('', 'bb', 1, '10.0.0.6'),
    )
    assert.deepEqual(addressesOf(table, 'LAPTOP'), ['10.0.0.5', 'fd00::5'])
    assert.equal(table.nameOf(address('fd00::5')), 'laptop')
    assert.equal(table.nameOf(address('10.0.0.6')), null, 'nameless')
    assert.deepEqual(addressesOf(table, 'nobody'), [])
    assert.equal(table.size, 2)
  })

  test('that two stations want go to the earlier one; the later one has a suffix of its own', () => {
    const table = tableOf(host('pc', 'late', 20, '10.0.0.2'), host('pc', 'early', 10, '10.0.0.1'))
    assert.deepEqual(addressesOf(table, 'pc'), ['10.0.0.1'])
    const name = table.nameOf(address('10.0.0.2'))!
    assert.match(name, /^pc-[0-9a-f]{4}$/)
    assert.deepEqual(addressesOf(table, name), ['10.0.0.2'])
  })

  test('of the later ones do not change when another of them leaves', () => {
    const third = host('pc', 'c', 30, '10.0.0.3')
    const all = tableOf(host('pc', 'a', 10, '10.0.0.1'), host('pc', 'b', 20, '10.0.0.2'), third)
    const fewer = tableOf(host('pc', 'a', 10, '10.0.0.1'), third)
    assert.equal(all.nameOf(third.address), fewer.nameOf(third.address))
  })

  test('of equal age go to the lower MAC address', () => {
    const table = tableOf(
      host('pc', '02:00:00:00:00:02', 10, '10.0.0.2'),
      host('pc', '02:00:00:00:00:01', 10, '10.0.0.1'),
    )
    assert.equal(table.nameOf(address('10.0.0.1')), 'pc')
  })

  test('are the same whatever the order in which the leases were heard', () => {
    const arbitrary = fc.record({
      hostname: fc.constantFrom('pc', 'PC', 'tv', 'switch', 'pc-1', ''),
      station: fc.constantFrom('a', 'b', 'c', 'd'),
      sinceMs: fc.nat(3),
      address: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    })
    fc.assert(
      fc.property(
        fc.uniqueArray(arbitrary, { maxLength: 8, selector: (one) => one.address.join() }),
        fc.array(fc.nat()),
        (hosts, order) => {
          const shuffled = [...hosts]
            .map((one, i) => ({ one, key: order[i] ?? 0 }))
            .sort((a, b) => a.key - b.key)
            .map(({ one }) => one)
          const [first, second] = [tableOf(...hosts), tableOf(...shuffled)]
          for (const { address: bytes } of hosts) assert.equal(first.nameOf(bytes), second.nameOf(bytes))
        },
      ),
    )
  })

  test('never are the name of the switch’s own station', () => {
    const table = tableOf(host('switch', 'a', 1, '10.0.0.1'))
    assert.deepEqual(addressesOf(table, 'switch'), [])
    assert.match(table.nameOf(address('10.0.0.1'))!, /^switch-[0-9a-f]{4}$/)
  })

  test('with a suffix that somebody took on purpose have a longer one', () => {
    const suffixed = tableOf(host('pc', 'a', 1, '10.0.0.1'), host('pc', 'b', 2, '10.0.0.2')).nameOf(
      address('10.0.0.2'),
    )!
    const table = tableOf(
      host('pc', 'a', 1, '10.0.0.1'),
      host('pc', 'b', 3, '10.0.0.2'),
      host(suffixed, 'c', 2, '10.0.0.3'),
    )
    assert.equal(table.nameOf(address('10.0.0.3')), suffixed)
    assert.match(table.nameOf(address('10.0.0.2'))!, /^pc-[0-9a-f]{8}$/)
  })

  test('of the later ones stay theirs when the first one leaves, and the next one has the bare name', () => {
    const [first, second, third] = [1, 2, 3].map((n) => host('pc', `s${n}`, n, `10.0.0.${n}`))
    const table = tableOf(third!, first!, second!)
    const before = table.nameOf(third!.address)
    table.delete(first!.address)
    assert.equal(table.nameOf(first!.address), null)
    assert.equal(table.nameOf(second!.address), 'pc')
    assert.equal(table.nameOf(third!.address), before)
  })

  test('follow an address to another station, and end with it', () => {
    const table = tableOf(host('pc', 'a', 1, '10.0.0.1'))
    table.set(host('tv', 'b', 2, '10.0.0.1'))
    assert.deepEqual(addressesOf(table, 'pc'), [])
    assert.equal(table.nameOf(address('10.0.0.1')), 'tv')
    table.set(host('', 'b', 2, '10.0.0.1'))
    assert.equal(table.nameOf(address('10.0.0.1')), null)
    assert.equal(table.size, 0)
  })

  test('are bounded: addresses of one name, and addresses of one VLAN', () => {
    const many = Array.from({ length: 40 }, (_, i) => host('pc', 'a', 1, `10.0.0.${i}`))
    assert.equal(addressesOf(tableOf(...many), 'pc').length, 16)
    const table = new NameTable()
    const flooded = (i: number) => Uint8Array.of(10, i >>> 16, i >>> 8, i)
    for (let i = 0; i < 66_000; i++) {
      table.set({ hostname: `h${i % 5_000}`, station: `s${i % 5_000}`, sinceMs: 1, address: flooded(i) })
    }
    assert.equal(table.size, 65_536)
    for (let i = 0; i < 66_000; i++) table.delete(flooded(i))
    assert.equal(table.size, 0)
  })

  test('change with the leases as if all of them were heard anew', () => {
    const labels = ['pc', 'tv', 'switch', `pc-${suffixOf('a')}`, '']
    const lease = fc.record({
      hostname: fc.constantFrom(...labels),
      station: fc.constantFrom('a', 'b', 'c', 'd'),
      sinceMs: fc.nat(3),
      address: fc.nat(5).map((n) => Uint8Array.of(10, 0, 0, n)),
      isGone: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(lease, { maxLength: 30 }), (changes) => {
        const table = new NameTable()
        const now = new Map<string, NamedHost>()
        for (const { isGone, ...change } of changes) {
          if (isGone) table.delete(change.address)
          else table.set(change)
          if (isGone) now.delete(change.address.join())
          else now.set(change.address.join(), change)
        }
        const anew = tableOf(...now.values())
        const names = new Map<string, string>()
        for (const { address: bytes, station } of now.values()) {
          const name = table.nameOf(bytes)
          assert.equal(name, anew.nameOf(bytes))
          if (name === null) continue
          assert.ok(addressesOf(table, name).includes(formatIp(bytes)), 'leads back')
          assert.equal(names.get(name) ?? station, station, 'one station only')
          names.set(name, station)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

/** What the later of two stations has behind its label. */
function suffixOf(station: string): string {
  const table = tableOf(host('x', 'first', 1, '10.0.0.1'), host('x', station, 2, '10.0.0.2'))
  return table.nameOf(address('10.0.0.2'))!.slice(2)
}
