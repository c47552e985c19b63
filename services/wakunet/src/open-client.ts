import { ControlSocketClient, NatsBus, type RequestBus } from '@wakunet/bus'
import { WakunetError } from '@wakunet/interface'
import { createLogger, systemClock } from '@wakunet/service-kit'
import { type BusAddress, parseBusUrl } from './bus-url.ts'
import { findTarget } from './client-target.ts'
import type { GlobalOptions } from './global-options.ts'

const CONNECT_TIMEOUT_MS = 5_000

/** Connects to the node that the options, the environment and the configuration file name. */
export const openClient = async (
  options: GlobalOptions,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<RequestBus> => {
  const target = await findTarget(options, env)
  return target.kind === 'socket' ? openSocket(target.path) : openBus(parseBusUrl(target.url), options)
}

const openSocket = async (path: string): Promise<RequestBus> => {
  const client = new ControlSocketClient({ path, clock: systemClock })
  await client.start()
  return client
}

const openBus = async (address: BusAddress, options: GlobalOptions): Promise<RequestBus> => {
  const bus = new NatsBus({
    servers: [address.server],
    role: 'cli',
    // The command itself says what went wrong; what the bus logs is for who asks for it.
    logger: createLogger({ name: 'wakunet:cli', level: options.logLevel ?? 'silent', format: 'pretty' }),
    clock: systemClock,
    ...(address.prefix === undefined ? {} : { prefix: address.prefix }),
    ...(address.user === undefined
      ? {}
      : { credentials: { user: address.user, password: address.password ?? '' } }),
  })
  await bus.start()
  if (!(await isConnected(bus))) {
    await bus.stop()
    throw new WakunetError(
      'ERR_NOT_RUNNING',
      `no NATS server let this command in at ${address.server} within ${CONNECT_TIMEOUT_MS / 1000} s: check --bus, and that the server runs and accepts the user`,
    )
  }
  return bus
}

const isConnected = async (bus: NatsBus): Promise<boolean> => {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const heard = bus.onConnected(() => resolve(true))
  // A timer that keeps the process alive: nothing else may while the connection is being made.
  const timer = setTimeout(() => resolve(bus.connected), CONNECT_TIMEOUT_MS)
  if (bus.connected) resolve(true)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    heard.unsubscribe()
  }
}
