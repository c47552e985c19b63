import assert from 'node:assert/strict'
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

interface Offer {
  readonly from: Station
  readonly to: Station
  readonly file: string
  readonly sha256: string
}

async function offer(from: Station, to: Station): Promise<Offer> {
  const file = path.join(from.host.lab.directory, `to-${to.name}.bin`)
  return { from, to, file, sha256: await writeLargeFile(file, FILE_BYTES, `file of ${from.name}`.padEnd(16)) }
}

async function setUp(network: TestNetwork): Promise<{ offers: Offer[] }> {
  const { stations } = await network.vlan('lan')
  const [a, b] = stations as [Station, Station]
  return { offers: [await offer(a, b), await offer(b, a)] }
}

forEachShape('a file of 1 GiB', (shape) => {
  const fixture = useNetwork({ name: 'transfer', shape, nodes: 2, programs: ['python3'] }, setUp)

  it('arrives intact over HTTP in both directions at once', async (t) => {
    const transfers = fixture().offers.map(async ({ from, to, file, sha256 }) => {
      const server = await FileServer.start(from)
      const got = await fetchWithCurl(to, server.url(file), TRANSFER_TIMEOUT_MS)
      t.diagnostic(`${from.name} to ${to.name}: ${Math.round((got.bytes * 8) / got.seconds / 1e6)} Mbit/s`)
      assert.equal(got.bytes, FILE_BYTES)
      assert.equal(got.sha256, sha256)
    })
    await Promise.all(transfers)
  })
})
