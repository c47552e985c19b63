import { decodeDomainNames, encodeDomainNames, joinBytes } from './domain-name.ts'
import { decodeAddresses } from './multicast-record.ts'
import { readUint16, readUint32, writeUint16, writeUint32 } from './numbers.ts'

/** How one kind of option is written. Both ways answer null for what the option cannot say. */
export interface OptionForm<T> {
  decode(data: Uint8Array): T | null
  encode(value: T): Uint8Array | null
}

/** Addresses of so many bytes, one at least. */
export function addressesForm(addressBytes: 4 | 16): OptionForm<readonly Uint8Array[]> {
  return {
    decode: (data) =>
      data.length === 0 || data.length % addressBytes !== 0
        ? null
        : decodeAddresses(data, 0, data.length, data.length / addressBytes, addressBytes),
    encode: (addresses) => (addresses.length === 0 ? null : joinBytes(addresses)),
  }
}

export const UINT8: OptionForm<number> = {
  decode: (data) => (data.length === 1 ? data[0]! : null),
  encode: (value) => Uint8Array.of(value),
}

export const UINT16: OptionForm<number> = {
  decode: (data) => (data.length === 2 ? readUint16(data, 0) : null),
  encode: (value) => {
    const data = new Uint8Array(2)
    writeUint16(data, 0, value)
    return data
  },
}

export const UINT32: OptionForm<number> = {
  decode: (data) => (data.length === 4 ? readUint32(data, 0) : null),
  encode: (value) => {
    const data = new Uint8Array(4)
    writeUint32(data, 0, value)
    return data
  },
}

/** Domain names, one at least; what is written is never compressed. */
export function namesForm(compressed: boolean): OptionForm<readonly string[]> {
  return {
    decode: (data) => (data.length === 0 ? null : decodeDomainNames(data, { compressed })),
    encode: (names) => (names.length === 0 ? null : encodeDomainNames(names)),
  }
}
