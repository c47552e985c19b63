import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeEnvelope, encodeRecordHeader, RECORD_HEADER_BYTES, writeFrameHeader } from '@wakunet/record'
import { type FabricDrop, RelayBudget, type RelayInit } from '../src/index.ts'
import { BROADCAST, FabricNetwork, frameOf, macHex, nonceOf, VLAN } from './fabric-network.ts'
import { TestSealer } from './test-sealer.ts'
import { nodeId } from './tree-network.ts'

const NO_HINT = { flags: 0, gsoType: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 }
const FREE: RelayInit = { enabled: true, bitsPerSecond: 0, bitsPerSecondPerMember: 0, burstBytes: 131_072 }

/** Nodes 0 to `nodes - 1` in a line, which seal for each other. */
class SealedLine {
  readonly network = new FabricNetwork()
  readonly sealers: TestSealer[] = []

  constructor(nodes: number, relay: readonly Partial<RelayInit>[] = []) {
    for (let i = 0; i < nodes; i++) {
      const sealer = new TestSealer(nodeId(i))
      this.sealers.push(sealer)
      this.network.addNode({ sealer, relay: new RelayBudget({ ...FREE, ...relay[i] }, 0) })
    }
    for (let i = 1; i < nodes; i++) this.network.connect(i - 1, i)
    this.network.run(3_000)
  }

  /** One frame of a text; answers what the nodes had got after it. */
  send(from: number, to: number, text: string): string[][] {
    this.network.forward(from, frameOf(macHex(to), macHex(from), text))
    this.network.run(50)
    return this.network.delivered.map((texts) => texts.splice(0))
  }

  /** Runs what is sent next into `catcher` instead of its way. */
  catch(from: number, to: number, text: string): Uint8Array {
    this.network.forward(from, frameOf(macHex(to), macHex(from), text))
    const message = this.network.pending.at(-1)!.message
    this.network.pending = []
    return message
  }

  drops(node: number): Partial<Record<FabricDrop, number>> {
    const all = Object.entries(this.network.fabrics[node]!.drops)
    return Object.fromEntries(all.filter(([reason, count]) => count > 0 && reason !== 'tree-blocked'))
  }
}

/** An unsealed record of one frame, from the trunk of `from`. */
function plain(from: number, ingress: number, egress: number, text: string, sequence = 900_000): Uint8Array {
  const body = frameOf(macHex(egress), macHex(ingress), text)
  const record = new Uint8Array(RECORD_HEADER_BYTES + 12 + body.length)
  encodeRecordHeader(record, 0, {
    hopLimit: 60,
    frameCount: 1,
    epoch: 0,
    sequence,
    bootNonce: nonceOf(ingress),
    vlanId: VLAN,
    ingress: nodeId(ingress),
    egress: nodeId(egress),
  })
  writeFrameHeader(record, RECORD_HEADER_BYTES, body.length, NO_HINT)
  record.set(body, RECORD_HEADER_BYTES + 12)
  return new Uint8Array(Buffer.concat([encodeEnvelope([nodeId(from)]), record]))
}

