// The global one is looked up anew each time.
import { performance } from 'node:perf_hooks';
import type { GraphicsUpdate } from '#protocol/graphics/update.ts';
import type { LockKeys } from '#protocol/pdu/lock-keys.ts';
import {
  type ClipboardNews,
  type DeflatedState,
  encodeGatewayMessage,
  MessageType,
  NOT_ACKNOWLEDGED,
  type PictureChoice,
} from '#protocol/tunnel/messages.ts';
import type { SessionEnd } from '#protocol/tunnel/sink.ts';
import type { Notice, Owner, PixelOwner, PixelOwnerWatch } from '../sessions/ports.ts';
import type { TunnelConnection } from './connection.ts';
import { GraphicsBatch } from './graphics-batch.ts';
import { ModeChooser } from './mode-chooser.ts';

/** Sent and not yet drawn: above this the server is held back, and let go again below the half. Less on a slow link. */
export const HOLD_BYTES = 4 * 1024 * 1024;
/** On a link whose speed is known: what it takes in so many seconds, but so many bytes at least. */
const HOLD_SECONDS = 1.5;
const LEAST_HOLD_BYTES = 128 * 1024;
/**
 * A browser that has not drawn the server's pictures for so long is behind, however little that is: what a link took a moment ago says nothing of
 * one that has just become slow, and all that goes out until that is known comes before anything fresh.
 */
const HOLD_MS = 400;
/**
 * What may be on its way to a browser before it is asked to acknowledge, with the next message: reading an answer to each letter would cost as
 * much as sending it. Fewer updates than frames may be ahead of a viewer, so nobody ever waits for an answer that was not asked for.
 * Messages count while they follow each other so fast that several are on the way at once.
 */
const UNASKED = { messages: 4, updates: 8, bytes: 64 * 1024 } as const;
const FAST_MS = 500;
/**
 * So many updates that took longer than this are no motion: letters, or a clock. One that answered soon is taken to have drawn them, unless it was
 * not asked for so long, or was sent as many bytes as above: a link that becomes slow meanwhile is noticed that much later, with nothing large on it.
 */
const CALM = { ms: 1000, unaskedMs: 8000 } as const;
/** One that answers so soon is asked no more often than that either, as long as this is not more. */
const QUICK = { ms: 100, bytes: 256 * 1024 } as const;
/**
 * A browser that has drawn nothing for so long, though something is there to be drawn, or not yet what it was sent so long ago: its user sees nothing
 * of what he does, and neither does anybody else, for the server waits for it.
 */
const BLIND = { ms: 10_000, atMostMs: 30_000 } as const;
/** What may wait in the socket: reached only by a browser that acknowledges what it has not read. */
const SOCKET_BUFFER_BYTES = 32 * 1024 * 1024;

/** What the session learns of its owner's browser, and what it gives it. */
export interface OwnerSession {
  /** Of all the updates the browser has drawn so many, and it has yet to draw so many bytes. */
  drawn(updates: number, behindBytes: number): void;
  /** Whether it is behind by more than it may be. */
  holdBack(hold: boolean): void;
  /** Regions in place of the updates; nothing where there is no desktop yet. */
  watch(owner: PixelOwner): PixelOwnerWatch | undefined;
}

/** How the browser is served. `returning`: it still gets regions, and updates gather until its decoder can go on with them. */
type Mode =
  | { readonly name: 'stream' }
  | { readonly name: 'regions'; readonly watch: PixelOwnerWatch }
  /** `updates`: so many are in the state that it waits for. */
  | { readonly name: 'returning'; readonly watch: PixelOwnerWatch; readonly updates: number };

interface Unacknowledged {
  readonly size: number;
  /** When it was sent. */
  readonly at: number;
  /** Who has drawn it has seen so many of all updates. */
  updates: number;
  /** Its number at the pixel host, where it comes from there. */
  readonly regions: number | undefined;
}

