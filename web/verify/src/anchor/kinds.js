// What evidence of anchors is called, and how large it may be (docs/formats.md §11.3).
export const KINDS = ['rfc3161', 'opentimestamps', 'arweave', 'evm'];
export const EVIDENCE_BYTES_MAX = 256 * 1024;
