import type { PictureChoice, ViewerMode } from '#protocol/tunnel/messages.ts';

/** A picture that is on its way for so long, beyond what the way itself takes, is late. */
const LATE_MS = 1000;
/** Pictures that were late all this time: the link takes less than the server sends. */
const SLOW_FOR_MS = 4000;
/** A link that was good enough all this time may have the server's own pictures back. */
const GOOD_FOR_MS = 10_000;
/** It is good enough with so many times what the server sends at its busiest, and so many bytes a second at least. */
const HEADROOM = 2;
const GOOD_BYTES_PER_SECOND = 500_000;
/** Regions stay for so long; twice as long each time that the link turns out to be slow again within a while. */
const FIRST_STAY_MS = 20_000;
const LONGEST_STAY_MS = 15 * 60_000;
const RELAPSE_MS = 3 * 60_000;
/** Smaller portions say more about the drawing than about the link. */
const MEASURED_BYTES = 32 * 1024;
/** Smaller ones, alone, say how long the way is. */
const SMALL_BYTES = 4096;
/** Drawing waits for the next frame, by chance for all of it: a link is not taken for quicker than it is. */
const FRAME_MS = 17;
/** How much one measurement says. */
const WEIGHT = 0.4;
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
  /** Messages on their way, the oldest first. */
  #pending: { readonly bytes: number; readonly before: number; at: number; readonly isProbe: boolean }[] = [];
  #acknowledgedAt = Number.NEGATIVE_INFINITY;
  /** What has arrived since, of what the link is measured by. */
  #measuredFrom = 0;
  #measuredBytes = 0;
  /** The shortest time that a small message took on a link with nothing else to carry, once there was one: the way there and back, and drawing. */
  #shortest: number | undefined;
  #bytesPerSecond: number | undefined;
  #lateSince: number | undefined;
  #goodSince: number | undefined;
  /** The server's bytes by windows of time, the newest last. */
  #served: { readonly at: number; bytes: number }[] = [];

  /** What the link takes, where that was measured. */
  get bytesPerSecond(): number | undefined {
    return this.#bytesPerSecond;
  }

  /** How large a decoder's state may be to be sent. */
  get stateLimit(): number {
    if (this.choice === 'stream' || this.#bytesPerSecond === undefined) return MOST_STATE_BYTES;
    return Math.min(MOST_STATE_BYTES, Math.max(LEAST_STATE_BYTES, this.#bytesPerSecond * STATE_SECONDS));
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
    this.#pending.push({ bytes, before, at, isProbe: bytes <= SMALL_BYTES && this.#pending.length === 0 });
  }

  /** The oldest so many messages have been drawn. */
  acknowledged(count: number, at: number): void {
    const arrived = this.#pending.splice(0, count);
    const [first] = arrived;
    const last = arrived.at(-1);
    if (first === undefined || last === undefined) return;
    if (first.isProbe) this.#shortest = Math.min(this.#shortest ?? Number.POSITIVE_INFINITY, at - first.at);
    this.#measure(
      arrived.reduce((sum, { bytes, before }) => sum + bytes + before, 0),
      first,
      at,
    );
    this.#acknowledgedAt = at;
    const waited = at - last.at - (this.#shortest ?? 0);
    if (waited <= LATE_MS) this.#lateSince = undefined;
    else this.#lateSince ??= Math.max(this.#since, first.at) + (this.#shortest ?? 0) + LATE_MS;
  }

  /** Whether the page is seen: how long drawing takes otherwise says nothing. */
  looks(isSeen: boolean, at: number): void {
    this.#isSeen = isSeen;
    this.#lateSince = undefined;
    for (const message of this.#pending) message.at = at;
  }

  /** The mode has changed. */
  switched(mode: ViewerMode, at: number): void {
    this.#mode = mode;
    this.#since = at;
    this.#lateSince = undefined;
    this.#goodSince = undefined;
    if (mode === 'stream') this.#returnedAt = at;
    else {
      this.#bytesPerSecond = undefined;
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
    const oldest = this.#pending[0];
    if (oldest !== undefined) {
      const lateAt = oldest.at + (this.#shortest ?? 0) + LATE_MS;
      if (at >= lateAt) this.#lateSince ??= lateAt;
    }
    return this.#lateSince !== undefined && at - this.#lateSince >= SLOW_FOR_MS ? 'regions' : 'stream';
  }

  #fromRegions(at: number): ViewerMode {
    const needed = Math.max(GOOD_BYTES_PER_SECOND, this.#busiest(at) * HEADROOM);
    if (this.#bytesPerSecond === undefined || this.#bytesPerSecond < needed) this.#goodSince = undefined;
    else this.#goodSince ??= at;
    const isGood = this.#goodSince !== undefined && at - this.#goodSince >= GOOD_FOR_MS;
    return isGood && at - this.#since >= this.#stayMs ? 'stream' : 'regions';
  }

  /** Bytes a second that the server has sent at most, of late. */
  #busiest(at: number): number {
    const recent = this.#served.filter((window) => at - window.at < WINDOW_MS * WINDOWS);
    return (Math.max(0, ...recent.map(({ bytes }) => bytes)) * 1000) / WINDOW_MS;
  }

  /** A link that had nothing to carry is measured from when it was given something, one that is busy without a gap. */
  #measure(bytes: number, first: { readonly at: number; readonly before: number }, at: number): void {
    if (first.at >= this.#acknowledgedAt) {
      this.#measuredFrom = first.at + (this.#shortest ?? 0);
      // What went before it was on its way already.
      this.#measuredBytes = -first.before;
    }
    this.#measuredBytes += bytes;
    if (this.#measuredBytes < MEASURED_BYTES) return;
    const rate = (this.#measuredBytes * 1000) / (Math.max(0, at - this.#measuredFrom) + FRAME_MS);
    const before = this.#bytesPerSecond;
    this.#bytesPerSecond = before === undefined ? rate : before ** (1 - WEIGHT) * rate ** WEIGHT;
    this.#measuredFrom = at;
    this.#measuredBytes = 0;
  }
}
