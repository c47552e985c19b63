import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type VlanId, WakunetError } from '@wakunet/interface'
import fc from 'fast-check'
import { formatVlanLink, looksLikeVlanLink, parseVlanLink, type VlanLink } from '../src/index.ts'

const PEER_ID = `12D3KooW${'A'.repeat(44)}`
const link: VlanLink = {
  id: '6c31041268f471609c79f5f2dbcc38e4' as VlanId,
  name: 'Café Ümlaut',
  peers: [{ peerId: PEER_ID, addresses: ['/ip4/192.0.2.7/tcp/4740', '/dns4/a.example/tcp/443/wss'] }],
}

function refused(text: string, message: RegExp): void {
  assert.throws(
    () => parseVlanLink(text),
    (error) => {
      assert.ok(error instanceof WakunetError, String(error))
      assert.equal(error.code, 'ERR_VLAN_LINK_INVALID')
      assert.match(error.message, message)
      return true
    },
  )
}

describe('a link', () => {
  test('says what went into it, in either case and with space around it', () => {
    const secret = Uint8Array.from({ length: 32 }, (_, i) => i)
    for (const one of [link, { ...link, peers: [] }, { ...link, secret }]) {
      const text = formatVlanLink(one)
      assert.match(text, /^wakunet:\/\/vlan\/[a-z2-7]+$/)
      assert.ok(looksLikeVlanLink(text))
      for (const written of [text, text.toUpperCase(), ` ${text}\n`]) {
        const { secret: read, ...rest } = parseVlanLink(written)
        const { secret: wanted, ...expected } = one as VlanLink
        assert.deepEqual(rest, expected)
        assert.deepEqual(read && Uint8Array.from(read), wanted)
      }
    }
  })

  test('with any character wrong, missing or one too many is refused', () => {
    const text = formatVlanLink(link)
    for (let at = 15; at < text.length; at++) {
      const other = text[at] === 'a' ? 'b' : 'a'
      refused(text.slice(0, at) + other + text.slice(at + 1), /typing error/)
      refused(text.slice(0, at) + text.slice(at + 1), /typing error/)
    }
    refused(`${text}aa`, /typing error/)
    refused('wakunet://vlan/', /cut off/)
    refused('https://vlan.example/', /must begin with wakunet/)
    refused(text + 'a'.repeat(5_000), /characters/)
  })

  test('that says what no link may is refused, although its checksum is right', () => {
    refused(formatVlanLink({ ...link, name: 'a\u202eb' }), /name must not have the invisible/)
    const peers = [{ peerId: PEER_ID, addresses: ['/unix/run/docker.sock'] }]
    refused(formatVlanLink({ ...link, peers }), /peers\.0\.addresses\.0 must be a multiaddr/)
    const many = Array.from({ length: 9 }, (_, i) => ({
      peerId: `12D3KooW${'A'.repeat(43)}${i + 1}`,
      addresses: [],
    }))
    refused(formatVlanLink({ ...link, peers: many }), /peers/)
    refused(formatVlanLink({ ...link, secret: new Uint8Array(15) }), /secret/)
  })

  test('of any text is read or refused in one way', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (text) => {
        refused(`wakunet://vlan/${text}`, /./)
      }),
    )
  })
})
