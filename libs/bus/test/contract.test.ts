import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { BUS_PAGE, withTables } from '../scripts/contract-tables.ts'
import {
  BUS_ROLES,
  type Contract,
  contract,
  type EventName,
  type EventSubject,
  type PayloadOf,
  type ReplyOf,
  type RequestName,
  type RequestOf,
  type RequestSubject,
  type Subject,
} from '../src/index.ts'

/** Compiles only where both types are the same. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never

// Checked by the compiler: what the types promise to every service.
const typeClaims: readonly true[] = [
  true satisfies Same<Subject, RequestName | EventName>,
  true satisfies Same<RequestName & EventName, never>,
  true satisfies Contract[RequestName] extends RequestSubject ? true : never,
  true satisfies Contract[EventName] extends EventSubject ? true : never,
  true satisfies Same<RequestOf<'trunk.members.get'>, { vlanId: string }>,
  true satisfies Same<ReplyOf<'switch.leave'>, { vlanId: string; interface: string }>,
  true satisfies Same<PayloadOf<'trunk.started'>, { nodeId: string; peerId: string }>,
]

describe('contract', () => {
  it('gives every subject a name that NATS takes, a description and roles that exist, each once', () => {
    assert.equal(typeClaims.length, 7)
    for (const [name, spec] of Object.entries(contract)) {
      assert.match(name, /^[a-z0-9]+(\.[a-z0-9]+)+$/)
      assert.match(spec.about, /\S.*\.$/)
      const [from, to] =
        spec.kind === 'request' ? [spec.requesters, [spec.responder]] : [spec.publishers, spec.subscribers]
      for (const roles of [from, to] as readonly (readonly string[])[]) {
        assert.ok(roles.length > 0, name)
        assert.equal(new Set(roles).size, roles.length, name)
        for (const role of roles) assert.ok((BUS_ROLES as readonly string[]).includes(role), name)
      }
    }
  })

  it('refuses keys that a schema does not name, in every payload', () => {
    for (const [name, spec] of Object.entries(contract)) {
      const schemas = spec.kind === 'request' ? [spec.request, spec.reply] : [spec.payload]
      for (const schema of schemas) {
        const result = schema.safeParse({ 'not in any schema': 1 })
        const issues = result.error?.issues ?? []
        assert.ok(
          issues.some((issue) => issue.code === 'unrecognized_keys'),
          name,
        )
      }
    }
  })

  it('is the one that docs/protocols/bus.md shows (node libs/bus/scripts/contract-tables.ts)', () => {
    const page = readFileSync(BUS_PAGE, 'utf8')
    assert.equal(page, withTables(page))
    for (const name of Object.keys(contract)) assert.ok(page.includes(`| \`${name}\` |`), name)
  })
})
