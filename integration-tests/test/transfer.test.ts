import assert from 'node:assert/strict'
import { linkSync } from 'node:fs'
import path from 'node:path'
import { it } from 'node:test'
import {
  FileServer,
  fetchWithCurl,
  forEachShape,
  type Station,
  type TestNetwork,
  useNetwork,
  writeLargeFile,
} from '../src/index.ts'

const FILE_BYTES = 1024 ** 3
const TRANSFER_TIMEOUT_MS = 180_000

const FILE = 'large.bin'

interface Fixture {
  readonly stations: readonly [Station, Station]
  readonly sha256: string
}

async function setUp(network: TestNetwork): Promise<Fixture> {
  const { stations } = await network.vlan('lan')
  const [a, b] = stations as [Station, Station]
  const file = path.join(a.host.lab.directory, FILE)
  const sha256 = await writeLargeFile(file, FILE_BYTES)
  linkSync(file, path.join(b.host.lab.directory, FILE))
  return { stations: [a, b], sha256 }
}

forEachShape('a file of 1 GiB', (shape) => {
  const fixture = useNetwork({ name: 'transfer', shape, nodes: 2, programs: ['python3'] }, setUp)

  it('arrives intact over HTTP in both directions at once', async (t) => {
    const { stations, sha256 } = fixture()
    const [a, b] = stations
    const ways: [Station, Station][] = [
      [a, b],
      [b, a],
    ]
    const transfers = ways.map(async ([from, to]) => {
      const server = await FileServer.start(from)
      const got = await fetchWithCurl(to, server.url(FILE), TRANSFER_TIMEOUT_MS)
      t.diagnostic(`${from.name} to ${to.name}: ${Math.round((got.bytes * 8) / got.seconds / 1e6)} Mbit/s`)
      assert.equal(got.bytes, FILE_BYTES)
      assert.equal(got.sha256, sha256)
    })
    await Promise.all(transfers)
  })
})
