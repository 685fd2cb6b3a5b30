/** Keys and authenticators of licensing ([MS-RDPELE] 5.1). */
import { concatBytes, equalBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { DecodeError } from '../core/errors.ts';
import { encodeUtf8 } from '../core/text.ts';
import { Rc4 } from '../security/rc4.ts';

/** [MS-RDPELE] 5.1.2: what both ends make of the premaster secret and the two randoms. */
export class LicenseKeys {
  readonly #crypto: CryptoProvider;
  readonly #macSaltKey: Uint8Array;
  readonly #encryptionKey: Uint8Array;

  constructor(crypto: CryptoProvider, premaster: Uint8Array, clientRandom: Uint8Array, serverRandom: Uint8Array) {
    const master = saltedHashes(crypto, premaster, clientRandom, serverRandom);
    const session = saltedHashes(crypto, master, serverRandom, clientRandom);
    this.#crypto = crypto;
    this.#macSaltKey = session.subarray(0, 16);
    this.#encryptionKey = crypto.md5(concatBytes(session.subarray(16, 32), clientRandom, serverRandom));
  }

  /** Encrypts or decrypts one blob; each starts the keystream anew. */
  crypt(data: Uint8Array): Uint8Array {
    return new Rc4(this.#encryptionKey).process(data);
  }

  /** [MS-RDPELE] 5.1.5 MACData. */
  mac(data: Uint8Array): Uint8Array {
    const length = Uint8Array.of(
      data.length & 0xff,
      (data.length >>> 8) & 0xff,
      (data.length >>> 16) & 0xff,
      data.length >>> 24,
    );
    const inner = this.#crypto.sha1(concatBytes(this.#macSaltKey, PAD_1, length, data));
    return this.#crypto.md5(concatBytes(this.#macSaltKey, PAD_2, inner));
  }

  verify(mac: Uint8Array, data: Uint8Array, context: string): void {
    if (!equalBytes(mac, this.mac(data))) throw new DecodeError('integrity', context, 'MACData', 0);
  }
}

const PAD_1 = new Uint8Array(40).fill(0x36);
const PAD_2 = new Uint8Array(48).fill(0x5c);

/** 48 bytes: the salted hashes of "A", "BB" and "CCC" ([MS-RDPELE] 5.1.3). */
function saltedHashes(crypto: CryptoProvider, secret: Uint8Array, first: Uint8Array, second: Uint8Array): Uint8Array {
  const hash = (input: string) =>
    crypto.md5(concatBytes(secret, crypto.sha1(concatBytes(encodeUtf8(input), secret, first, second))));
  return concatBytes(hash('A'), hash('BB'), hash('CCC'));
}
