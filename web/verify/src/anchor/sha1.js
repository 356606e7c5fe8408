// SHA-1 (FIPS 180-4), only to compare with what older time-stamps and OpenTimestamps proofs were made with; nothing new rests on it.
const BLOCK = 64;

const turn = (word, by) => (word << by) | (word >>> (32 - by));

export function sha1(bytes) {
  const padded = new Uint8Array((Math.floor((bytes.length + 8) / BLOCK) + 1) * BLOCK);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, bytes.length * 8);
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const w = new Int32Array(80);
  for (let block = 0; block < padded.length; block += BLOCK) {
    for (let t = 0; t < 80; t++) w[t] = t < 16 ? view.getInt32(block + t * 4) : turn(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    let [a, b, c, d, e] = state;
    for (let t = 0; t < 80; t++) {
      const [mix, constant] = t < 20 ? [(b & c) | (~b & d), 0x5a827999]
        : t < 40 ? [b ^ c ^ d, 0x6ed9eba1]
          : t < 60 ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc] : [b ^ c ^ d, 0xca62c1d6];
      [a, b, c, d, e] = [(turn(a, 5) + mix + e + constant + w[t]) | 0, a, turn(b, 30), c, d];
    }
    [a, b, c, d, e].forEach((word, at) => { state[at] = (state[at] + word) | 0; });
  }
  const out = new DataView(new ArrayBuffer(20));
  state.forEach((word, at) => out.setInt32(at * 4, word));
  return new Uint8Array(out.buffer);
}
