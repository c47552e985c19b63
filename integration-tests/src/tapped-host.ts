import type { LabHost } from '@wakunet/netlab'
import type { HostSettings } from './host.ts'
import { LaneTap } from './lane-tap-process.ts'
import { LANE_SOCKET, ServicesHost } from './services-host.ts'

const TAPPED_SOCKET = 'tapped.sock'

/** A host of honest services with somebody on the lane between them. */
export class TappedHost extends ServicesHost {
  #tap: LaneTap | null = null

  constructor(lab: LabHost, settings: HostSettings) {
    super(lab, settings, 'unix', TAPPED_SOCKET)
  }

  get tap(): LaneTap {
    if (this.#tap === null) throw new Error('the host was not started')
    return this.#tap
  }

  override async start(process?: string): Promise<void> {
    this.#tap ??= await LaneTap.start(this.lab, LANE_SOCKET, TAPPED_SOCKET)
    await super.start(process)
  }
}
