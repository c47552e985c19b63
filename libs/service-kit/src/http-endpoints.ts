import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Logger, type Startable, WakunetError } from '@wakunet/interface'
import type { MetricsRegistry } from './metrics.ts'

/** Whether a service can do its work now, and if not, why. */
export interface Readiness {
  readonly ready: boolean
  /** Empty when ready. */
  readonly reasons: readonly string[]
}

export interface HttpEndpointsComponents {
  readonly logger: Logger
  readonly metrics: MetricsRegistry
  readonly readiness: () => Readiness
}

export interface HttpEndpointsInit {
  /** Default 127.0.0.1: metrics tell much about a host. */
  readonly host?: string
  /** 0 takes any free port. */
  readonly port: number
  /** Configuration key to name when the port is taken. Default `http.port`. */
  readonly portKey?: string
}

const LIMITS = {
  headerBytes: 8 * 1024,
  headersMs: 5_000,
  requestMs: 10_000,
  keepAliveMs: 5_000,
  connections: 64,
  requestsPerConnection: 1_000,
} as const

/** `/healthz` (the process runs), `/readyz` (it can do its work), `/metrics` (Prometheus), by GET or HEAD. */
export class HttpEndpoints implements Startable {
  readonly #components: HttpEndpointsComponents
  readonly #init: HttpEndpointsInit
  #server: Server | null = null

  constructor(components: HttpEndpointsComponents, init: HttpEndpointsInit) {
    this.#components = components
    this.#init = init
  }

  /** Where it listens; null while stopped. */
  get address(): AddressInfo | null {
    const address = this.#server?.address()
    return address === null || address === undefined || typeof address === 'string' ? null : address
  }

  async start(): Promise<void> {
    if (this.#server !== null) return
    const server = createServer(
      {
        maxHeaderSize: LIMITS.headerBytes,
        headersTimeout: LIMITS.headersMs,
        requestTimeout: LIMITS.requestMs,
        keepAliveTimeout: LIMITS.keepAliveMs,
        connectionsCheckingInterval: 1_000,
      },
      (request, response) => void this.#answer(request, response),
    )
    server.maxConnections = LIMITS.connections
    server.maxRequestsPerSocket = LIMITS.requestsPerConnection
    this.#server = server
    try {
      await this.#listen(server)
    } catch (error) {
      this.#server = null
      throw error
    }
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = null
    if (server === null) return
    const { promise, resolve } = Promise.withResolvers<void>()
    server.close(() => resolve())
    server.closeAllConnections()
    await promise
  }

  #listen(server: Server): Promise<void> {
    const { host = '127.0.0.1', port } = this.#init
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', (error: NodeJS.ErrnoException) => reject(this.#listenError(error, host, port)))
    server.listen({ host, port }, () => {
      server.removeAllListeners('error')
      server.on('error', (error) => this.#components.logger.warn('http server error', { error }))
      resolve()
    })
    return promise
  }

  #listenError(error: NodeJS.ErrnoException, host: string, port: number): WakunetError {
    const key = this.#init.portKey ?? 'http.port'
    const where = `port ${port} on ${host}`
    switch (error.code) {
      case 'EADDRINUSE':
        return new WakunetError(
          'ERR_PORT_TAKEN',
          `TCP ${where} is in use by another program: stop it (\`ss -ltnp\` names it) or set ${key} to a free port`,
          { cause: error },
        )
      case 'EACCES':
        return new WakunetError(
          'ERR_MISSING_PRIVILEGE',
          `TCP ${where} needs a privilege that this process lacks: set ${key} to 1024 or above`,
          { cause: error },
        )
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
        return new WakunetError(
          'ERR_ADDRESS_INVALID',
          `${host} is not an address of this host: set the address beside ${key} to one that is, or to 127.0.0.1`,
          { cause: error },
        )
      default:
        return new WakunetError('ERR_SYSTEM_CALL', `cannot listen on TCP ${where}: ${error.message}`, {
          cause: error,
        })
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A body has no meaning here; the connection closes rather than reading one.
    if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined)
      response.setHeader('connection', 'close')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      return reply(request, response, 405, 'text/plain', 'only GET and HEAD\n')
    }
    try {
      await this.#route(request, response)
    } catch (error) {
      this.#components.logger.warn('http request failed', { error })
      reply(request, response, 500, 'text/plain', 'internal error\n')
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?', 1)[0]
    if (path === '/healthz') return reply(request, response, 200, 'text/plain', 'ok\n')
    if (path === '/readyz') {
      const { ready, reasons } = this.#components.readiness()
      return reply(
        request,
        response,
        ready ? 200 : 503,
        'application/json',
        `${JSON.stringify({ ready, reasons })}\n`,
      )
    }
    if (path === '/metrics') {
      const { metrics } = this.#components
      return reply(request, response, 200, metrics.contentType, await metrics.text())
    }
    reply(request, response, 404, 'text/plain', 'try /healthz, /readyz or /metrics\n')
  }
}

function reply(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}
