import { once } from 'node:events'
import path from 'node:path'
import type { LaneClient, LaneConnection, LaneServer } from '@wakunet/interface'
import { createLanePair, UnixLaneClient, UnixLaneServer } from '@wakunet/lane'
import { createLogger, systemClock } from '@wakunet/service-kit'
import { nextTurn, type Stage, StageMeter } from './stage.ts'

const MESSAGE_SIZES = [1_500, 65_536] as const
/** Well below the lane's own limit: nothing is dropped. */
const MAX_QUEUED_BYTES = 1024 * 1024
const MESSAGES_PER_TURN = 64
const ECHO_BYTES = 200

interface LanePair {
  readonly server: LaneServer
  readonly client: LaneClient
}

/** The lane with both ends in this process. @param directory for the socket */
export function laneStages(directory: string): Stage[] {
  const logger = createLogger({ name: 'bench', level: 'error' })
  const unix = (): LanePair => {
    const shared = { path: path.join(directory, 'lane.sock'), logger, clock: systemClock }
    return { server: new UnixLaneServer(shared), client: new UnixLaneClient({ ...shared, name: 'bench' }) }
  }
  return [
    ...MESSAGE_SIZES.flatMap((bytes) => [
      laneStage(`lane in process, ${bytes} bytes`, createLanePair, transfer, bytes),
      laneStage(`lane Unix socket, ${bytes} bytes`, unix, transfer, bytes),
    ]),
    laneStage(`lane Unix socket, round trip of ${ECHO_BYTES} bytes`, unix, echo, ECHO_BYTES),
  ]
}

type LaneTraffic = (
  client: LaneClient,
  receiver: LaneConnection,
  messageBytes: number,
  seconds: number,
) => Promise<StageMeter>

function laneStage(name: string, create: () => LanePair, traffic: LaneTraffic, messageBytes: number): Stage {
  return {
    name,
    async run(seconds) {
      const { server, client } = create()
      try {
        const receiver = await connect(server, client)
        return (await traffic(client, receiver, messageBytes, seconds)).result(name)
      } finally {
        await client.stop()
        await server.stop()
      }
    },
  }
}

async function connect(server: LaneServer, client: LaneClient): Promise<LaneConnection> {
  const attached = new EventTarget()
  let receiver: LaneConnection | null = null
  server.onConnection = (connection) => {
    receiver = connection
    attached.dispatchEvent(new Event('attached'))
  }
  const waiting = once(attached, 'attached')
  await server.start()
  await client.start()
  await waiting
  return receiver!
}

const transfer: LaneTraffic = async (client, receiver, messageBytes, seconds) => {
  const parts = [new Uint8Array(messageBytes)]
  const meter = new StageMeter()
  receiver.onMessage = (message) => meter.count(message.length)
  while (meter.seconds < seconds) {
    for (let i = 0; i < MESSAGES_PER_TURN && client.stats.queuedBytes < MAX_QUEUED_BYTES; i++)
      client.send(parts)
    await nextTurn()
  }
  return meter
}

const echo: LaneTraffic = async (client, receiver, messageBytes, seconds) => {
  const parts = [new Uint8Array(messageBytes)]
  const meter = new StageMeter()
  const done = Promise.withResolvers<void>()
  receiver.onMessage = (message) => receiver.send([message])
  client.onMessage = (message) => {
    meter.count(message.length)
    if (meter.seconds < seconds) client.send(parts)
    else done.resolve()
  }
  client.send(parts)
  await done.promise
  return meter
}
