import { BufferPool } from '../buffer-pool.ts';
import { encodeToHost, sizeOfUpdateFrame, type ToHost, writeUpdateFrame } from './ipc.ts';

/** Messages wait this long for company, so that a burst wakes the host once. */
const GATHER_MS = 8;
/** Those that nobody waits for: a session that is neither watched nor recorded. */
const PATIENT_GATHER_MS = 500;
/** More than this is written at once. */
const GATHER_BYTES = 64 * 1024;

/** Of all hosts, one after another. */
const POOL = new BufferPool();

/** What is on its way to the pixel host: gathered into one buffer, each update copied there and nowhere else. */
export class Outbox {
  readonly #write: (bytes: Buffer, done: () => void) => void;
  #buffer: Buffer | undefined;
  #length = 0;
  #timer: NodeJS.Timeout | undefined;
  #isPatient = false;

  /** @param write takes the bytes to the host, and says when it does not need them any more */
  constructor(write: (bytes: Buffer, done: () => void) => void) {
    this.#write = write;
  }

  /** @param patient whether it may wait for half a second */
  add(message: ToHost, patient: boolean): void {
    if (message.kind === 'update') {
      const size = sizeOfUpdateFrame(message);
      writeUpdateFrame(message, this.#room(size), this.#length);
      this.#length += size;
    } else {
      const frame = encodeToHost(message);
      this.#room(frame.length).set(frame, this.#length);
      this.#length += frame.length;
    }
    if (this.#length >= GATHER_BYTES) this.flush();
    else this.#schedule(patient);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const buffer = this.#buffer;
    const length = this.#length;
    this.#buffer = undefined;
    this.#length = 0;
    if (buffer !== undefined) this.#write(buffer.subarray(0, length), () => POOL.release(buffer));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #schedule(patient: boolean): void {
    if (this.#timer !== undefined && (patient || !this.#isPatient)) return;
    clearTimeout(this.#timer);
    this.#isPatient = patient;
    this.#timer = setTimeout(() => this.flush(), patient ? PATIENT_GATHER_MS : GATHER_MS);
  }

  /** A buffer with room for so much behind what is in it. */
  #room(size: number): Buffer {
    if (this.#buffer !== undefined && this.#length + size > this.#buffer.length) this.flush();
    this.#buffer ??= POOL.take(Math.max(size, GATHER_BYTES));
    return this.#buffer;
  }
}