describe('a fabric that seals', () => {
  it('seals what others pass on, and nothing that goes over a direct trunk or to everybody', () => {
    const line = new SealedLine(4)
    const includes = (message: Uint8Array) => Buffer.from(message).includes('secret')
    assert.equal(includes(line.catch(0, 1, 'secret')), true)
    assert.equal(includes(line.catch(0, 2, 'secret')), false)
    assert.deepEqual(line.send(0, 3, 'secret')[3], ['secret'])
    line.network.forward(0, frameOf(BROADCAST, macHex(0), 'secret'))
    assert.equal(includes(line.network.pending.at(-1)!.message), true)
    const [first, , , last] = line.network.fabrics
    assert.deepEqual([first!.stats.sealed, last!.stats.opened], [2, 1])
  })

  it('takes no unicast in clear but from the trunk of its ingress node, and passes none on', () => {
    const line = new SealedLine(3)
    line.network.receive(2, plain(1, 0, 2, 'in the name of another'))
    line.network.receive(1, plain(0, 0, 2, 'to be passed on'))
    line.network.run(10)
    assert.deepEqual(line.network.delivered, [[], [], []])
    assert.deepEqual([line.drops(1), line.drops(2)], [{ unsealed: 1 }, { unsealed: 1 }])
    line.network.receive(2, plain(1, 1, 2, 'its own'))
    assert.deepEqual(line.network.delivered[2], ['its own'], 'the negative control')
  })

  it('believes who passes a record on where nothing is sealed: the negative control', () => {
    const network = new FabricNetwork()
    for (let i = 0; i < 3; i++) network.addNode()
    for (let i = 1; i < 3; i++) network.connect(i - 1, i)
    network.run(3_000)
    network.receive(2, plain(1, 0, 2, 'in the name of another'))
    assert.deepEqual(network.delivered[2], ['in the name of another'])
  })

  it('sends nothing to a member whose key it does not know, and takes nothing from one', () => {
    const line = new SealedLine(3)
    line.sealers[0]!.unknown.add(nodeId(2)[1]!)
    assert.deepEqual(line.send(0, 2, 'early')[2], [])
    assert.deepEqual(line.drops(0), { 'seal-no-key': 1 })
    line.sealers[2]!.unknown.add(nodeId(0)[1]!)
    line.sealers[0]!.unknown.clear()
    assert.deepEqual(line.send(0, 2, 'early')[2], [])
    assert.deepEqual(line.drops(2), { 'seal-no-key': 1 })
    line.sealers[2]!.unknown.clear()
    assert.deepEqual(line.send(0, 2, 'then')[2], ['then'])
  })

  it('sends over the direct trunk, however dear, to a member whose key it does not know', () => {
    const network = new FabricNetwork()
    const sealers = [0, 1, 2].map((i) => new TestSealer(nodeId(i)))
    for (const sealer of sealers) network.addNode({ sealer })
    network.connect(0, 1)
    network.connect(1, 2)
    network.connect(0, 2, 60_000)
    network.run(3_000)
    const send = (text: string) => {
      network.forward(0, frameOf(macHex(2), macHex(0), text))
      network.run(50)
      return network.delivered[2]!.splice(0)
    }
    assert.deepEqual(send('the shortest way'), ['the shortest way'])
    assert.equal(network.fabrics[0]!.stats.sealed, 1, 'which leads over another member')
    sealers[0]!.unknown.add(nodeId(2)[1]!)
    assert.deepEqual(send('early'), ['early'])
    assert.equal(network.fabrics[0]!.drops['seal-no-key'], 0)
    assert.equal(network.fabrics[0]!.stats.sealed, 1)
  })

  it('delivers nothing that was changed, injected or repeated on the way, and what is true after all', () => {
    const line = new SealedLine(3)
    const message = line.catch(0, 2, 'once')
    // As node 1 would pass it on.
    message.set(nodeId(1), 1)
    for (let at = message.length - 1; at > 17 + RECORD_HEADER_BYTES; at -= 3) {
      const changed = message.slice()
      changed[at]! ^= 1
      line.network.receive(2, changed)
    }
    assert.deepEqual(line.network.delivered[2], [])
    line.network.receive(2, message.slice())
    line.network.receive(2, message.slice())
    assert.deepEqual(line.network.delivered[2], ['once'])
    const { 'seal-forged': forged, 'sequence-seen': seen } = line.drops(2)
    assert.deepEqual([(forged ?? 0) > 5, seen], [true, 1])
  })

  it('is not talked out of the records of another by wild sequences', () => {
    const line = new SealedLine(3)
    const far = line.catch(0, 2, 'forged')
    far.fill(0xff, 17 + 8 + 3, 17 + 16)
    line.network.receive(1, far.slice())
    line.network.run(10)
    const broadcast = plain(1, 0, 2, 'far ahead', 9_000_000)
    broadcast[17 + 1] = 1
    broadcast.fill(0, 17 + 56, 17 + 72)
    line.network.receive(2, broadcast)
    assert.deepEqual(line.send(0, 2, 'still here')[2]!.at(-1), 'still here')
  })
})

