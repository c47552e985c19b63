import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { VlanId } from '@wakunet/interface'
import fc from 'fast-check'
import { distinctInterfaceNameFor, formatVlanRef, interfaceNameFor, vlanNameFault } from '../src/index.ts'

const ID = '0123456789abcdef0123456789abcdef' as VlanId

describe('the name of a VLAN', () => {
  test('may be what people write', () => {
    for (const name of [
      'a',
      'office',
      'LAN party #3',
      'Küche, 2. Stock',
      '東京',
      'Ωmega',
      '☕ & 🍰',
      'x'.repeat(63),
    ]) {
      assert.equal(vlanNameFault(name), null, name)
    }
  })

  test('is refused with the reason', () => {
    for (const [name, reason] of [
      ['', /empty/],
      ['x'.repeat(64), /at most 63 characters, not 64/],
      ['🍰'.repeat(32), /at most 63/],
      [' office', /begin or end with a space/],
      ['office\t', /begin or end with a space/],
      ['of\nfice', /U\+000A/],
      ['of\u0000fice', /U\+0000/],
      ['of\u007ffice', /U\+007F/],
      ['of\u202efice', /U\+202E/],
      ['of\u2066fice', /U\+2066/],
      ['of\u200bfice', /U\+200B/],
      ['of\u200dfice', /U\+200D/],
      ['of\u00adfice', /U\+00AD/],
      ['of\u00a0fice', /U\+00A0/],
      ['of\u3000fice', /U\+3000/],
      ['of\u3164fice', /U\+3164/],
      ['of\u2028fice', /U\+2028/],
      ['of\ue000fice', /U\+E000/],
      ['of\ud800fice', /U\+D800/],
      ['of\u{e0041}fice', /U\+E0041/],
      ['Ku\u0308che', /normal form C/],
      [ID, /look like a VLAN id/],
      [formatVlanRef(ID).toUpperCase(), /look like a VLAN id/],
    ] as const) {
      assert.match(vlanNameFault(name) ?? 'no fault', reason, JSON.stringify(name))
    }
  })
})

describe('the name of an interface', () => {
  test('is made of the letters and digits of the name', () => {
    for (const [name, expected] of [
      ['office', 'wk-office'],
      ['Küche, 2. Stock', 'wk-kuche-2-stoc'],
      ['  a  b  ', 'wk-a-b'],
      ['--x--', 'wk-x'],
      ['eleven char twelve', 'wk-eleven-char'],
      ['ＦＵＬＬ', 'wk-full'],
      ['東京', 'wk-01234567'],
      ['', 'wk-01234567'],
    ] as const) {
      assert.equal(interfaceNameFor(name, ID), expected, name)
    }
  })

  test('has another form with digits of the id, for where the first is taken', () => {
    assert.equal(distinctInterfaceNameFor('office', ID), 'wk-office-0123')
    assert.equal(distinctInterfaceNameFor('printing', ID), 'wk-printin-0123')
    assert.equal(distinctInterfaceNameFor('東京', ID), 'wk-0123456789ab')
  })

  test('is one that Linux takes, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        for (const make of [interfaceNameFor, distinctInterfaceNameFor]) {
          assert.match(make(name, ID), /^wk-[a-z0-9](-?[a-z0-9])*$/)
          assert.ok(make(name, ID).length <= 15)
        }
      }),
    )
  })
})
