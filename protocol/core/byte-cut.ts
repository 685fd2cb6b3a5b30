/** Parts of a byte array that stay, in order, and what is put between them; nothing is copied, and parts that touch are one. */
export class ByteCut {
  readonly #source: Uint8Array;
  readonly #parts: Uint8Array[] = [];
  #from = 0;
  #to = 0;

  constructor(source: Uint8Array) {
    this.#source = source;
  }

  /** Bytes `from` to `to` of the source stay; later ones than those before. */
  keep(from: number, to: number): void {
    if (from !== this.#to) {
      this.#close();
      this.#from = from;
    }
    this.#to = to;
  }

  insert(...parts: readonly Uint8Array[]): void {
    this.#close();
    for (const part of parts) this.#parts.push(part);
  }

  /** The source itself where all of it stays. */
  finish(): readonly Uint8Array[] {
    if (this.#parts.length === 0 && this.#from === 0 && this.#to === this.#source.length) return [this.#source];
    this.#close();
    return this.#parts;
  }

  #close(): void {
    if (this.#to > this.#from) this.#parts.push(this.#source.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }
}

export function sizeOfParts(parts: readonly Uint8Array[]): number {
  let size = 0;
  for (const part of parts) size += part.length;
  return size;
}

/** A copy of some bytes: `slice` of a Node buffer is a view. */
export function copyOf(source: Uint8Array, from: number, to: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(source.subarray(from, to));
}
