// Key ids: COSE Key Thumbprints (RFC 9679) of Ed25519 keys (docs/formats.md §1) and of ML-DSA-44 keys (§6.1).
import { hex } from './bytes.js';
import { encodeCbor } from './cbor.js';
import { sha256 } from './sha256.js';

const KTY = 1, OKP = 1, CRV = -1, ED25519 = 6, X = -2, AKP = 7, ALG = 3, ML_DSA_44 = -48, PUB = -1;

/** 64 hex digits. */
export const keyIdOf = (publicKey) => hex(sha256(encodeCbor(new Map([[KTY, OKP], [CRV, ED25519], [X, publicKey]]))));
export const secondKeyIdOf = (publicKey) => hex(sha256(encodeCbor(new Map([[KTY, AKP], [ALG, ML_DSA_44], [PUB, publicKey]]))));
