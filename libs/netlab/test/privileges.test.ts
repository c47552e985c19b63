import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgePrivileges, type PrivilegeProbes } from '../src/privileges.ts'

const ROOT: PrivilegeProbes = {
  capabilities: (1n << 41n) - 1n,
  runWritable: true,
  userNamespaceFault: null,
  tunFault: null,
}

test('all capabilities and a writable /run are enough', () => {
  const verdict = judgePrivileges(ROOT)
  assert.equal(verdict.kind, 'root')
  assert.equal(verdict.tun.usable, true)
})

test('each missing capability alone is missed', () => {
  for (const capability of [12n, 21n]) {
    const verdict = judgePrivileges({ ...ROOT, capabilities: ROOT.capabilities & ~(1n << capability) })
    assert.equal(verdict.kind, 'user-namespace')
    assert.match(verdict.reason, /CAP_NET_ADMIN and CAP_SYS_ADMIN/)
  }
})

test('root that cannot write /run is sent into a user namespace', () => {
  const verdict = judgePrivileges({ ...ROOT, runWritable: false })
  assert.equal(verdict.kind, 'user-namespace')
  assert.match(verdict.reason, /\/run is not writable/)
})

test('without user namespaces it says why, and which settings allow them', () => {
  const verdict = judgePrivileges({
    ...ROOT,
    capabilities: 0n,
    userNamespaceFault: 'unshare failed: Operation not permitted',
  })
  assert.equal(verdict.kind, 'none')
  assert.match(verdict.reason, /Operation not permitted/)
  assert.match(verdict.reason, /user\.max_user_namespaces/)
})

test('a missing tun device and a forbidden one get different advice', () => {
  assert.match(judgePrivileges({ ...ROOT, tunFault: 'ENOENT' }).tun.reason, /mknod/)
  const forbidden = judgePrivileges({ ...ROOT, tunFault: 'EACCES' }).tun
  assert.equal(forbidden.usable, false)
  assert.match(forbidden.reason, /chmod/)
})
