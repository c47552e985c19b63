import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fold, skeletonOf } from '../src/index.ts'
import { searchListings } from '../src/search.ts'
import { NOW, published, sourceOf, storeWith, withdrawn } from './support.ts'

const NAMES: readonly (readonly [string, string])[] = [
  ['Café du Nord', 'Kaffee und Kuchen'],
  ['nord', ''],
  ['Nordlicht', 'a club of photographers'],
  ['Chess club', 'weekly games, also café style'],
  ['Schach Straße', ''],
  ['Москва', 'клуб'],
  ['東京タワー', ''],
  ['🎉', ''],
]

function storeOfNames() {
  const store = storeWith()
  for (const [i, [name, description]] of NAMES.entries())
    store.offer(published(i, { name, description }), sourceOf('a'), NOW)
  return store
}

const search = (query: string, limit = 64): (string | undefined)[] =>
  searchListings(storeOfNames().all(), query, limit).map(({ vlan }) => vlan?.name)

describe('search', () => {
  test('ranks the name before its beginning, that before words, and names before descriptions', () => {
    assert.deepEqual(search('nord'), ['nord', 'Nordlicht', 'Café du Nord'])
    assert.deepEqual(search('club'), ['Chess club', 'Nordlicht'])
    assert.deepEqual(search('cafe'), ['Café du Nord', 'Chess club'])
  })

  test('needs every word, somewhere', () => {
    assert.deepEqual(search('cafe nord'), ['Café du Nord'])
    assert.deepEqual(search('club photographers'), ['Nordlicht'])
    assert.deepEqual(search('club photographers spain'), [])
  })

  test('looks past case, marks, width and scripts', () => {
    assert.deepEqual(search('CAFÉ'), search('cafe'))
    assert.deepEqual(search('strasse'), ['Schach Straße'])
    assert.deepEqual(search('ｎｏｒｄ')[0], 'nord')
    assert.deepEqual(search('москва'), ['Москва'])
    assert.deepEqual(search('タワー'), ['東京タワー'])
    assert.deepEqual(search('🎉'), ['🎉'])
  })

  test('of nothing finds all, by name, within its limit; a withdrawn VLAN is not found', () => {
    assert.equal(search('').length, NAMES.length)
    assert.equal(search('', 3).length, 3)
    const store = storeOfNames()
    store.offer(withdrawn(1, 1), sourceOf('a'), NOW)
    assert.deepEqual(
      searchListings(store.all(), 'nord', 9).map(({ vlan }) => vlan?.name),
      ['Nordlicht', 'Café du Nord'],
    )
  })

  test('of any length is quick: words beyond the eighth do not count', () => {
    assert.deepEqual(search(`${'nord '.repeat(20)}x`), search('nord '.repeat(8)))
  })
})

describe('names that may be taken for each other', () => {
  test('have one skeleton', () => {
    for (const [one, other] of [
      ['office', 'оffice'],
      ['paypal', 'раураl'],
      ['Office', 'OFFICE'],
      ['office', 'off1ce'],
      ['office 2', 'office-2'],
      ['modern', 'modem'],
      ['cafe', 'café'],
      ['Ωmega', 'ωmega'],
    ] as const)
      assert.equal(skeletonOf(one), skeletonOf(other), `${one} ${other}`)
  })

  test('and others do not', () => {
    for (const [one, other] of [
      ['office', 'offices'],
      ['lab', 'lib'],
      ['club 2', 'club 3'],
    ] as const)
      assert.notEqual(skeletonOf(one), skeletonOf(other))
    assert.equal(fold('Große Straße'), 'grosse strasse')
  })
})
