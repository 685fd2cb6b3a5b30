import { createHash } from 'node:crypto';

/** What a segment holds, whole fragments only. */
export interface SegmentState {
  /** Bytes of frames: the contents of `mdat` boxes, which are what the joined video holds of it. */
  readonly bytes: number;
  /** SHA-256 of them, hex. */
  readonly sha256: string;
}

/** Hashes the frames of a fragmented MP4 while it passes by, fragment by fragment. */
export class SegmentDigest {
  readonly #hash = createHash('sha256');
  readonly #limit: number;
  #bytes = 0;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** How many bytes the box at the front of what waits has; at least its header, while that is not there. */
  #wanted = HEADER_SIZE;
  #described = false;
  #frames = 0;

  /** @param limit of bytes of frames; what comes after them is not looked at */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  push(bytes: Uint8Array): void {
    this.#waiting.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.#waitingBytes += bytes.length;
    while (this.#waitingBytes >= this.#wanted) this.#takeBox();
    // Copied where it stays: the caller's bytes may change.
    const last = this.#waiting.pop();
    if (last !== undefined) this.#waiting.push(Buffer.from(last));
  }

  /** Whole ones; each is a fragment of its own. */
  get frames(): number {
    return this.#frames;
  }

  /** After the last whole fragment. */
  get state(): SegmentState {
    return { bytes: this.#bytes, sha256: this.#hash.copy().digest('hex') };
  }

  #takeBox(): void {
    const all = this.#waiting.length === 1 ? (this.#waiting[0] as Buffer) : Buffer.concat(this.#waiting);
    this.#waiting = [all];
    const size = all.readUInt32BE(0);
    // Nothing that the muxer writes; whoever reads the segment will say so.
    this.#wanted = size < HEADER_SIZE ? Number.POSITIVE_INFINITY : size;
    if (all.length < this.#wanted) return;
    const type = all.toString('latin1', 4, 8);
    if (type === 'moof') this.#described = true;
    else if (type === 'mdat' && this.#described && this.#bytes < this.#limit) {
      this.#hash.update(all.subarray(HEADER_SIZE, size));
      this.#bytes += size - HEADER_SIZE;
      this.#frames += 1;
      this.#described = false;
    }
    const rest = all.subarray(size);
    this.#waiting = rest.length > 0 ? [rest] : [];
    this.#waitingBytes = rest.length;
    this.#wanted = HEADER_SIZE;
  }
}

const HEADER_SIZE = 8;
