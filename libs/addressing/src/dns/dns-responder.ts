import {
  DNS_BADVERS,
  DNS_CLASS_IN,
  DNS_FLAG_AUTHORITATIVE,
  DNS_FLAG_CHECKING_DISABLED,
  DNS_FLAG_RECURSION_DESIRED,
  DNS_FLAG_RESPONSE,
  DNS_FLAG_TRUNCATED,
  DNS_FORMERR,
  DNS_MIN_UDP_BYTES,
  DNS_NOERROR,
  DNS_NOTIMP,
  DNS_NXDOMAIN,
  DNS_OPCODE_QUERY,
  DNS_REFUSED,
  DNS_TYPE,
  type DnsHeader,
  type DnsMessage,
  type DnsQuestion,
  decodeDnsHeader,
  decodeDnsMessage,
  decodeEdns,
  dnsOpcode,
  EDNS_VERSION,
  type Edns,
  encodeDnsMessage,
  encodeEdns,
  splitDnsName,
  toLowerDnsName,
} from '@wakunet/ethernet'
import type { Zone, ZoneAnswer } from './zone.ts'

/** Largest answer: fits the smallest IPv6 MTU, so it is never fragmented (RFC 9715 §3.1). */
export const MAX_ANSWER_BYTES = 1_232
const EMPTY = { questions: [], answers: [], authorities: [], additionals: [] } as const
/** Of the question that an answer repeats. */
const REPEATED_FLAGS = DNS_FLAG_RECURSION_DESIRED | DNS_FLAG_CHECKING_DISABLED

interface Answer {
  readonly code: number
  readonly answer: ZoneAnswer | null
}

/**
 * Answers DNS queries over UDP for the names of one VLAN, and refuses all others, so that a resolver asks its next server. It keeps no state and
 * asks nobody. The caller lets in senders of the VLAN alone, and limits their rate.
 */
export class DnsResponder {
  #zone: Zone

  constructor(zone: Zone) {
    this.#zone = zone
  }

  setZone(zone: Zone): void {
    this.#zone = zone
  }

  /** The answer to the payload of a datagram; null for what is no question, which nobody answers. */
  answer(payload: Uint8Array): Uint8Array | null {
    const header = decodeDnsHeader(payload)
    // An answer to an answer would go on for ever.
    if (header === null || (header.flags & DNS_FLAG_RESPONSE) !== 0) return null
    if (dnsOpcode(header.flags) !== DNS_OPCODE_QUERY) return errorMessage(header, DNS_NOTIMP)
    const query = decodeDnsMessage(payload)
    const [question] = query?.questions ?? []
    // RFC 9619: one question, or none of them can be answered.
    if (query === null || question === undefined || query.questions.length !== 1) {
      return errorMessage(header, DNS_FORMERR)
    }
    const edns = readEdns(query)
    if (edns === undefined) return errorMessage(header, DNS_FORMERR)
    if (edns !== null && edns.version > EDNS_VERSION)
      return respond(query, edns, { code: DNS_BADVERS, answer: null })
    return respond(query, edns, this.#answerOf(question))
  }

  #answerOf(question: DnsQuestion): Answer {
    const { type } = question
    if (question.class !== DNS_CLASS_IN || type === DNS_TYPE.axfr || type === DNS_TYPE.ixfr) {
      return { code: DNS_REFUSED, answer: null }
    }
    const labels = splitDnsName(toLowerDnsName(question.name))
    const answer = this.#zone.find(question.name, labels, type)
    if (answer === null) return { code: DNS_REFUSED, answer: null }
    return { code: answer.exists ? DNS_NOERROR : DNS_NXDOMAIN, answer }
  }
}

/** The EDNS record of a query: null for none, undefined where there are several, or one in the wrong place (RFC 6891 §6.1.1). */
function readEdns(query: DnsMessage): Edns | null | undefined {
  if ([...query.answers, ...query.authorities].some(({ type }) => type === DNS_TYPE.opt)) return undefined
  const records = query.additionals.filter(({ type }) => type === DNS_TYPE.opt)
  if (records.length === 0) return null
  return records.length === 1 ? (decodeEdns(records[0]!) ?? undefined) : undefined
}

function respond(query: DnsMessage, edns: Edns | null, { code, answer }: Answer): Uint8Array | null {
  const isAuthoritative = answer === null ? 0 : DNS_FLAG_AUTHORITATIVE
  const records = answer?.records ?? []
  const message: DnsMessage = {
    id: query.id,
    flags: DNS_FLAG_RESPONSE | (query.flags & REPEATED_FLAGS) | isAuthoritative | (code & 0x0f),
    questions: query.questions,
    answers: records,
    authorities: answer === null || records.length > 0 ? [] : [answer.soa],
    additionals: edns === null ? [] : [encodeEdns({ ...OWN_EDNS, extendedCode: code >>> 4 })],
  }
  const bytes = encodeDnsMessage(message)
  const limit = Math.min(MAX_ANSWER_BYTES, Math.max(DNS_MIN_UDP_BYTES, edns?.udpBytes ?? 0))
  if (bytes === null || bytes.length <= limit) return bytes
  // RFC 2181 §9: rather nothing than a part that looks like all.
  return encodeDnsMessage({
    ...message,
    flags: message.flags | DNS_FLAG_TRUNCATED,
    answers: [],
    authorities: [],
  })
}

const OWN_EDNS: Edns = {
  udpBytes: MAX_ANSWER_BYTES,
  extendedCode: 0,
  version: EDNS_VERSION,
  dnssecOk: false,
  options: new Uint8Array(0),
}

/** An answer to what cannot be read: a header alone. */
function errorMessage({ id, flags }: DnsHeader, code: number): Uint8Array | null {
  const kept = flags & (REPEATED_FLAGS | 0x7800)
  return encodeDnsMessage({ ...EMPTY, id, flags: DNS_FLAG_RESPONSE | kept | code })
}
