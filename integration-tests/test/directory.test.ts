import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { it } from 'node:test'
import type { FoundVlan, PortInfo, ReplyOf, VlanInfo } from '@wakunet/bus'
import {
  EMBEDDED,
  forEachShape,
  type Host,
  ping,
  SERVICES,
  Station,
  type TestNetwork,
  useNetwork,
} from '../src/index.ts'

const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z" fill="#a00"/></svg>'

/** What a host finds, as a person would look for it. */
async function browse(network: TestNetwork, host: Host, ...words: string[]): Promise<readonly FoundVlan[]> {
  const found = await network.cli<ReplyOf<'directory.search'>>(host, ['vlan', 'browse', ...words])
  return found.vlans
}

/** A grey image of what the lines of a terminal show, eight pixels a module. */
function picture(lines: readonly string[]): Buffer {
  const scale = 8
  const rows = lines.map((line) => [...line])
  const [width, height] = [rows[0]!.length * scale, rows.length * 2 * scale]
  const pixels = Buffer.alloc(width * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const row = Math.floor(y / scale)
      const cell = rows[row >> 1]![Math.floor(x / scale)]
      pixels[y * width + x] = cell === '█' || cell === (row % 2 === 0 ? '▀' : '▄') ? 255 : 0
    }
  return Buffer.concat([Buffer.from(`P5 ${width} ${height} 255\n`), pixels])
}

/**
 * ```text
 *   A (owner) ─── B (no member) ─── C
 * ```
 */
forEachShape(
  'a published VLAN',
  (shape) => {
    const fixture = useNetwork(
      {
        name: 'directory',
        shape,
        programs: ['zbarimg'],
        edges: [
          [1, 2],
          [2, 3],
        ],
      },
      async (network) => {
        const [a, b, c] = [network.host(1), network.host(2), network.host(3)]
        const folder = await mkdtemp(path.join(tmpdir(), 'wakunet-directory-'))
        const icon = path.join(folder, 'icon.svg')
        await writeFile(icon, SVG)
        const options = ['--description', 'weekly games', '--icon', icon]
        const vlan = await network.createVlan('chess club', options)
        return { a, b, c, folder, vlan }
      },
    )

    it('is found, joined by its name and reached by a host with no trunk to a member', async () => {
      const { network, a, c, folder, vlan } = fixture()
      assert.deepEqual(await browse(network, c, 'chess'), [], 'it is not published yet')
      const own = await network.join(a, vlan)
      await network.cli(a, ['vlan', 'publish', 'chess club'])
      const found = await network.until('C to find it', async () => {
        const vlans = await browse(network, c, 'GAMES')
        return vlans.length === 1 && vlans[0]!
      })
      assert.deepEqual(
        [found.id, found.name, found.alike, found.icon?.type],
        [vlan.id, vlan.name, false, 'svg'],
      )
      const port = await network.cli<PortInfo>(c, ['vlan', 'join', 'chess club'])
      assert.equal(port.vlanId, vlan.id)
      const copy = path.join(folder, 'copy.svg')
      await network.cli(c, ['vlan', 'show', 'chess club', '--icon', copy])
      assert.equal(await readFile(copy, 'utf8'), SVG)
      const addresses = await network.until('addresses on C', async () => {
        const all = await c.lab.addresses(port.interface)
        return [/^\d+\./, /^f[cd]/, /^fe80:/].every((kind) => all.some((cidr) => kind.test(cidr))) && all
      })
      const { node } = await network.status(c)
      const station = new Station(c, port, addresses, node.nodeId)
      // Members ask the peer between them for each other once a minute, and it takes both to meet there.
      await network.until(
        'C to reach A',
        async () => (await ping(station, own.address4, { count: 2 })).received === 2,
        120_000,
      )
    })

    it('shows its updates, and is gone when it is taken back; members stay', async () => {
      const { network, a, b, c, vlan } = fixture()
      await network.cli(a, ['vlan', 'edit', vlan.ref, '--description', 'daily matches'])
      await network.until('B, no member, to see the update', async () => {
        const [found] = await browse(network, b, 'daily')
        return found?.id === vlan.id && !found.known
      })
      await network.until('C, a member, to have it', async () => {
        const { vlan: shown } = await network.showVlan(c, vlan)
        return shown.description === 'daily matches'
      })
      await network.cli(a, ['vlan', 'unpublish', vlan.ref])
      for (const host of [b, c])
        await network.until(`${host.name} to lose it`, async () => (await browse(network, host)).length === 0)
      assert.notEqual((await network.showVlan(c, vlan)).joined, null)
      const withdrawn = 'wakunet_trunk_peer_listings_offered_total{outcome="withdrawn"}'
      assert.equal((await network.metrics(b)).get(withdrawn), 1)
    })

    it('of a name that another has is joined by its id or its link alone, which a camera reads', async () => {
      const { network, a, b, c, folder } = fixture()
      const first = await network.cli<VlanInfo>(a, ['vlan', 'create', 'library'])
      // The first letter of the second is Cyrillic.
      const second = await network.cli<VlanInfo>(b, ['vlan', 'create', 'lіbrary'])
      for (const [host, { ref }] of [
        [a, first],
        [b, second],
      ] as const)
        await network.cli(host, ['vlan', 'publish', ref])
      await network.until('C to find both', async () => (await browse(network, c, 'library')).length === 2)
      const refused = await network.cliResult(c, ['vlan', 'join', 'library'])
      assert.equal(refused.code, 2)
      for (const { ref } of [first, second]) assert.match(refused.stderr, new RegExp(ref))
      const { stdout } = await network.cliResult(b, ['vlan', 'link', second.ref])
      const [link, ...code] = stdout.trimEnd().split('\n')
      const image = path.join(folder, 'code.pgm')
      await writeFile(image, picture(code))
      const read = await c.lab.exec('zbarimg', ['--quiet', '--raw', '-Sdisable', '-Sqrcode.enable', image])
      assert.equal(read.stdout.trim(), link!.toUpperCase())
      const port = await network.cli<PortInfo>(c, ['vlan', 'join', read.stdout.trim()])
      assert.equal(port.vlanId, second.id)
      await rm(folder, { recursive: true })
    })
  },
  [EMBEDDED, SERVICES],
)
