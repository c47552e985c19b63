/** The members of a VLAN as a plain list that is searched from its beginning. */
export class MemberList<P extends { readonly id: Uint8Array }> {
  readonly all: readonly P[]

  constructor(all: readonly P[]) {
    this.all = all
  }

  /** The member whose 16-byte id is at `offset`, or null. */
  find(bytes: Uint8Array, offset: number): P | null {
    const isThere = ({ id }: P) => id.every((byte, i) => bytes[offset + i] === byte)
    return this.all.find(isThere) ?? null
  }
}
