import assert from 'node:assert/strict'
import { readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { FoundVlan } from '@wakunet/bus'
import { formatVlanLink, signVlanRecord } from '@wakunet/identity'
import type { VlanId } from '@wakunet/interface'
import { tempDir } from '@wakunet/testing'
import { decodeQR } from 'qr/decode.js'
import { type CliRun, runCli } from './cli-harness.ts'
import { answers, port, VLAN_ID, vlan } from './fake-answers.ts'

const PEER_ID = `12D3KooW${'A'.repeat(44)}`
const LINK = formatVlanLink({
  id: VLAN_ID as VlanId,
  name: 'office',
  peers: [{ peerId: PEER_ID, addresses: ['/ip4/192.0.2.7/tcp/4740', '/ip6/2001:db8::7/tcp/4740'] }],
})
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>'

const found: FoundVlan = {
  id: VLAN_ID,
  ref: 'vexample',
  name: 'office',
  description: 'all of us',
  policy: 'open',
  subnet4: '10.42.0.0/20',
  sequence: 1,
  icon: { type: 'png', width: 16, height: 16, bytes: 200 },
  publishedUntilMs: 1,
  known: false,
  alike: false,
}

describe('"vlan browse"', () => {
  const nodeWith = (...vlans: FoundVlan[]) => ({
    ...answers,
    'directory.search': () => ({ vlans, listed: vlans.length }),
  })

  test('asks for all words and shows ids', async () => {
    const run = await runCli(['vlan', 'browse', 'chess', 'club', '--limit', '7'], {
      answers: nodeWith(found),
    })
    assert.deepEqual(run.requests[0]?.payload, { query: 'chess club', limit: 7, timeoutMs: 3_000 })
    assert.match(run.stdout, /^VLAN .*\noffice +10\.42\.0\.0\/20 +png +- +vexample +all of us\n$/)
    const json = await runCli(['vlan', 'browse', '--json'], { answers: nodeWith(found) })
    assert.deepEqual(JSON.parse(json.stdout), { vlans: [found], listed: 1 })
  })

  test('tells VLANs of one name apart by id, and says so', async () => {
    const other = { ...found, ref: 'vother', alike: true }
    const run = await runCli(['vlan', 'browse'], { answers: nodeWith({ ...found, alike: true }, other) })
    assert.match(run.stdout, /office ! .*vexample/)
    assert.match(run.stdout, /office ! .*vother/)
    assert.match(run.stderr, /tell them apart by their ids/)
  })

  test('lets no name or description command the terminal', async () => {
    const hostile = { ...found, name: 'a\x1b]0;x\x07b\u202ec', description: '\x9b2J' }
    const { stdout } = await runCli(['vlan', 'browse'], {
      answers: nodeWith(hostile),
      isTTY: true,
      env: { NO_COLOR: '1' },
    })
    assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u)
  })

  test('says what to do where there is nothing, and refuses a query without end', async () => {
    assert.match((await runCli(['vlan', 'browse'], { answers: nodeWith() })).stdout, /wakunet vlan publish/)
    const run = await runCli(['vlan', 'browse', 'x'.repeat(129)], { answers: nodeWith() })
    assert.equal(run.code, 2)
    assert.match(run.stderr, /ERR_USAGE|at most 128/)
  })
})

test('"vlan publish" and "unpublish" ask for it and say what follows', async () => {
  const node = {
    ...answers,
    'directory.publish': ({ published }: { published: boolean }) =>
      published ? { ...vlan, publishedUntilMs: 5 } : vlan,
  }
  const on = await runCli(['vlan', 'publish', 'office'], { answers: node })
  assert.deepEqual(on.requests[0]?.payload, { vlan: 'office', published: true })
  assert.match(on.stdout, /office \(vexample\) is listed/)
  const off = await runCli(['vlan', 'unpublish', 'office'], { answers: node })
  assert.deepEqual(off.requests[0]?.payload, { vlan: 'office', published: false })
  assert.match(off.stdout, /not listed any more/)
})

describe('a link', () => {
  const node = {
    ...answers,
    'directory.link': () => ({ link: LINK, vlan }),
    'directory.open': () => ({ ...vlan, name: 'bureau' }),
  }

  for (const isTTY of [true, false])
    test(`is printed as text and as a QR code that says the same, ${isTTY ? 'with' : 'without'} colours`, async () => {
      const { stdout } = await runCli(['vlan', 'link', 'office'], { answers: node, isTTY })
      const [text, ...code] = stdout.trimEnd().split('\n')
      assert.equal(text, LINK)
      assert.equal(readQr(code, isTTY), LINK.toUpperCase())
    })

  test('is printed alone where that is asked for', async () => {
    const plain = await runCli(['vlan', 'link', 'office', '--no-qr'], { answers: node })
    assert.equal(plain.stdout, `${LINK}\n`)
    const json = await runCli(['vlan', 'link', 'office', '--json'], { answers: node })
    assert.deepEqual(JSON.parse(json.stdout), {
      link: LINK,
      vlan: { id: VLAN_ID, ref: 'vexample', name: 'office' },
    })
  })

  test('is opened before its VLAN is joined by id; another name than the owner gave is told', async () => {
    const run = await runCli(['vlan', 'join', LINK.toUpperCase()], { answers: node })
    assert.deepEqual(
      run.requests.map(({ subject }) => subject),
      ['directory.open', 'switch.join'],
    )
    assert.equal(lastPayload(run).vlan, VLAN_ID)
    assert.match(run.stdout, new RegExp(port.interface))
    assert.match(run.stderr, /The link calls it office; its owner calls it bureau/)
  })

  test('that is cut off is refused before any node is asked', async () => {
    const run = await runCli(['vlan', 'join', LINK.slice(0, -3)], { answers: node })
    assert.equal(run.code, 2)
    assert.match(run.stderr, /argument 'vlan': the link of a VLAN is cut off or has a typing error/)
    assert.deepEqual(run.requests, [])
  })
})

