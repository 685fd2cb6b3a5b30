import { UsageError } from '../core/errors.ts';

/**
 * The RC4 stream cipher ([RFC 6229] has its vectors). NTLM's sealing and key exchange ([MS-NLMP] 3.4) and standard
 * RDP security are defined by it; inside NLA it runs within TLS. Each instance is one keystream, used front to back.
 */
export class Rc4 {
  readonly #state = new Uint8Array(256);
  #i = 0;
  #j = 0;

  /** @param key 1 to 256 bytes */
  constructor(key: Uint8Array) {
    if (key.length === 0 || key.length > 256) throw new UsageError(`an RC4 key of ${key.length} bytes`);
    const state = this.#state;
    for (let i = 0; i < 256; i++) state[i] = i;
    let j = 0;
    for (let i = 0; i < 256; i++) {
      const swapped = state[i] ?? 0;
      j = (j + swapped + (key[i % key.length] ?? 0)) & 0xff;
      state[i] = state[j] ?? 0;
      state[j] = swapped;
    }
  }

  /** Encrypts or decrypts (they are the same) and moves the keystream on. Returns a new array. */
  process(data: Uint8Array): Uint8Array<ArrayBuffer> {
    const state = this.#state;
    const out = new Uint8Array(data.length);
    let i = this.#i;
    let j = this.#j;
    for (let at = 0; at < data.length; at++) {
      i = (i + 1) & 0xff;
      const x = state[i] ?? 0;
      j = (j + x) & 0xff;
      const y = state[j] ?? 0;
      state[i] = y;
      state[j] = x;
      out[at] = (data[at] ?? 0) ^ (state[(x + y) & 0xff] ?? 0);
    }
    this.#i = i;
    this.#j = j;
    return out;
  }
}

/** RC4 of one message under a key of its own: `RC4K(K, D)` of [MS-NLMP] 6. */
export function rc4(key: Uint8Array, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Rc4(key).process(data);
}
