import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { configKeys } from '@wakunet/service-kit'
import { nodeConfigSchema } from '../src/config.ts'

const readme = readFileSync(path.join(import.meta.dirname, '../README.md'), 'utf8')

describe('the README', () => {
  test('names every configuration key, and no other', () => {
    const table = readme.slice(readme.indexOf('## Configuration'), readme.indexOf('## Metrics'))
    const named = table
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map((m) => m[1]))
    assert.deepEqual(
      named.toSorted(),
      configKeys(nodeConfigSchema, 'WAKUNET')
        .map(({ key }) => key)
        .toSorted(),
    )
  })
})