describe('relaying', () => {
  it('passes a sealed record on once, for whom is counted', () => {
    const line = new SealedLine(3)
    const message = line.catch(0, 2, 'twice')
    line.network.receive(1, message.slice())
    line.network.receive(1, message.slice())
    line.network.run(10)
    assert.deepEqual(line.network.delivered[2], ['twice'])
    assert.deepEqual(line.drops(1), { 'relay-again': 1 })
    const member = line.network.fabrics[1]!.bridge.members.find(nodeId(0), 0)!
    assert.deepEqual(member.relayed, { records: 1, bytes: message.length - 17 })
    const { relayed, relayedBytes } = line.network.fabrics[1]!.stats
    assert.deepEqual([relayed, relayedBytes], [1, message.length - 17])
  })

  it('has a limit for all, and one for each ingress node', () => {
    const size = (line: SealedLine) => line.catch(0, 2, 'x'.repeat(1_000)).length - 17
    for (const key of ['bitsPerSecond', 'bitsPerSecondPerMember'] as const) {
      const bytes = size(new SealedLine(3))
      const line = new SealedLine(3, [{}, { [key]: bytes * 8, burstBytes: bytes * 2 }])
      for (let i = 0; i < 5; i++) line.network.forward(0, frameOf(macHex(2), macHex(0), 'x'.repeat(1_000)))
      line.network.run(20)
      assert.deepEqual([line.network.delivered[2]!.length, line.drops(1)], [2, { 'relay-rate': 3 }], key)
      line.network.run(1_000)
      assert.equal(
        line.send(0, 2, 'x'.repeat(1_000))[2]!.length,
        3,
        'a second later there is room for one more',
      )
    }
  })

  it('of one member leaves that of others alone, where the limit is for each', () => {
    const line = new SealedLine(4, [{}, {}, { bitsPerSecondPerMember: 8, burstBytes: 300 }])
    for (let i = 0; i < 9; i++) line.send(0, 3, 'x'.repeat(100))
    assert.deepEqual(line.send(1, 3, 'other')[3], ['other'])
  })

  it('is left out by others where a member does none: they go round it, or find no way', () => {
    const ring = new SealedLine(5, [{}, { enabled: false }])
    ring.network.connect(4, 0)
    ring.network.run(3_000)
    assert.deepEqual(ring.send(0, 2, 'round')[2], ['round'])
    assert.equal(ring.network.fabrics[1]!.stats.relayed, 0)
    assert.deepEqual(ring.send(0, 1, 'to it')[1], ['to it'])
    assert.deepEqual(ring.send(1, 3, 'from it')[3], ['from it'])
    const line = new SealedLine(3, [{}, { enabled: false }])
    assert.deepEqual(line.send(0, 2, 'no way')[2], [])
    assert.deepEqual(line.drops(0), { 'no-route': 1 })
    line.network.forward(0, frameOf(BROADCAST, macHex(0), 'to all'))
    line.network.run(10)
    assert.deepEqual(line.network.delivered, [[], ['to all'], ['to all']])
  })

  it('is refused by a member that does none, whatever it is told', () => {
    const line = new SealedLine(3, [{}, { enabled: false }])
    const open = new SealedLine(3)
    line.network.receive(1, open.catch(0, 2, 'pass it on'))
    line.network.run(10)
    assert.deepEqual(line.network.delivered[2], [])
    assert.deepEqual(line.drops(1), { 'relay-off': 1 })
  })

  it('leaves members behind one that does none known, and digests equal', () => {
    const line = new SealedLine(3, [{}, { enabled: false }])
    const before = line.network.fabrics.map(({ stats }) => stats.controlRecordsSent)
    line.network.run(120_000)
    for (const { linkState } of line.network.fabrics) assert.equal(linkState.database.size, 3)
    const sent = line.network.fabrics.map(({ stats }, i) => stats.controlRecordsSent - before[i]!)
    for (const count of sent) assert.ok(count < 60, `${count} control records in two idle minutes`)
  })
})
