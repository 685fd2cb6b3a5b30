import type { PictureChoice, ViewerMode } from '#protocol/tunnel/messages.ts';
import { LinkSpeed } from '../link-speed.ts';

/** A picture that is on its way for so long, beyond what the way itself takes, is late; and one that takes no longer than this is in time again. */
const LATE_MS = 700;
const IN_TIME_MS = 350;
/** Pictures that were late all this time: the link takes less than the server sends. */
const SLOW_FOR_MS = 4000;
/** A link that was good enough all this time may have the server's own pictures back. */
const GOOD_FOR_MS = 10_000;
/** It is good enough with so many times what the server sends at its busiest, and so many bytes a second at least. */
const HEADROOM = 2;
const GOOD_BYTES_PER_SECOND = 500_000;
/** That a link was full so long ago says nothing of it any more. */
const KNOWN_FOR_MS = 15_000;
/** Regions stay for so long; twice as long each time that the link turns out to be slow again within a while. */
const FIRST_STAY_MS = 20_000;
const LONGEST_STAY_MS = 15 * 60_000;
const RELAPSE_MS = 3 * 60_000;
/** What the server sends is counted by this much time, so many of them back. */
const WINDOW_MS = 2000;
const WINDOWS = 15;
/** Bytes of a decoder's state: what the link takes in so many seconds, within bounds. */
const STATE_SECONDS = 2;
const LEAST_STATE_BYTES = 2 * 1024 * 1024;
const MOST_STATE_BYTES = 32 * 1024 * 1024;

/**
 * Which mode suits an owner's link, unless the owner has chosen one. Learns it from how long messages are on their way until they are
 * drawn, and from how much the server sends. Times are milliseconds of a steady clock.
 */
export class ModeChooser {
  /** Until the browser has said that it knows of other modes. */
  choice: PictureChoice = 'stream';
  #mode: ViewerMode = 'stream';
  #isSeen = true;
  #since = Number.NEGATIVE_INFINITY;
  #stayMs = FIRST_STAY_MS;
  /** When the server's pictures were last gone back to. */
  #returnedAt = Number.NEGATIVE_INFINITY;
  #notBefore = Number.NEGATIVE_INFINITY;
  readonly #link = new LinkSpeed();
  #lateSince: number | undefined;
  #goodSince: number | undefined;
  /** Whether the message that was drawn last was in time. */
  #inTime = false;
  /** The server's bytes by windows of time, the newest last. */
  #served: { readonly at: number; bytes: number }[] = [];

  /** What the link takes, where that was measured. */
  get bytesPerSecond(): number | undefined {
    return this.#link.bytesPerSecond;
  }

  /** How large a decoder's state may be to be sent. */
  get stateLimit(): number {
    const { bytesPerSecond } = this.#link;
    if (this.choice === 'stream' || bytesPerSecond === undefined) return MOST_STATE_BYTES;
    return Math.min(MOST_STATE_BYTES, Math.max(LEAST_STATE_BYTES, bytesPerSecond * STATE_SECONDS));
  }

  /** So many bytes of updates came from the server, whether or not they go out as they are. */
  served(bytes: number, at: number): void {
    const last = this.#served.at(-1);
    if (last !== undefined && at - last.at < WINDOW_MS) {
      last.bytes += bytes;
      return;
    }
    this.#served.push({ at, bytes });
    if (this.#served.length > WINDOWS) this.#served.shift();
  }

  /** A message that will be acknowledged is on its way. @param before bytes of those before it that will not */
  sent(bytes: number, at: number, before = 0): void {
    this.#link.sent(bytes, at, before);
  }

  /** The oldest so many messages have been drawn. */
  acknowledged(count: number, at: number): void {
    const arrived = this.#link.acknowledged(count, at);
    if (arrived === undefined) return;
    const [first, last] = arrived;
    const waited = at - last.at - this.#wayMs;
    this.#inTime = waited <= IN_TIME_MS;
    // A server that is held back and let go in turns is now more, now less behind.
    if (this.#inTime) this.#lateSince = undefined;
    else if (waited > LATE_MS) this.#lateSince ??= Math.max(this.#since, first.at) + this.#wayMs + LATE_MS;
  }

  /** There and back takes no longer than this, as a first answer on an empty link has shown. */
  greeted(milliseconds: number): void {
    this.#link.greeted(milliseconds);
  }

  /** For how long the oldest message has been on its way, beyond what the way itself takes. */
  waiting(at: number): number {
    const { oldest } = this.#link;
    return oldest === undefined ? 0 : Math.max(0, at - oldest.at - this.#wayMs);
  }

  /** Whether the page is seen: how long drawing takes otherwise says nothing. */
  looks(isSeen: boolean, at: number): void {
    this.#isSeen = isSeen;
    this.#lateSince = undefined;
    this.#link.looks(isSeen, at);
  }

  /** The mode has changed. */
  switched(mode: ViewerMode, at: number): void {
    this.#mode = mode;
    this.#since = at;
    this.#lateSince = undefined;
    this.#goodSince = undefined;
    this.#inTime = false;
    if (mode === 'stream') this.#returnedAt = at;
    else {
      this.#link.forget();
      this.#stayMs = at - this.#returnedAt < RELAPSE_MS ? Math.min(LONGEST_STAY_MS, this.#stayMs * 2) : FIRST_STAY_MS;
    }
  }

  /** The server's pictures could not be gone back to for now. */
  refused(at: number): void {
    this.#notBefore = at + this.#stayMs;
    this.#stayMs = Math.min(LONGEST_STAY_MS, this.#stayMs * 2);
  }

  /** The mode that it should be now. */
  wanted(at: number): ViewerMode {
    if (this.#mode === 'regions' && at < this.#notBefore) return 'regions';
    if (this.choice !== 'automatic') return this.choice;
    if (!this.#isSeen) return this.#mode;
    return this.#mode === 'stream' ? this.#fromStream(at) : this.#fromRegions(at);
  }

  #fromStream(at: number): ViewerMode {
    const { oldest } = this.#link;
    if (oldest !== undefined) {
      const lateAt = oldest.at + this.#wayMs + LATE_MS;
      if (at >= lateAt) this.#lateSince ??= lateAt;
    }
    return this.#lateSince !== undefined && at - this.#lateSince >= SLOW_FOR_MS ? 'regions' : 'stream';
  }

  #fromRegions(at: number): ViewerMode {
    const needed = Math.max(GOOD_BYTES_PER_SECOND, this.#busiest(at) * HEADROOM);
    const { bytesPerSecond = 0, hinderedAt } = this.#link;
    // Pictures may be too small to fill the link: then it is tried. Each time that this was wrong, it takes longer until the next.
    const isEnough = bytesPerSecond >= needed || (this.#inTime && at - hinderedAt > KNOWN_FOR_MS);
    if (!isEnough) this.#goodSince = undefined;
    else this.#goodSince ??= at;
    const isGood = this.#goodSince !== undefined && at - this.#goodSince >= GOOD_FOR_MS;
    return isGood && at - this.#since >= this.#stayMs ? 'stream' : 'regions';
  }

  /** Bytes a second that the server has sent at most, of late. */
  #busiest(at: number): number {
    const recent = this.#served.filter((window) => at - window.at < WINDOW_MS * WINDOWS);
    return (Math.max(0, ...recent.map(({ bytes }) => bytes)) * 1000) / WINDOW_MS;
  }

  get #wayMs(): number {
    return this.#link.wayMs ?? 0;
  }
}