describe('an icon', () => {
  test('is read from a file, checked and sent', async (t) => {
    const file = path.join(await tempDir(t), 'icon.svg')
    await writeFile(file, SVG)
    for (const command of ['create', 'edit']) {
      const run = await runCli(['vlan', command, 'office', '--icon', file], { answers })
      const { icon } = lastPayload(run)
      assert.equal(Buffer.from(String(icon), 'base64').toString(), SVG)
    }
    const run = await runCli(['vlan', 'edit', 'office', '--unset', 'icon'], { answers })
    assert.deepEqual(lastPayload(run).unset, ['icon'])
  })

  test('that is none, too large or missing is refused with the file and the reason', async (t) => {
    const folder = await tempDir(t)
    const cases: readonly (readonly [string, string | Buffer, RegExp])[] = [
      ['a.svg', SVG.replace('<path', '<script/><path'), /a\.svg must be an SVG image without 'script'/],
      ['b.png', Buffer.alloc(20_000, 1), /b\.png must have at most 16384 bytes/],
      ['c.txt', 'hello', /c\.txt must be a PNG, a WebP or an SVG/],
    ]
    for (const [name, bytes, says] of cases) {
      await writeFile(path.join(folder, name), bytes)
      const run = await runCli(['vlan', 'create', 'x', '--icon', path.join(folder, name)], { answers })
      assert.equal(run.code, 2)
      assert.match(run.stderr, says)
      assert.deepEqual(run.requests, [])
    }
    const run = await runCli(['vlan', 'create', 'x', '--icon', path.join(folder, 'none')], { answers })
    assert.match(run.stderr, /cannot read .*none/)
  })

  test('is written into a new file alone', async (t) => {
    const folder = await tempDir(t)
    const record = signVlanRecord(
      {
        name: 'office',
        description: '',
        policy: 'open',
        subnet4: '10.42.0.0/20',
        subnet6: 'fd00:1:2:3::/64',
        mtu: 1400,
        sequence: 1,
        issuedAtMs: 0,
        icon: Uint8Array.from(Buffer.from(SVG)),
      },
      new Uint8Array(32).fill(1),
    )
    const node = {
      ...answers,
      'directory.resolve': () => ({ ...vlan, encoded: Buffer.from(record).toString('base64') }),
    }
    const file = path.join(folder, 'icon.svg')
    const run = await runCli(['vlan', 'show', 'office', '--icon', file], { answers: node })
    assert.equal(run.code, 0, run.stderr)
    assert.equal(await readFile(file, 'utf8'), SVG)
    assert.match(run.stderr, /Its icon, svg, is in /)
    await symlink(path.join(folder, 'elsewhere'), path.join(folder, 'link'))
    for (const taken of [file, path.join(folder, 'link')]) {
      const again = await runCli(['vlan', 'show', 'office', '--icon', taken], { answers: node })
      assert.equal(again.code, 2)
      assert.match(again.stderr, /cannot write .*EEXIST/)
    }
  })
})

test('a gateway is a multiaddr with its peer id', async () => {
  const good = [`/ip4/192.0.2.7/tcp/4740/p2p/${PEER_ID}`, `/dns/gw.example/tcp/4740/p2p/${PEER_ID}`]
  const run = await runCli(['vlan', 'edit', 'office', '--gateway', good[0]!, '--gateway', good[1]!], {
    answers,
  })
  assert.deepEqual(lastPayload(run).gateways, [
    { peerId: PEER_ID, addresses: ['/ip4/192.0.2.7/tcp/4740', '/dns/gw.example/tcp/4740'] },
  ])
  const bad = await runCli(['vlan', 'edit', 'office', '--gateway', '/ip4/192.0.2.7/tcp/4740'], { answers })
  assert.equal(bad.code, 2)
  assert.match(bad.stderr, /with the peer id at its end/)
})

const lastPayload = (run: CliRun): Record<string, unknown> =>
  (run.requests.at(-1)?.payload ?? {}) as Record<string, unknown>

/** What a camera would read from the terminal. */
function readQr(lines: readonly string[], black: boolean): string {
  const scale = 4
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is taken off
  const plain = lines.map((line) => [...line.replaceAll(/\x1b\[[\d;]*m/g, '')])
  const width = plain[0]!.length
  const height = plain.length * 2
  const drawn = (row: number, column: number): boolean => {
    const cell = plain[row >> 1]![column]!
    return cell === '█' || cell === (row % 2 === 0 ? '▀' : '▄')
  }
  const data = new Uint8Array(width * height * scale * scale * 3)
  for (let y = 0; y < height * scale; y++)
    for (let x = 0; x < width * scale; x++) {
      const isDark = drawn(Math.floor(y / scale), Math.floor(x / scale)) === black
      data.fill(isDark ? 0 : 255, (y * width * scale + x) * 3, (y * width * scale + x + 1) * 3)
    }
  return decodeQR({ width: width * scale, height: height * scale, data })
}
