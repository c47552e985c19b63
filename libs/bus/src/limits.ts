/** Implementation limits of the bus; none of them is on a wire. */

/** Largest message, as JSON text. Checked before it is parsed. */
export const MAX_BUS_MESSAGE_BYTES = 4 * 1024 * 1024
export const DEFAULT_REQUEST_TIMEOUT_MS = 5_000
/** A longer timeout is cut to this. */
export const MAX_REQUEST_TIMEOUT_MS = 300_000
/** Requests of this bus that wait for their answer. */
export const MAX_PENDING_REQUESTS = 256
/** Handlers of one subject that run at a time. */
export const MAX_RUNNING_HANDLERS = 64
/** Events that wait for their handlers; the newest is dropped when there is no room. */
export const MAX_QUEUED_EVENTS = 1_024
export const MAX_QUEUED_EVENT_BYTES = 16 * 1024 * 1024
/** Bytes that were published and that the NATS server has not confirmed; what comes on top is refused. */
export const MAX_UNSENT_BYTES = 16 * 1024 * 1024
/** How long stop() waits for handlers that are still running, and for what they say to leave. */
export const DRAIN_TIMEOUT_MS = 2_000

/** Longest line that the control socket takes from a client. Replies may be as long as any message. */
export const MAX_CONTROL_LINE_BYTES = 1024 * 1024
export const MAX_CONTROL_CLIENTS = 16
/** Requests of one client of the control socket that are under way. */
export const MAX_CONTROL_REQUESTS = 32
