import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WakunetError } from '@wakunet/interface'
import {
  createVlanKey,
  decodeVlanRecord,
  decodeVlanWithdrawal,
  isVlanWithdrawal,
  MAX_PUBLICATION_MS,
  signVlanRecord,
  signVlanWithdrawal,
  type VlanRecordFields,
} from '../src/index.ts'
import { type CborValue, cbor, forge, nodePublicKey, nodeSign } from './support.ts'

const NOW = 1_800_000_000_000
const privateKey = new Uint8Array(32).fill(3)
const { publicKey } = createVlanKey(privateKey)
const PEER_ID = `12D3KooW${'A'.repeat(44)}`
const fields: VlanRecordFields = {
  name: 'club',
  description: '',
  policy: 'open',
  subnet4: '10.9.0.0/24',
  subnet6: 'fd00:1:2:3::/64',
  mtu: 1400,
  sequence: 2,
  issuedAtMs: NOW - 1,
}
const icon = Uint8Array.from(
  Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>'),
)

const invalid = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof WakunetError, String(error))
  assert.equal(error.code, 'ERR_VLAN_RECORD_INVALID')
  assert.match(error.message, message)
  return true
}

describe('a VLAN record of version 3', () => {
  test('carries an icon, gateways and the end of its publication', () => {
    const presented = {
      ...fields,
      icon,
      gateways: [
        { peerId: PEER_ID, addresses: ['/dns/gw.example/tcp/4740', '/ip6/fd00::1/udp/4740/quic-v1'] },
      ],
      publishedUntilMs: NOW + MAX_PUBLICATION_MS - 1,
    }
    const signed = signVlanRecord(presented, privateKey)
    assert.equal(signed[0], 3)
    const { id: _, publicKey: __, ...decoded } = decodeVlanRecord(signed, NOW)
    assert.deepEqual({ ...decoded, icon: Uint8Array.from(decoded.icon!) }, presented)
  })

  test('is written where a record needs it, and no other: older programs read the rest', () => {
    assert.equal(signVlanRecord(fields, privateKey)[0], 1)
    assert.equal(signVlanRecord({ ...fields, leaseSeconds: 600 }, privateKey)[0], 2)
    assert.equal(signVlanRecord({ ...fields, icon, leaseSeconds: 600 }, privateKey)[0], 3)
    const asV3 = { version: 3, domain: 'wakunet vlan record v3' }
    const all = { ...(fields as unknown as { [key: string]: CborValue }), publicKey }
    assert.throws(
      () => decodeVlanRecord(forge(all, privateKey, asV3), NOW),
      invalid(/fields are those of version 1/),
    )
    const forged = forge({ ...all, publishedUntilMs: NOW + 1 }, privateKey, asV3)
    assert.equal(decodeVlanRecord(forged, NOW).publishedUntilMs, NOW + 1, 'the control')
  })

  test('is refused with an icon that is none, a gateway nobody can dial, a publication without end', () => {
    const script = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><script/></svg>')
    const asV3 = { version: 3, domain: 'wakunet vlan record v3' }
    const hint = (address: string, peerId = PEER_ID) => [{ peerId, addresses: [address] }]
    for (const [wrong, message] of [
      [{ icon: script }, /icon: must be an SVG image without 'script'/],
      [{ icon: 'x' }, /icon: /],
      [{ icon: new Uint8Array(16_385) }, /icon: must have at most 16384 bytes/],
      [{ gateways: [] }, /gateways: /],
      [{ gateways: hint('/ip4/192.0.2.7/tcp/4740/p2p/x') }, /gateways\.0\.addresses\.0: must be a multiaddr/],
      [{ gateways: hint('http://192.0.2.7') }, /gateways\.0/],
      [{ gateways: hint('/ip4/192.0.2.7/tcp/4740', 'QmX') }, /gateways\.0\.peerId/],
      [{ gateways: [...hint('/ip4/192.0.2.7/tcp/1'), ...hint('/ip4/192.0.2.7/tcp/2')] }, /each peer once/],
      [{ publishedUntilMs: NOW - 1 }, /publishedUntilMs: must be after issuedAtMs/],
      [{ publishedUntilMs: NOW + MAX_PUBLICATION_MS }, /publishedUntilMs: must be at most 7 days/],
      [
        { publishedUntilMs: NOW + 10, expiresAtMs: NOW + 9 },
        /publishedUntilMs: must not be after expiresAtMs/,
      ],
    ] as const) {
      const all = { ...fields, ...wrong, publicKey } as unknown as { [key: string]: CborValue }
      assert.throws(() => decodeVlanRecord(forge(all, privateKey, asV3), NOW), invalid(message))
    }
  })

  test('is refused when it is made too large, with what to do', () => {
    const large = Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="${'M0 0'.repeat(4_000)}"/></svg>`,
    )
    const reservations = Array.from({ length: 252 }, (_, i) => ({
      nodeId: i.toString(16).padStart(32, '0'),
      address4: `10.9.0.${i + 2}`,
    }))
    const priorities = reservations.slice(0, 64).map(({ nodeId }) => ({ nodeId, priority: 0 }))
    const wide = { ...fields, icon: Uint8Array.from(large), reservations, priorities }
    assert.throws(() => signVlanRecord(wide, privateKey), invalid(/more than 32768: take a smaller icon/))
    const { priorities: _, ...narrower } = wide
    assert.equal(signVlanRecord({ ...narrower, reservations: reservations.slice(0, 150) }, privateKey)[0], 3)
  })
})

describe('a withdrawal', () => {
  const withdrawal = { sequence: 9, untilMs: NOW + 1_000 }

  test('is signed by the key of the VLAN and no record', () => {
    const signed = signVlanWithdrawal(withdrawal, privateKey)
    assert.ok(isVlanWithdrawal(signed))
    assert.ok(!isVlanWithdrawal(signVlanRecord(fields, privateKey)))
    assert.deepEqual(decodeVlanWithdrawal(signed), {
      id: decodeVlanRecord(signVlanRecord(fields, privateKey), NOW).id,
      ...withdrawal,
    })
    assert.throws(() => decodeVlanRecord(signed, NOW), invalid(/version 129/))
    const map = cbor({ ...withdrawal, publicKey: nodePublicKey(privateKey) })
    const byNode = nodeSign(Buffer.concat([Buffer.from('wakunet vlan withdrawal v1'), map]), privateKey)
    assert.deepEqual(Buffer.from(signed), Buffer.concat([Buffer.of(0x81), map, byNode]))
  })

  test('is refused when it is forged, bent or cut', () => {
    const signed = signVlanWithdrawal(withdrawal, privateKey)
    const domain = 'wakunet vlan withdrawal v1'
    const other = createVlanKey(new Uint8Array(32).fill(4))
    const claimed = { ...withdrawal, publicKey: other.publicKey }
    assert.throws(
      () => decodeVlanWithdrawal(forge(claimed, privateKey, { version: 0x81, domain })),
      invalid(/signature/),
    )
    for (let end = 0; end < signed.length; end++)
      assert.throws(() => decodeVlanWithdrawal(signed.subarray(0, end)), invalid(/withdrawal/))
    for (let at = 0; at < signed.length; at++) {
      const bent = Uint8Array.from(signed)
      bent[at]! ^= 1
      assert.throws(() => decodeVlanWithdrawal(bent), invalid(/withdrawal/))
    }
  })
})
