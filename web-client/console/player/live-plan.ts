/** A segment of a recording that goes on, as the gateway lists it. Milliseconds of the video. */
export interface LiveSegment {
  readonly startMs: number;
  readonly ended: boolean;
}

/** How much of a segment has been fetched. */
export interface Fetched {
  /** Bytes. */
  readonly from: number;
  /** There will be no more of it. */
  readonly done: boolean;
}

/**
 * Which segment to fetch from next: the one that is played, then the ones behind it, and at the live edge the last one.
 * Hours that nobody looks at are not fetched. Nothing: wait.
 */
export function nextSegment(
  segments: readonly LiveSegment[],
  fetched: readonly (Fetched | undefined)[],
  at: number,
  following: boolean,
): number | undefined {
  const last = segments.length - 1;
  if (last < 0) return undefined;
  const playing = following
    ? last
    : Math.max(
        0,
        segments.findLastIndex(({ startMs }) => startMs <= at),
      );
  for (let index = playing; index <= last; index++) if (fetched[index]?.done !== true) return index;
  return undefined;
}

/** A stretch that can be played, in seconds, as the browser counts. */
export interface Buffered {
  readonly start: number;
  readonly end: number;
}

/** Where to go on when the picture stands at `at` and what follows begins later: nothing was recorded between. */
export function acrossGap(buffered: readonly Buffered[], at: number): number | undefined {
  const inside = buffered.some(({ start, end }) => at >= start && at < end - EDGE_S);
  return inside ? undefined : buffered.find(({ start }) => start > at)?.start;
}

/** Where to be when following, and the picture is too far behind the edge; nothing while it is near. */
export function catchUp(buffered: readonly Buffered[], at: number): number | undefined {
  const edge = buffered.at(-1);
  if (edge === undefined) return undefined;
  return edge.end - at > BEHIND_S || at > edge.end ? Math.max(edge.start, edge.end - EDGE_S) : undefined;
}

const EDGE_S = 0.1;
const BEHIND_S = 2;