/** A message that waits for its number. */
interface Waiting {
  readonly message: Buffer;
  readonly updates: number;
  release(): void;
}

/**
 * The owner's browser: passes the server's own updates on, or regions in their place, and measures how far the browser is behind.
 * Updates that arrive together go out as one message.
 */
export class OwnerConnection implements Owner {
  readonly #connection: TunnelConnection;
  readonly #session: OwnerSession;
  readonly #clock: () => number;
  /** When it was greeted, until it has answered: the link carries nothing else by then. */
  #greetedAt: number | undefined;
  readonly #chooser = new ModeChooser();
  /** Sent since the browser was last asked to acknowledge. It is with the first message. */
  #unasked: { messages: number; updates: number; bytes: number } = { ...UNASKED };
  #askedAt = Number.NEGATIVE_INFINITY;
  #answeredAt = Number.NEGATIVE_INFINITY;
  /** Since when the unasked updates count, of which a calm server's are taken to be drawn now and then. */
  #countedAt = Number.NEGATIVE_INFINITY;
  /** Its last answer was soon there, and is to all it was asked. */
  #isQuick = false;
  readonly #batch = new GraphicsBatch();
  #mode: Mode = { name: 'stream' };
  /** Full batches of a browser that is `returning`. */
  #waiting: Waiting[] = [];
  /** The messages that are not acknowledged yet; the oldest has number `#oldest`. */
  #unacknowledged: Unacknowledged[] = [];
  #oldest = 1;
  #next = 1;
  /** Bytes of those. */
  #behind = 0;
  /** Updates that came, and that the browser has drawn. */
  #updates = 0;
  #drawn = 0;
  #holding = false;
  #bytesSent = 0;

