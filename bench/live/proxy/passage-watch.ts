import { FrameReader } from '#protocol/session/frame-reader.ts';
import { machineClock } from '../clock.ts';
import { MarkFinder, markBytes } from '../generator/mark.ts';
import type { ProxiedKind } from './joint.ts';
import { drawsPicture, keysIn } from './wire-watch.ts';

/** One key on its way: by `machineClock`, when it came to the server's door and when its picture left there. */
export interface PassedKey {
  readonly keyAt: number;
  readonly pictureAt: number;
}

/** Watches the bytes of one connection as they pass, below TLS. */
export class PassageWatch {
  bytes = 0;
  pictures = 0;
  closed = false;
  failure: string | undefined;
  readonly keys: PassedKey[] = [];
  readonly #kind: ProxiedKind;
  readonly #byMark: boolean;
  readonly #up = new FrameReader();
  readonly #down = new FrameReader();
  readonly #finder = new MarkFinder();
  #greeted = false;
  #pressed = 0;
  #waitingSince: number | undefined;

  constructor(kind: ProxiedKind, byMark: boolean) {
    this.#kind = kind;
    this.#byMark = byMark;
  }

  /** The client has sent this, and the server is about to get it. */
  fromClient(bytes: Uint8Array): void {
    const at = machineClock();
    const keys = this.#kind === 'tls' ? this.#rawKeys(bytes) : this.#framed(this.#up, bytes, keysIn);
    if (keys === 0) return;
    this.#pressed += keys;
    this.#waitingSince = at;
    if (this.#byMark) this.#finder.expect(markBytes(this.#pressed));
  }

  /** The server has sent this, and it is on its way to the client. */
  fromServer(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    const drawn = this.#kind === 'tls' ? 1 : this.#framed(this.#down, bytes, (frame) => (drawsPicture(frame) ? 1 : 0));
    this.pictures += drawn;
    if (this.#waitingSince === undefined) return;
    if (this.#byMark ? !this.#finder.isIn(bytes) : drawn === 0) return;
    this.keys.push({ keyAt: this.#waitingSince, pictureAt: machineClock() });
    this.#waitingSince = undefined;
  }

  /** The relay's viewer says its name and a line feed, then a byte for each key. */
  #rawKeys(bytes: Uint8Array): number {
    if (this.#greeted) return bytes.length;
    const end = bytes.indexOf(LINE_FEED);
    this.#greeted = end !== -1;
    return 0;
  }

  #framed(reader: FrameReader, bytes: Uint8Array, count: (frame: Uint8Array) => number): number {
    if (this.failure !== undefined) return 0;
    let sum = 0;
    try {
      reader.push(bytes, (frame) => {
        sum += count(frame);
        return true;
      });
    } catch (error) {
      this.failure = `what passes is not RDP: ${(error as Error).message}`;
    }
    return sum;
  }
}

const LINE_FEED = 0x0a;
