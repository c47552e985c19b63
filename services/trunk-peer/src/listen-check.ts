import { createServer } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { WakunetError } from '@wakunet/interface'

/**
 * Tries every TCP address that the host is about to listen on. libp2p reports a failed listen as prose only,
 * and passes over a taken IPv6 port; here each cause has its code and its advice.
 * @returns addresses that this host can have: IPv6 ones are left out where the kernel has no IPv6
 * @throws WakunetError `ERR_PORT_TAKEN`, `ERR_ADDRESS_INVALID`, `ERR_MISSING_PRIVILEGE`
 */
export async function usableListenAddresses(addresses: readonly string[]): Promise<string[]> {
  const usable: string[] = []
  for (const address of addresses) {
    const target = tcpTarget(address)
    const problem = target === null ? null : await tryListen(target)
    if (problem === 'EAFNOSUPPORT') continue
    if (problem !== null) throw refusal(address, problem)
    usable.push(address)
  }
  return usable
}

interface TcpTarget {
  readonly host: string
  readonly port: number
}

/** Host and port of a plain TCP multiaddr; null for others, which their transport checks. */
function tcpTarget(address: string): TcpTarget | null {
  const [ip, tcp] = multiaddr(address).getComponents()
  if ((ip?.name !== 'ip4' && ip?.name !== 'ip6') || tcp?.name !== 'tcp') return null
  return { host: ip.value ?? '', port: Number(tcp.value) }
}

/** @returns the system's error code, or null where it worked */
function tryListen({ host, port }: TcpTarget): Promise<string | null> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port, ipv6Only: true }, () => server.close(() => resolve(null)))
  })
}

function refusal(address: string, code: string): WakunetError {
  const where = `cannot listen on ${address} (trunk.listen)`
  switch (code) {
    case 'EADDRINUSE':
      return new WakunetError(
        'ERR_PORT_TAKEN',
        `${where}: the port is taken. See who has it with 'ss -ltnp', stop that program, or give another port`,
      )
    case 'EADDRNOTAVAIL':
      return new WakunetError(
        'ERR_ADDRESS_INVALID',
        `${where}: this host has no such address; see 'ip address'`,
      )
    case 'EACCES':
      return new WakunetError('ERR_MISSING_PRIVILEGE', `${where}: ports below 1024 need CAP_NET_BIND_SERVICE`)
    default:
      return new WakunetError('ERR_SYSTEM_CALL', `${where}: ${code}`)
  }
}
