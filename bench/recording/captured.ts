import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { paintOnto, type Work, type WorkListener } from './work.ts';

/** Of what a server sent, see `session-stream.ts`. */
export const SESSION_EXTENSION = '.session';

export function isSession(path: string): boolean {
  return extname(path) === SESSION_EXTENSION;
}

/** The lossless captures and sessions that a path stands for: itself, or what is in a folder, by name. */
export function capturesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const files = readdirSync(path).filter((file) => CAPTURES.has(extname(file)) || isSession(file));
  return files.sort().map((file) => join(path, file));
}

/**
 * A lossless capture of a screen, anything that ffmpeg reads, from its start and over again when it is over. Damage is found by
 * comparing its pictures, so that it costs what it would on a live desktop.
 */
export class CapturedWork implements Work {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  pixels: Uint8ClampedArray;
  readonly #decoder: ChildProcess;
  readonly #pictures: AsyncGenerator<Uint8ClampedArray>;
  readonly #pictureMs: number;
  #next: Uint8ClampedArray;
  #shown = 0;
  #listener: WorkListener | undefined;

  constructor(path: string) {
    this.name = basename(path, extname(path));
    const output = execFileSync('ffprobe', [
      ...['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'stream=width,height,r_frame_rate'],
      ...['-of', 'csv=p=0', path],
    ]).toString('utf8');
    const [width = '', height = '', rate = ''] = output.trim().split(',');
    const [frames = 0, seconds = 1] = rate.split('/').map(Number);
    this.width = Number(width);
    this.height = Number(height);
    this.#pictureMs = (1000 * seconds) / frames;
    const bytes = this.width * this.height * 4;
    this.pixels = new Uint8ClampedArray(bytes);
    this.#next = new Uint8ClampedArray(bytes);
    // It never ends, so that its processor time is never among that of the recorder's processes.
    this.#decoder = spawn(
      'ffmpeg',
      [
        ...['-v', 'error', '-nostdin', '-stream_loop', '-1', '-threads', '1', '-i', path],
        ...['-r', rate, '-f', 'rawvideo', '-pix_fmt', 'rgba', 'pipe:1'],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.#pictures = picturesOf(this.#decoder.stdout as Readable, bytes, () => this.#next);
  }

  async start(listener: WorkListener): Promise<void> {
    this.#listener = listener;
    await this.step(0);
  }

  async step(ms: number): Promise<void> {
    while (this.#shown * this.#pictureMs <= ms) {
      const { value, done } = await this.#pictures.next();
      if (done) throw new Error(`${this.name}: the capture cannot be read`);
      const before = this.pixels;
      this.pixels = value;
      this.#next = before;
      this.#shown += 1;
      const rects = this.#shown === 1 ? [{ x: 0, y: 0, width: this.width, height: this.height }] : this.#changes();
      if (rects.length > 0) this.#listener?.changed(rects);
    }
  }

  draw(area: Rect, paint: (context: SKRSContext2D) => void): void {
    paintOnto(this, area, paint);
    this.#listener?.changed([area]);
  }

  close(): void {
    this.#decoder.kill('SIGKILL');
  }

  /** Tiles of this picture that are not as in the one before, which is in `#next`. */
  #changes(): Rect[] {
    const rects: Rect[] = [];
    const [now, before] = [this.pixels, this.#next].map((pixels) =>
      Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength),
    ) as [Buffer, Buffer];
    const stride = this.width * 4;
    for (let y = 0; y < this.height; y += TILE) {
      const height = Math.min(TILE, this.height - y);
      const end = (y + height) * stride;
      if (now.compare(before, y * stride, end, y * stride, end) === 0) continue;
      for (let x = 0; x < this.width; x += TILE) {
        const width = Math.min(TILE, this.width - x);
        for (let row = y; row < y + height; row++) {
          const from = row * stride + x * 4;
          if (now.compare(before, from, from + width * 4, from, from + width * 4) === 0) continue;
          rects.push({ x, y, width, height });
          break;
        }
      }
    }
    return rects;
  }
}

const CAPTURES: ReadonlySet<string> = new Set(['.mkv', '.mp4', '.avi', '.nut', '.y4m', '.webm']);
const TILE = 32;

/** Pictures of so many bytes each, written into what `target` gives. */
async function* picturesOf(
  stream: Readable,
  bytes: number,
  target: () => Uint8ClampedArray,
): AsyncGenerator<Uint8ClampedArray> {
  let picture = target();
  let filled = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (let offset = 0; offset < chunk.length; ) {
      const taken = Math.min(chunk.length - offset, bytes - filled);
      picture.set(chunk.subarray(offset, offset + taken), filled);
      filled += taken;
      offset += taken;
      if (filled < bytes) continue;
      yield picture;
      picture = target();
      filled = 0;
    }
  }
}
