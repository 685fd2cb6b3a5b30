import type { Frame } from './mp4-frames.ts';

/** A stretch of a recording, in milliseconds from its start. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Something that weighs on the timeline: a frame by its bytes, an event by one. */
export interface Moment {
  readonly at: number;
  readonly weight: number;
}

/** No input, and nothing on the screen but what ticks, for this long is idle. */
export const IDLE_AFTER_MS = 4000;
/**
 * What a frame takes at most in which only a clock's digits or a blinking caret changed: 90 to 270 bytes at 1100 × 820 and
 * 1920 × 1080. Lines of text and windows take kilobytes.
 */
const TICK_BYTES = 400;
/** How much of an idle stretch is played at its beginning and its end: a jump without it is hard to follow. */
export const IDLE_LEAD_MS = 1000;

/** Into how many parts a timeline is worth dividing: the screen is recorded about once a second. */
export function partsFor(durationMs: number): number {
  return Math.min(MOST_PARTS, Math.max(FEWEST_PARTS, Math.round(durationMs / 1000)));
}

/** A bar for about four pixels. */
const MOST_PARTS = 240;
const FEWEST_PARTS = 12;

/**
 * How much was going on in each of `count` equal parts, 0 to 1. One picture that changes whole outweighs a thousand
 * letters typed: so heights are square roots, and the few highest are cut off at the height of the next.
 */
export function activityOf(moments: readonly Moment[], durationMs: number, count: number): number[] {
  const sums = new Array<number>(count).fill(0);
  if (durationMs <= 0) return sums;
  for (const { at, weight } of moments) {
    const part = Math.min(count - 1, Math.max(0, Math.floor((at / durationMs) * count)));
    sums[part] = (sums[part] ?? 0) + weight;
  }
  const busy = sums.filter((sum) => sum > 0).sort((a, b) => a - b);
  const high = busy[Math.floor((busy.length - 1) * HIGH_SHARE)] ?? 0;
  return high === 0 ? sums : sums.map((sum) => Math.sqrt(Math.min(1, sum / high)));
}

const HIGH_SHARE = 0.95;

/** The very first frame is the whole screen, and says nothing about what was going on. */
export function frameMoments(frames: readonly Frame[]): Moment[] {
  return frames.slice(1).map(({ at, bytes }) => ({ at, weight: bytes }));
}

/** When more changed on the screen than ticks by itself: next to a clock with seconds nothing would ever be idle. */
export function changeTimes(frames: readonly Frame[]): number[] {
  return frames.filter(({ bytes }) => bytes > TICK_BYTES).map(({ at }) => at);
}

/** Stretches in which nothing happened, without their leads. @param times in any order */
export function idleStretches(times: readonly number[], durationMs: number): Stretch[] {
  const sorted = [0, ...times.filter((at) => at > 0 && at < durationMs), durationMs].sort((a, b) => a - b);
  const idle: Stretch[] = [];
  for (let i = 1; i < sorted.length; i++) {
    const from = sorted[i - 1] ?? 0;
    const to = sorted[i] ?? 0;
    if (to - from > IDLE_AFTER_MS) idle.push({ from: from + IDLE_LEAD_MS, to: to - IDLE_LEAD_MS });
  }
  return idle;
}

/** Where to go on when the player is at `at` and idle time is skipped. */
export function skipTarget(idle: readonly Stretch[], at: number): number | undefined {
  return idle.find(({ from, to }) => at >= from && at < to)?.to;
}

/** The next of these times, or the one before; `margin` keeps one from finding the place where it is. */
export function neighbour(times: readonly number[], at: number, direction: 1 | -1, margin: number): number | undefined {
  const wanted = times.filter((time) => (direction === 1 ? time > at + margin : time < at - margin));
  if (wanted.length === 0) return undefined;
  return direction === 1 ? Math.min(...wanted) : Math.max(...wanted);
}

/**
 * When the first real picture is: what comes before the server has drawn is one colour, or nearly, and takes few bytes.
 * 0 where the first frame is one, or none stands out.
 */
export function firstPicture(frames: readonly Frame[]): number {
  const early = frames.filter(({ at }) => at <= DRAWN_WITHIN_MS);
  const most = Math.max(0, ...early.map(({ bytes }) => bytes));
  const first = early[0];
  if (first === undefined || first.bytes * BLANK_SHARE >= most) return 0;
  return early.find(({ bytes }) => bytes * 2 >= most)?.at ?? 0;
}

/** A server that has shown nothing for longer shows nothing on purpose. */
const DRAWN_WITHIN_MS = 15_000;
const BLANK_SHARE = 5;
