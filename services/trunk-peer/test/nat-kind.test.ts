import assert from 'node:assert/strict'
import { test } from 'node:test'
import { natKind } from '../src/reach/nat-kind.ts'

const seen = (host: string, port: number) => ({ host, port })

test('what peers see of one socket tells what is before it', () => {
  const own = ['192.168.1.2', '8.8.8.8']
  assert.equal(natKind([], own), 'unknown')
  assert.equal(natKind([seen('8.8.8.8', 1), seen('8.8.8.8', 1)], own), 'none')
  assert.equal(natKind([seen('9.9.9.9', 1), seen('9.9.9.9', 1)], own), 'endpoint-independent')
  assert.equal(natKind([seen('9.9.9.9', 1), seen('9.9.9.9', 2)], own), 'symmetric')
  assert.equal(natKind([seen('9.9.9.9', 1)], own), 'unknown')
})
