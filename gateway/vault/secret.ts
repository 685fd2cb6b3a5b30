import { inspect } from 'node:util';

/**
 * A secret in memory for as long as it is needed: bytes that can be wiped, where a string could not. Whatever prints,
 * logs or serialises it, gets none of it.
 */
export class Secret {
  #bytes: Uint8Array;

  /** @param bytes UTF-8, which are the secret's own from here on; a string is copied, and stays where it was */
  constructor(bytes: Uint8Array | string) {
    this.#bytes = typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes;
  }

  /** UTF-8. Not to be kept: they are wiped with it. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** For libraries that take nothing else. */
  text(): string {
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length).toString('utf8');
  }

  copy(): Secret {
    return new Secret(Uint8Array.from(this.#bytes));
  }

  wipe(): void {
    this.#bytes.fill(0);
    this.#bytes = new Uint8Array();
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}

const SHOWN = '[secret]';
