/**
 * Why the datapath drops a frame that no guard objects to. Closed, so that it can label a counter.
 *
 * - `multicast-unwanted`: of a group that nobody there has joined
 * - `host-scope`: multicast that does not leave its host (RFC 4291 §2.7)
 * - `unknown-unicast`: for a station that nobody knows, while no member has others than its own behind it
 */
export const DATAPATH_DROPS = ['multicast-unwanted', 'host-scope', 'unknown-unicast'] as const
export type DatapathDrop = (typeof DATAPATH_DROPS)[number]
