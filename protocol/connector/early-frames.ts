import { DecodeError } from '../core/errors.ts';
import { frameKind } from '../pdu/tpkt.ts';

/** Frames that came before the connection sequence was over and belong to the active stage: kept whole, in order. */
export class EarlyFrames {
  readonly #limit: number;
  #frames: Uint8Array[] = [];
  #size = 0;

  /** @param limit bytes in all */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Copies the frame. Throws `DecodeError` past the limit. */
  keep(frame: Uint8Array): void {
    this.#size += frame.length;
    if (this.#size > this.#limit) {
      throw new DecodeError('limit_exceeded', 'connection sequence', 'early frames', 0, `${this.#size} bytes`);
    }
    this.#frames.push(frame.slice());
  }

  /** Forgets what belongs to a share that is gone: its pictures. What came on channels, and of the logon, holds still. */
  dropPictures(): void {
    this.#frames = this.#frames.filter((frame) => frameKind(frame[0] ?? 0) !== 'fast-path');
    this.#size = this.#frames.reduce((sum, frame) => sum + frame.length, 0);
  }

  /** All of them; there are none afterwards. */
  take(): Uint8Array[] {
    this.#size = 0;
    return this.#frames.splice(0);
  }
}