  /** @param clock milliseconds, never backwards: what is learnt of the link goes by it */
  constructor(connection: TunnelConnection, session: OwnerSession, clock = () => performance.now()) {
    this.#connection = connection;
    this.#session = session;
    this.#clock = clock;
    this.#greetedAt = clock();
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  get needsPixels(): boolean {
    return this.#mode.name !== 'stream';
  }

  get isBlind(): boolean {
    const [oldest] = this.#unacknowledged;
    if (oldest === undefined) return false;
    const now = this.#clock();
    return now - Math.max(this.#answeredAt, oldest.at) > BLIND.ms || now - oldest.at > BLIND.atMostMs;
  }

  phase(name: string): void {
    this.#flush();
    this.#connection.send({ type: 'phase', phase: name });
  }

  graphics(update: GraphicsUpdate): void {
    this.#updates++;
    if (this.#mode.name !== 'stream') this.#chooser.served(update.data.length, this.#clock());
    // The pixel host has it from the session.
    if (this.#mode.name === 'regions') return;
    this.#batch.add(update);
    // On a slow link not all that a socket has read at once: the server would be held back too late.
    if (this.#batch.full || this.#batch.length > this.#holdBytes / 4) this.#flush();
  }

  settled(): void {
    this.#flush();
    this.#considerMode();
  }

  notice(notice: Notice): void {
    this.#flush();
    this.#connection.send({ type: 'notice', ...notice });
  }

  lockKeys(lockKeys: LockKeys): void {
    this.#connection.send({ type: 'lock-keys', ...lockKeys });
  }

  clipboard(news: ClipboardNews): void {
    this.#connection.send(news);
  }

  end(end: SessionEnd): void {
    this.#flush();
    this.#connection.end(end);
  }

  /** How the browser would like to be served. */
  choose(choice: PictureChoice): void {
    if (this.#greetedAt !== undefined) this.#chooser.greeted(this.#clock() - this.#greetedAt);
    this.#greetedAt = undefined;
    this.#chooser.choice = choice;
    this.#considerMode();
  }

  /** Whether the page is seen. */
  looks(isSeen: boolean): void {
    this.#chooser.looks(isSeen, this.#clock());
  }

  /** The browser has drawn everything up to and including `seq`. A number never sent, or seen before, says nothing. */
  acknowledge(seq: number): void {
    const count = (seq - this.#oldest + 1) >>> 0; // sequence numbers wrap around at 2^32
    if (count === 0 || count > this.#unacknowledged.length) return;
    let regions: number | undefined;
    for (const message of this.#unacknowledged.splice(0, count)) {
      this.#behind -= message.size;
      this.#drawn = Math.max(this.#drawn, message.updates);
      regions = message.regions ?? regions;
    }
    this.#oldest = (this.#oldest + count) >>> 0;
    const now = this.#clock();
    this.#answeredAt = now;
    this.#isQuick = this.#unacknowledged.length === 0 && now - this.#askedAt <= QUICK.ms;
    this.#chooser.acknowledged(count, now);
    if (regions !== undefined && this.#mode.name !== 'stream') this.#mode.watch.acknowledge(regions);
    this.#session.drawn(this.#drawn, this.#behind);
    if (!this.#isLate && this.#behind < this.#holdBytes / 2 && this.#waitingBytes <= HOLD_BYTES) this.#hold(false);
    this.#considerMode();
  }

  /** What a slow link takes in a short while: more would only make what is seen old. */
  get #holdBytes(): number {
    const { bytesPerSecond = Number.POSITIVE_INFINITY } = this.#chooser;
    return Math.min(HOLD_BYTES, Math.max(LEAST_HOLD_BYTES, bytesPerSecond * HOLD_SECONDS));
  }

  get #isLate(): boolean {
    return this.#mode.name === 'stream' && this.#chooser.waiting(this.#clock()) > HOLD_MS;
  }

  /** Of the full batches of a browser that is `returning`. */
  get #waitingBytes(): number {
    return this.#waiting.reduce((sum, { message }) => sum + message.length, 0);
  }

  #hold(hold: boolean): void {
    if (hold === this.#holding) return;
    this.#holding = hold;
    this.#session.holdBack(hold);
  }

  #flush(): void {
    if (this.#batch.empty) return;
    if (this.#mode.name === 'returning') {
      if (!this.#batch.full) return;
      this.#waiting.push({ ...this.#batch.take(0), updates: this.#updates });
      if (this.#waitingBytes > HOLD_BYTES) this.#hold(true);
      return;
    }
    const unasked = this.#unasked;
    unasked.messages++;
    unasked.updates += this.#batch.updates;
    const { message, release } = this.#batch.take(NOT_ACKNOWLEDGED);
    const now = this.#clock();
    this.#chooser.served(message.length, now);
    const { messages, updates, bytes } = unasked;
    const isMany = messages >= UNASKED.messages;
    const isSoon = this.#isQuick && now - this.#askedAt < QUICK.ms;
    const isMuch = bytes + message.length >= (isSoon ? QUICK.bytes : UNASKED.bytes);
    const areFew = updates < UNASKED.updates || (!isMuch && this.#presume(now));
    if (isMuch || !areFew || (isMany && !isSoon && now - this.#askedAt < FAST_MS)) {
      this.#send(message, this.#updates, undefined, release);
      return;
    }
    unasked.bytes += message.length;
    this.#write(message, release);
    if (isMany && this.#isLate) this.#hold(true);
  }

  /** @returns whether the updates that nobody was asked for are taken to be drawn */
  #presume(now: number): boolean {
    const isCalm = now - this.#countedAt >= CALM.ms && now - this.#askedAt < CALM.unaskedMs;
    if (!isCalm || !this.#isQuick || this.#unacknowledged.length > 0) return false;
    this.#countedAt = now;
    this.#unasked.updates = 0;
    this.#drawn = this.#updates;
    this.#session.drawn(this.#drawn, this.#behind);
    return true;
  }

  /**
   * Sends a message that is acknowledged, under the next number.
   * @param message its number is written at its second byte
   */
  #send(message: Uint8Array, updates: number, regions?: number, release?: () => void): void {
    viewOf(message).setUint32(1, this.#next, true);
    this.#next = (this.#next + 1) >>> 0;
    this.#askedAt = this.#clock();
    this.#countedAt = this.#askedAt;
    this.#chooser.sent(message.length, this.#askedAt, this.#unasked.bytes);
    this.#unasked = { messages: 0, updates: 0, bytes: 0 };
    this.#unacknowledged.push({ size: message.length, at: this.#askedAt, updates, regions });
    this.#behind += message.length;
    this.#write(message, release);
    if (this.#isLate || this.#behind > this.#holdBytes) this.#hold(true);
  }

  /** @param release of a batch's message */
  #write(message: Uint8Array, release?: () => void): void {
    if (this.#connection.bufferedBytes > SOCKET_BUFFER_BYTES) {
      release?.();
      this.#connection.endWith('viewer_too_slow');
      return;
    }
    this.#bytesSent += message.length;
    if (release === undefined) this.#connection.sendBytes(message);
    else this.#connection.sendInPlace(message, release);
  }

  /** INVARIANT: never called while an update is handed over. The pixel host must have got what the browser has been sent. */
  #considerMode(): void {
    const wanted = this.#chooser.wanted(this.#clock());
    if (this.#mode.name === 'stream' && wanted === 'regions') this.#toRegions();
    else if (this.#mode.name === 'regions' && wanted === 'stream') this.#toStream(this.#mode.watch);
  }

  /** What was sent goes on to be drawn; what comes after it is what regions will show. */
  #toRegions(): void {
    const watch = this.#session.watch({
      send: (message, updates) => this.#sendFromHost(message, updates),
      shows: (updates) => this.#shows(updates),
      state: (state) => this.#returned(state),
      // The session ends: what is shown could not go on.
      failed: () => {},
    });
    if (watch === undefined) return;
    this.#flush();
    this.#mode = { name: 'regions', watch };
    this.#chooser.switched('regions', this.#clock());
    this.#send(encodeGatewayMessage({ type: 'mode', seq: 0, mode: 'regions' }), this.#updates);
    // What it is behind by is not what is still to come.
    this.#hold(false);
  }

  /** From here on updates gather. */
  #toStream(watch: PixelOwnerWatch): void {
    this.#mode = { name: 'returning', watch, updates: this.#updates };
    watch.takeState(this.#chooser.stateLimit);
  }

  #returned(state: DeflatedState | undefined): void {
    if (this.#mode.name !== 'returning') return;
    const { watch, updates } = this.#mode;
    if (state === undefined) {
      this.#chooser.refused(this.#clock());
      this.#mode = { name: 'regions', watch };
      for (const { release } of this.#waiting.splice(0)) release();
      if (!this.#batch.empty) this.#batch.take(0).release();
      this.#hold(false);
      return;
    }
    watch.close();
    this.#mode = { name: 'stream' };
    this.#chooser.switched('stream', this.#clock());
    this.#send(encodeGatewayMessage({ type: 'mode', seq: 0, mode: 'stream', ...state }), updates);
    for (const waiting of this.#waiting.splice(0)) {
      this.#send(waiting.message, waiting.updates, undefined, waiting.release);
    }
    this.#flush();
    if (!this.#isLate && this.#behind < this.#holdBytes / 2) this.#hold(false);
  }

  #sendFromHost(message: Uint8Array, updates: number): void {
    if (message[0] === MessageType.regions) this.#send(message, updates, viewOf(message).getUint32(1, true));
    else this.#connection.sendBytes(message);
  }

  #shows(updates: number): void {
    const last = this.#unacknowledged.at(-1);
    if (last !== undefined) last.updates = Math.max(last.updates, updates);
    else {
      this.#drawn = Math.max(this.#drawn, updates);
      this.#session.drawn(this.#drawn, this.#behind);
    }
  }
}

function viewOf(message: Uint8Array): DataView {
  return new DataView(message.buffer, message.byteOffset, message.byteLength);
}
