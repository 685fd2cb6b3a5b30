import type { Rect } from '#protocol/graphics/geometry.ts';
import type { FrameSource, RecordedPointer } from '../../recorder/recording.ts';
import type { SessionRecorder } from '../../recorder/session-recorder.ts';
import type { FakeClock } from '../../recorder/testing/fake-clock.ts';
import { TICK_MS } from './scenario.ts';
import type { Work, WorkListener } from './work.ts';

/** The recorder's source; keeps what drawing costs apart from what recording costs, and how late each picture is. */
export class ObservedWork implements FrameSource {
  readonly #work: Work;
  readonly #clock: FakeClock;
  #started = false;
  #firstUnseen: number | undefined;
  #pointer = HIDDEN;
  #drawingCpu = 0;
  #looks = 0;
  worstStalenessMs = 0;

  constructor(work: Work, clock: FakeClock) {
    this.#work = work;
    this.#clock = clock;
  }

  /** There is no desktop before it shows something: its first picture is a whole one. */
  get width(): number {
    return this.#started ? this.#work.width : 0;
  }

  get height(): number {
    return this.#started ? this.#work.height : 0;
  }

  get pixels(): Uint8ClampedArray | Uint8Array {
    return this.#work.pixels;
  }

  /** Microseconds of processor time that are not the recorder's: drawing, and looking at the clock for it. */
  drawingCpu(): number {
    return this.#drawingCpu + this.#looks * microsecondsOfALook();
  }

  /** Lets `recorder` record so many milliseconds of it, in a time that runs as fast as the encoder. */
  async run(recorder: SessionRecorder, durationMs: number): Promise<void> {
    const changed = (tell: (now: number) => void) => {
      this.#firstUnseen ??= this.#clock.now();
      tell(this.#clock.now());
    };
    const listener: WorkListener = {
      changed: (rects) => changed((now) => recorder.damaged(rects, now)),
      pointer: (x, y, pointer) => {
        const before = this.#pointer;
        this.#pointer = pointer.kind === 'hidden' ? HIDDEN : { x: Math.round(x), y: Math.round(y), pointer };
        // Who is told the same again, or that what cannot be seen has moved, sees nothing that a frame could show late.
        if (isSame(before, this.#pointer)) recorder.pointer(x, y, pointer, this.#clock.now());
        else changed((now) => recorder.pointer(x, y, pointer, now));
      },
    };
    await this.#timed(() => this.#work.start(listener));
    this.#started = true;
    recorder.resized(this.#clock.now());
    for (let ms = TICK_MS; ms <= durationMs; ms += TICK_MS) {
      await this.#clock.advance(TICK_MS, () => recorder.drained());
      await this.#timed(() => this.#work.step(ms));
    }
  }

  prepare(): readonly Rect[] {
    if (this.#firstUnseen !== undefined) {
      this.worstStalenessMs = Math.max(this.worstStalenessMs, this.#clock.now() - this.#firstUnseen);
      this.#firstUnseen = undefined;
    }
    const before = process.cpuUsage();
    const rects = this.#work.prepare?.() ?? [];
    this.#drawn(before);
    return rects;
  }

  async #timed(work: () => void | Promise<void>): Promise<void> {
    const before = process.cpuUsage();
    await work();
    this.#drawn(before);
  }

  #drawn(before: NodeJS.CpuUsage): void {
    this.#looks += 1;
    this.#drawingCpu += microseconds(process.cpuUsage(before));
  }
}

/** The pointer as it is seen. */
interface SeenPointer {
  readonly x: number;
  readonly y: number;
  readonly pointer: RecordedPointer;
}

const HIDDEN: SeenPointer = { x: 0, y: 0, pointer: { kind: 'hidden' } };

function isSame(one: SeenPointer, other: SeenPointer): boolean {
  const { kind, shape } = one.pointer;
  return one.x === other.x && one.y === other.y && kind === other.pointer.kind && shape === other.pointer.shape;
}

/** What a look costs beyond what it sees of itself: there are twenty for each second, on a screen where nothing happens too. */
function microsecondsOfALook(): number {
  const before = process.cpuUsage();
  let seen = 0;
  for (let look = 0; look < LOOKS; look++) seen += microseconds(process.cpuUsage(process.cpuUsage()));
  return (microseconds(process.cpuUsage(before)) - seen) / LOOKS;
}

function microseconds({ user, system }: NodeJS.CpuUsage): number {
  return user + system;
}

const LOOKS = 2000;
