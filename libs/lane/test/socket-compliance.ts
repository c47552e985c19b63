import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LaneClient, LaneConnection, LaneServer } from '@wakunet/interface'
import { listen, text, until } from './lane-compliance.ts'

/** One server and any number of clients, none of them started; disposing stops all. */
export interface SocketLaneFixture extends AsyncDisposable {
  readonly server: LaneServer & { readonly stats: { readonly connectionsReplaced: number } }
  makeClient(name: string): LaneClient
}

/** What the lanes between processes do beside what every lane does. */
export function socketLaneCompliance(name: string, make: () => Promise<SocketLaneFixture>): void {
  describe(`${name}: several clients`, () => {
    it('keeps clients with different names apart', async () => {
      await using lane = await make()
      await lane.server.start()
      const names = ['alpha', 'beta', 'gamma']
      for (const client of names) await lane.makeClient(client).start()
      await until(() => lane.server.connections.size === names.length)
      assert.deepEqual([...lane.server.connections.keys()].sort(), names)
      assert.equal(lane.server.stats.connectionsReplaced, 0)
    })

    it('brings each client its own messages', async () => {
      await using lane = await make()
      await lane.server.start()
      const clients = ['alpha', 'beta'].map((client) => lane.makeClient(client))
      const received = clients.map((client) => listen(client, 1))
      for (const client of clients) await client.start()
      await until(() => lane.server.connections.size === 2)
      for (const [client, connection] of lane.server.connections) connection.send([text(`for ${client}`)])
      assert.deepEqual(await Promise.all(received), [['for alpha'], ['for beta']])
    })

    it('lets a client that comes under a taken name replace the older one', async () => {
      await using lane = await make()
      const seen: LaneConnection[] = []
      lane.server.onConnection = (connection) => seen.push(connection)
      await lane.server.start()
      const older = lane.makeClient('same')
      await older.start()
      await until(() => seen.length === 1)
      let gone = 0
      seen[0]!.onDisconnect = () => gone++
      const newer = lane.makeClient('same')
      // The older one comes back by itself, as it would in the field; here it must not.
      older.onDisconnect = () => void older.stop()
      await newer.start()
      await until(() => seen.length === 2 && !older.connected)
      assert.equal(gone, 1)
      assert.equal(seen[0]?.connected, false)
      assert.equal(lane.server.connections.get('same'), seen[1])
      assert.equal(lane.server.stats.connectionsReplaced, 1)
      const received = listen(newer, 1)
      seen[1]!.send([text('to the newer')])
      assert.deepEqual(await received, ['to the newer'])
    })
  })
}
