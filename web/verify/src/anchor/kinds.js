// What evidence of anchors is called, and how large it may be (docs/formats.md §11.3).
export const KINDS = ['rfc3161', 'opentimestamps', 'arweave', 'evm', 'root-log'];
/** What a reader without a trust file says about time. */
export const NOBODY = { authorities: [], bitcoin: [], evm: [], rootLogs: [] };
export const EVIDENCE_BYTES_MAX = 256 * 1024;
