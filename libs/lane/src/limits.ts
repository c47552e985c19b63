/** Implementation limits of the lanes. */

/** Clients of one server that are attached at a time, each under a name of its own. */
export const MAX_LANE_CLIENTS = 16
/** Connections to one server that have not said who they are. */
export const MAX_UNATTACHED = 16
/** How long a connection may take to say who it is. */
export const HELLO_TIMEOUT_MS = 3_000
