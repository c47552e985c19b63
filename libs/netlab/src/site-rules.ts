/** How a site is joined to the internet. NAT kinds in the words of RFC 3489 §5; RFC 4787 splits them into mapping and filtering. */
export const NAT_KINDS = [
  /** A public address, no router of its own. */
  'none',
  /** A public address behind a router that lets in what was asked for alone. */
  'firewall',
  'full-cone',
  'address-restricted',
  'port-restricted',
  'symmetric',
] as const
export type NatKind = (typeof NAT_KINDS)[number]

export interface SiteInit {
  readonly nat: NatKind
  /** What the router does not let out. */
  readonly blocked?: Blocked
  /** TCP and UDP ports of the host that the router forwards from outside. Not for `none`. */
  readonly forwards?: readonly number[]
  /** Global IPv6 addresses; behind a router, its firewall lets in what was asked for alone. Default false. */
  readonly ipv6?: boolean
}

/** `all-but-web`: only TCP to ports 80 and 443 gets out, as from a guarded office. */
export type Blocked = 'nothing' | 'udp' | 'all-but-web'

/** The two sides of a router. */
export const WAN_INTERFACE = 'wan'
export const LAN_INTERFACE = 'lan'

const TABLE = 'wakunet_site'
const BLOCKS_TABLE = 'wakunet_blocks'
const FORGOTTEN_AFTER = '120s'

/**
 * nft rules of a site's router.
 *
 * Plain masquerading maps one inside port to one outside port for all destinations (`find_appropriate_src` in
 * net/netfilter/nf_nat_core.c) and keeps its number where it is free, which with one host it is. What comes back is let in from
 * the very address and port that were asked: port-restricted. With `fully-random` every destination gets a port of its own: symmetric.
 * The two wider kinds let in more by a map from outside port to inside that everything going out fills.
 * @param host IPv4 address of the host behind the router
 */
export function siteRules({ nat, forwards = [] }: SiteInit, host: string): string {
  if (nat === 'none') return ''
  const lines = [...inputRules(), ...forwardRules()]
  if (nat === 'firewall') return tables(lines, [])
  return tables(lines, natRules(nat, forwards, host))
}

/** Rules that replace what a router does not let out. */
export function blockRules(blocked: Blocked): string {
  const verdicts: Readonly<Record<Blocked, readonly string[]>> = {
    nothing: [],
    udp: ['meta l4proto udp drop'],
    'all-but-web': [
      `iifname "${LAN_INTERFACE}" tcp dport { 80, 443 } accept`,
      `iifname "${LAN_INTERFACE}" drop`,
    ],
  }
  return `table inet ${BLOCKS_TABLE}
delete table inet ${BLOCKS_TABLE}
table inet ${BLOCKS_TABLE} {
  chain forward {
    type filter hook forward priority filter - 10; policy accept;
    ${verdicts[blocked].join('\n    ')}
  }
}
`
}

/**
 * Nothing from outside reaches the router itself: an answer of its own would tell a stranger's dial apart from a lost one, and a packet
 * that it keeps would take the port that a hole is about to be punched for.
 */
function inputRules(): string[] {
  return [
    'chain input {',
    '  type filter hook input priority filter; policy accept;',
    `  iifname "${WAN_INTERFACE}" icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept`,
    `  iifname "${WAN_INTERFACE}" ct state new drop`,
    '}',
  ]
}

function forwardRules(): string[] {
  return [
    'chain forward {',
    '  type filter hook forward priority filter; policy accept;',
    // What was translated on its way in was let in by the rules of the NAT.
    `  iifname "${WAN_INTERFACE}" ct status dnat accept`,
    `  iifname "${WAN_INTERFACE}" ct state new drop`,
    '}',
  ]
}

function natRules(
  nat: Exclude<NatKind, 'none' | 'firewall'>,
  forwards: readonly number[],
  host: string,
): string[] {
  const isWide = nat === 'full-cone' || nat === 'address-restricted'
  return [
    ...(isWide ? ['udp', 'tcp'].flatMap(wideMaps) : []),
    'chain prerouting {',
    '  type nat hook prerouting priority dstnat; policy accept;',
    ...forwards.flatMap((port) =>
      ['udp', 'tcp'].map(
        (kind) => `  iifname "${WAN_INTERFACE}" ${kind} dport ${port} dnat to ${host}:${port}`,
      ),
    ),
    ...(isWide ? ['udp', 'tcp'].map((kind) => letIn(nat, kind)) : []),
    '}',
    'chain asked {',
    '  type filter hook postrouting priority srcnat - 1; policy accept;',
    ...(isWide ? ['udp', 'tcp'].flatMap(note) : []),
    '}',
    'chain postrouting {',
    '  type nat hook postrouting priority srcnat; policy accept;',
    `  oifname "${WAN_INTERFACE}" masquerade${nat === 'symmetric' ? ' random,fully-random' : ''}`,
    '}',
  ]
}

function wideMaps(kind: string): string[] {
  const size = `flags dynamic,timeout; timeout ${FORGOTTEN_AFTER}; size 16384;`
  return [
    `map ${kind}_inside { type inet_service : ipv4_addr . inet_service; ${size} }`,
    `set ${kind}_asked { type inet_service . ipv4_addr; ${size} }`,
  ]
}

/** The full cone lets in everybody to a port that something went out from; the restricted one those that it went to. */
function letIn(nat: 'full-cone' | 'address-restricted', kind: string): string {
  const known = nat === 'full-cone' ? '' : `${kind} dport . ip saddr @${kind}_asked `
  return `  iifname "${WAN_INTERFACE}" meta l4proto ${kind} ${known}dnat ip to ${kind} dport map @${kind}_inside`
}

function note(kind: string): string[] {
  const out = `  oifname "${WAN_INTERFACE}" meta l4proto ${kind} update`
  return [
    `${out} @${kind}_inside { ${kind} sport : ip saddr . ${kind} sport }`,
    `${out} @${kind}_asked { ${kind} sport . ip daddr }`,
  ]
}

function tables(filter: readonly string[], nat: readonly string[]): string {
  const translation = nat.length === 0 ? '' : `table ip ${TABLE} {\n${nat.join('\n')}\n}\n`
  return `table inet ${TABLE} {\n${filter.join('\n')}\n}\n${translation}`
}
