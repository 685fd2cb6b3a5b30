import { createHash } from 'node:crypto';
import { GatheredBytes } from '../mp4/gathered-bytes.ts';
import { BOX_HEADER } from '../mp4/mp4-boxes.ts';

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
  readonly #waiting = new GatheredBytes();
  #described = false;
  #frames = 0;

  /** @param limit of bytes of frames; what comes after them is not looked at */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  /** @param bytes stay as they are */
  push(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    for (let box = this.#nextBox(); box !== undefined; box = this.#nextBox()) this.#take(box);
  }

  /** Whole ones; each is a fragment of its own. */
  get frames(): number {
    return this.#frames;
  }

  /** After the last whole fragment. */
  get state(): SegmentState {
    return { bytes: this.#bytes, sha256: this.#hash.copy().digest('hex') };
  }

  #nextBox(): Buffer | undefined {
    const size = this.#waiting.peek(BOX_HEADER)?.readUInt32BE(0) ?? 0;
    // Nothing that is written; whoever reads the segment will say so.
    return size < BOX_HEADER ? undefined : this.#waiting.take(size);
  }

  #take(box: Buffer): void {
    const type = box.toString('latin1', 4, BOX_HEADER);
    if (type === 'moof') this.#described = true;
    else if (type === 'mdat' && this.#described && this.#bytes < this.#limit) {
      this.#hash.update(box.subarray(BOX_HEADER));
      this.#bytes += box.length - BOX_HEADER;
      this.#frames += 1;
      this.#described = false;
    }
  }
}
