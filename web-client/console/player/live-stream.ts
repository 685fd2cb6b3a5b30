import { gateway } from '../api/gateway.ts';
import { ApiError } from '../api/request.ts';
import { readFragments } from './fragments.ts';
import { acrossGap, type Buffered, catchUp, type Fetched, type LiveSegment, nextSegment } from './live-plan.ts';
import type { Frame } from './mp4-frames.ts';

interface LiveStreamEvents {
  /** In the order of time, of what has been fetched. */
  frames(frames: readonly Frame[]): void;
  /** How far the video goes now, in milliseconds. */
  edge(ms: number): void;
  following(following: boolean): void;
  /** The session is over, and so is what is to be had here. */
  ended(): void;
  /** The gateway says no, or the browser does: then without an error. */
  broken(error: ApiError | undefined): void;
}

const ASK_EVERY_MS = 1000;
/** Kept behind the picture when the browser has no room for more. */
const KEEP_BEHIND_S = 60;

/**
 * Plays a recording that goes on: fetches its segments as they grow and hands them to the `<video>` element through Media
 * Source Extensions. While it follows, the picture stays at the live edge.
 */
export class LiveStream {
  readonly #id: string;
  readonly #video: HTMLVideoElement;
  readonly #events: LiveStreamEvents;
  readonly #abort = new AbortController();
  readonly #source = new MediaSource();
  readonly #url = URL.createObjectURL(this.#source);
  readonly #fetched: (Fetched | undefined)[] = [];
  readonly #headers: Uint8Array[] = [];
  readonly #frames = new Map<number, Frame[]>();
  #segments: readonly LiveSegment[] = [];
  #buffer: SourceBuffer | undefined;
  /** The segment that the buffer's parser is in. */
  #appending: number | undefined;
  #following = true;

  constructor(id: string, video: HTMLVideoElement, events: LiveStreamEvents) {
    this.#id = id;
    this.#video = video;
    this.#events = events;
    const { signal } = this.#abort;
    video.src = this.#url;
    video.addEventListener('waiting', () => this.#unstick(), { signal });
    this.#source.addEventListener('sourceopen', () => void this.#run(), { signal, once: true });
  }

  /** To the live edge, and stay there. */
  follow(): void {
    this.#setFollowing(true);
    this.#keepUp();
    // What the browser refuses shows as not playing.
    this.#video.play().catch(() => undefined);
  }

  /** Somebody wants to look at something: stay where the picture is. */
  unfollow(): void {
    this.#setFollowing(false);
  }

  close(): void {
    this.#abort.abort();
    this.#video.removeAttribute('src');
    URL.revokeObjectURL(this.#url);
  }

  #setFollowing(following: boolean): void {
    if (following === this.#following) return;
    this.#following = following;
    this.#events.following(following);
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        this.#segments = (await gateway.liveRecording(this.#id, signal)).segments;
        while (!signal.aborted && (await this.#fetchNext())) this.#keepUp();
      } catch (cause) {
        if (signal.aborted) return;
        const code = cause instanceof ApiError ? cause.code : undefined;
        if (code === 'not_ready' && this.#buffer === undefined) {
          // No picture yet.
        } else if (code === 'not_ready' || code === 'not_found') {
          if (this.#source.readyState === 'open') this.#source.endOfStream();
          this.#events.ended();
          return;
        } else if (code !== 'gateway_unreachable') {
          this.#events.broken(cause instanceof ApiError ? cause : undefined);
          return;
        }
      }
      await sleep(ASK_EVERY_MS, signal);
    }
  }

  /** Fetches one piece. @returns whether there may be more at once */
  async #fetchNext(): Promise<boolean> {
    const index = nextSegment(this.#segments, this.#fetched, this.#video.currentTime * 1000, this.#following);
    const segment = index === undefined ? undefined : this.#segments[index];
    if (index === undefined || segment === undefined) return false;
    const from = this.#fetched[index]?.from ?? 0;
    const piece = await gateway.liveSegment(this.#id, index, from, this.#abort.signal);
    if (piece.length === 0) {
      this.#fetched[index] = { from, done: segment.ended };
      return segment.ended;
    }
    await this.#append(index, segment, piece);
    this.#fetched[index] = { from: from + piece.length, done: false };
    return true;
  }

  async #append(index: number, segment: LiveSegment, piece: Uint8Array): Promise<void> {
    const { codec, frames, headerBytes } = readFragments(piece);
    if (codec !== undefined) {
      this.#headers[index] = piece.slice(0, headerBytes);
      this.#buffer ??= this.#source.addSourceBuffer(`video/mp4; codecs="${codec}"`);
    }
    const buffer = this.#buffer;
    const header = this.#headers[index];
    if (buffer === undefined || header === undefined) throw new Error('a segment begins without its header');
    if (this.#appending !== index) {
      buffer.timestampOffset = segment.startMs / 1000;
      // The header stands at the front of the first piece anyway.
      if (codec === undefined) await this.#take(buffer, header);
      this.#appending = index;
    }
    await this.#take(buffer, piece);
    const edge = this.#buffered().at(-1);
    if (edge !== undefined) this.#events.edge(edge.end * 1000);
    if (frames.length === 0) return;
    const known = this.#frames.get(index) ?? [];
    known.push(...frames.map(({ at, bytes }) => ({ at: at + segment.startMs, bytes })));
    this.#frames.set(index, known);
    this.#events.frames([...this.#frames].sort(([a], [b]) => a - b).flatMap(([, list]) => list));
  }

  async #take(buffer: SourceBuffer, bytes: Uint8Array): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        buffer.appendBuffer(bytes as Uint8Array<ArrayBuffer>);
        await finished(buffer);
        return;
      } catch (cause) {
        if (attempt > 0 || !(cause instanceof DOMException) || cause.name !== 'QuotaExceededError') throw cause;
        await this.#makeRoom(buffer);
      }
    }
  }

  /** Gives up what was played long ago; it is fetched again where somebody goes back to it. */
  async #makeRoom(buffer: SourceBuffer): Promise<void> {
    const until = this.#video.currentTime - KEEP_BEHIND_S;
    if (until <= 0) throw new Error('the browser has no room for the video');
    buffer.remove(0, until);
    await finished(buffer);
    this.#segments.forEach((_, index) => {
      const end = this.#segments[index + 1]?.startMs;
      if (end === undefined || index === this.#appending || end / 1000 > until + KEEP_BEHIND_S) return;
      this.#fetched[index] = undefined;
      this.#frames.delete(index);
    });
  }

  #keepUp(): void {
    if (!this.#following) return;
    const target = catchUp(this.#buffered(), this.#video.currentTime);
    if (target !== undefined) this.#video.currentTime = target;
  }

  #unstick(): void {
    const target = acrossGap(this.#buffered(), this.#video.currentTime);
    if (target !== undefined) this.#video.currentTime = target;
  }

  #buffered(): Buffered[] {
    const { buffered } = this.#video;
    return Array.from({ length: buffered.length }, (_, i) => ({ start: buffered.start(i), end: buffered.end(i) }));
  }
}

function finished(buffer: SourceBuffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = new AbortController();
    const settle = (run: () => void) => () => {
      abort.abort();
      run();
    };
    const { signal } = abort;
    buffer.addEventListener('updateend', settle(resolve), { signal });
    buffer.addEventListener(
      'error',
      settle(() => reject(new Error('the browser cannot play the video'))),
      { signal },
    );
  });
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
