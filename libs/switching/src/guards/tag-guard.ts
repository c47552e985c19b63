import { isTagType } from '@wakunet/ethernet'
import type { GuardVerdict } from './guard-drops.ts'
import type { Guard, GuardFrame } from './guard-frame.ts'

/**
 * Which 802.1Q tags a VLAN carries inside: all, those of a list, or none. There is no native VLAN: nothing is added or
 * taken off. Priority tags (id 0) are untagged frames and always carried; two tags never are.
 */
export type TagPolicy =
  | { readonly mode: 'carry' }
  | { readonly mode: 'filter'; readonly vids: readonly number[] }
  | { readonly mode: 'none' }

/** Reserved for implementations (IEEE 802.1Q-2022 table 9-2). */
const RESERVED_VID = 0xfff

/** Keeps tags out that the policy does not carry, and whatever could be a second one. */
export class TagGuard implements Guard {
  #policy: TagPolicy
  /** One bit for each id. */
  readonly #carried = new Uint8Array(4096 / 8)

  constructor(policy: TagPolicy = { mode: 'none' }) {
    this.#policy = policy
    this.setPolicy(policy)
  }

  get policy(): TagPolicy {
    return this.#policy
  }

  setPolicy(policy: TagPolicy): void {
    this.#policy = policy
    this.#carried.fill(policy.mode === 'carry' ? 0xff : 0)
    if (policy.mode === 'filter') for (const vid of policy.vids) this.#carried[vid >>> 3]! |= 1 << (vid & 7)
    this.#carried[0]! |= 1
    this.#carried[RESERVED_VID >>> 3]! &= ~(1 << (RESERVED_VID & 7))
  }

  inspect({ bytes, offset, view }: GuardFrame): GuardVerdict {
    if (view.tagCount > 1 || isTagType(view.etherType)) return 'tag-double'
    // The tag types of older equipment; what is behind them was not looked at.
    if (view.etherType >= 0x9100 && view.etherType <= 0x9300 && (view.etherType & 0xff) === 0)
      return view.tagCount === 0 ? 'tag-filtered' : 'tag-double'
    if (view.tagCount === 0) return 'pass'
    const vid = ((bytes[offset + 14]! & 0x0f) << 8) | bytes[offset + 15]!
    return (this.#carried[vid >>> 3]! & (1 << (vid & 7))) === 0 ? 'tag-filtered' : 'pass'
  }
}
