import { findFrameSize } from '../pdu/tpkt.ts';

/**
 * Cuts the byte stream of an established connection into frames, TPKT or fast-path.
 *
 * Frames that came whole are handed out as views of what came, without a copy; only a frame cut by the end of a read
 * is kept. Holds less than one frame, so at most 64 KiB, and works in linear time however small the reads are. Allocates
 * nothing once it has seen frames as large as they come.
 */
export class FrameReader {
  #pending: Uint8Array = new Uint8Array(0);
  /** Held the last frame that was put together: its views are good until the next call, and no longer. */
  #handedOut: Uint8Array = new Uint8Array(0);
  #length = 0;

  /**
   * Calls `onFrame` for each whole frame, in order. The frame is good until `onFrame` returns or, if the caller keeps
   * `bytes` untouched, until the next call. Stops early when `onFrame` returns false.
   *
   * @param pass takes whole frames itself, as many as it likes from an offset on, and returns the offset behind them
   * @returns how many bytes were taken: all, unless it was stopped; what is left is the caller's to bring again, or not
   * @throws DecodeError when a frame's header is wrong; nothing can be read behind it
   */
  push(
    bytes: Uint8Array,
    onFrame: (frame: Uint8Array) => boolean,
    pass?: (bytes: Uint8Array, at: number) => number,
  ): number {
    let at = 0;
    if (this.#length > 0) {
      at = this.#complete(bytes);
      if (this.#length === 0 || this.#frameSize() !== this.#length) return at;
      const frame = this.#pending.subarray(0, this.#length);
      // The next one that is cut goes where the one before this was: this frame's views are in use until the next call.
      [this.#pending, this.#handedOut] = [this.#handedOut, this.#pending];
      this.#length = 0;
      if (!onFrame(frame)) return at;
    }
    if (pass !== undefined) at = pass(bytes, at);
    while (at < bytes.length) {
      const size = findFrameSize(bytes, at);
      if (size === undefined || at + size > bytes.length) break;
      const frame = bytes.subarray(at, at + size);
      at += size;
      if (!onFrame(frame)) return at;
      if (pass !== undefined) at = pass(bytes, at);
    }
    if (at < bytes.length) this.#keep(bytes.subarray(at));
    return bytes.length;
  }

  /** Takes from `bytes` what the kept frame still needs; returns how much that was. */
  #complete(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length) {
      const size = this.#frameSize();
      if (size === this.#length) break;
      // While the header itself is cut, one byte at a time: it has four at most.
      const take = size === undefined ? 1 : Math.min(size - this.#length, bytes.length - at);
      this.#keep(bytes.subarray(at, at + take), size);
      at += take;
    }
    return at;
  }

  #frameSize(): number | undefined {
    return findFrameSize(this.#pending.subarray(0, this.#length));
  }

  #keep(bytes: Uint8Array, frameSize = 0): void {
    const length = this.#length + bytes.length;
    if (length > this.#pending.length) {
      const larger = new Uint8Array(Math.max(length, frameSize));
      larger.set(this.#pending.subarray(0, this.#length));
      this.#pending = larger;
    }
    this.#pending.set(bytes, this.#length);
    this.#length = length;
  }
}
