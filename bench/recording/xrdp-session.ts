import { setTimeout as sleep } from 'node:timers/promises';
import type { SKRSContext2D } from '@napi-rs/canvas';
import { Compositor } from '#protocol/graphics/compositor.ts';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { createSurfaceCodecs } from '#protocol/graphics/surface-codecs.ts';
import { type GraphicsUpdate, isDrawing } from '#protocol/graphics/update.ts';
import { UpdateQueue } from '#protocol/graphics/update-queue.ts';
import { connectTo } from '../../test/lab/client.ts';
import { startXrdp } from '../../test/lab/xrdp.ts';
import { RealDesktop, type RealWork } from './real-work.ts';
import { paintOnto, type Work, type WorkListener } from './work.ts';

/** What a server sent, and where the user's pointer went; `at` in milliseconds since the work began, what came before is 0. */
type Moment =
  | { readonly at: number; readonly update: GraphicsUpdate }
  | { readonly at: number; readonly x: number; readonly y: number };

/** Logs on to an xrdp of our own and works there for so long, in real programs and in real time, as root (the server needs it). */
export async function workOnXrdp(work: RealWork, minutes: number): Promise<Work> {
  const server = await startXrdp();
  const moments: Moment[] = [];
  let beganAt: number | undefined;
  const now = () => (beganAt === undefined ? 0 : performance.now() - beganAt);
  try {
    const size = { width: 1920, height: 1080 };
    const client = connectTo({ ...server, ...size }, {}, (update) => moments.push({ at: now(), update }));
    const desktop = new RealDesktop(await server.desktop(), (x, y) => {
      client.connection.input([{ kind: 'mouse-move', x, y }]);
      moments.push({ at: now(), x, y });
    });
    await work.setUp(desktop);
    beganAt = performance.now();
    const end = AbortSignal.timeout(minutes * 60_000);
    while (!end.aborted) await work.round(desktop, end);
    if (client.end() !== undefined) throw new Error(`the session ended: ${JSON.stringify(client.end())}`);
    client.connection.close();
    await sleep(CLOSING_MS);
  } finally {
    await server.stop();
  }
  return new ReplayedSession(work.name, moments);
}

const CLOSING_MS = 500;

/** A session as it was received, once more: decoded when the recorder asks for pixels, as the pixel host does it. */
class ReplayedSession implements Work {
  readonly name: string;
  readonly #moments: readonly Moment[];
  readonly #compositor = new Compositor(createSurfaceCodecs());
  readonly #queue = new UpdateQueue();
  #next = 0;
  #listener: WorkListener | undefined;
  #pointer = { x: 0, y: 0 };

  constructor(name: string, moments: readonly Moment[]) {
    this.name = name;
    this.#moments = moments;
  }

  get width(): number {
    return this.#compositor.width;
  }

  get height(): number {
    return this.#compositor.height;
  }

  get pixels(): Uint8ClampedArray {
    return this.#compositor.pixels;
  }

  start(listener: WorkListener): void {
    this.step(0);
    this.#listener = listener;
    this.#tellPointer();
  }

  step(ms: number): void {
    for (;;) {
      const moment = this.#moments[this.#next];
      if (moment === undefined || moment.at > ms) return;
      this.#next += 1;
      if ('update' in moment) this.#take(moment.update);
      else {
        this.#pointer = { x: moment.x, y: moment.y };
        this.#tellPointer();
      }
    }
  }

  prepare(): readonly Rect[] {
    this.#queue.applyTo(this.#compositor);
    return this.#compositor.takeDamage();
  }

  draw(area: Rect, paint: (context: SKRSContext2D) => void): void {
    this.#queue.applyTo(this.#compositor);
    paintOnto(this, area, paint);
    this.#listener?.changed([area]);
  }

  close(): void {}

  #take(update: GraphicsUpdate): void {
    if (isDrawing(update)) {
      this.#queue.push(update);
      this.#listener?.changed([]);
      return;
    }
    this.#queue.applyTo(this.#compositor);
    this.#compositor.apply(update);
    this.#pointer = this.#compositor.takePointerPosition() ?? this.#pointer;
    this.#tellPointer();
  }

  #tellPointer(): void {
    this.#listener?.pointer(this.#pointer.x, this.#pointer.y, this.#compositor.pointer);
  }
}
