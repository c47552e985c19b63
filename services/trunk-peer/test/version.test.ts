import assert from 'node:assert/strict'
import { test } from 'node:test'
import manifest from '../package.json' with { type: 'json' }
import { VERSION } from '../src/index.ts'

test('the version told to peers is that of the package', () => assert.equal(VERSION, manifest.version))
