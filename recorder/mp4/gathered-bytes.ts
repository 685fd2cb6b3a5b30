/** Bytes that come in some pieces and are taken in others. They are joined once what is wanted is there, not with each piece. */
export class GatheredBytes {
  #pieces: Buffer[] = [];
  #length = 0;

  /** @param bytes stay as they are: what is handed out lies in them */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    this.#length += bytes.length;
  }

  /** The first so many, which stay; nothing while they are not all there. */
  peek(length: number): Buffer | undefined {
    if (this.#length < length) return undefined;
    let [first] = this.#pieces;
    if (first === undefined || first.length < length) {
      first = Buffer.concat(this.#pieces);
      this.#pieces = [first];
    }
    return first.subarray(0, length);
  }

  /** The first so many; nothing while they are not all there. */
  take(length: number): Buffer | undefined {
    const bytes = this.peek(length);
    if (bytes === undefined) return undefined;
    const rest = (this.#pieces.shift() as Buffer).subarray(length);
    if (rest.length > 0) this.#pieces.unshift(rest);
    this.#length -= length;
    return bytes;
  }
}
