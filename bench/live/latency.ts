import type { PassedKey } from './proxy/passage-watch.ts';
import { percentile, round } from './rows.ts';
import type { SeenKey } from './viewers/viewer.ts';

/** What keys and their pictures took, in milliseconds; `null` where no key was matched. */
export interface Latency {
  /** Between the browser and the server's door, there and back: what whoever stands between them adds. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Medians of its two ways, and of the server's own time. */
  readonly keyMs: number | null;
  readonly pictureMs: number | null;
  readonly serverShareMs: number | null;
}

/** Of one session. */
export interface TypedKeys {
  readonly seen: readonly SeenKey[];
  readonly passed: readonly PassedKey[];
}

/**
 * Takes the server's own time off: each key that a browser has pressed and seen is matched with the one that passed before the
 * server meanwhile. A key that nobody answered counts with all the time that it was waited for.
 */
export function splitLatency(...sessions: readonly TypedKeys[]): Latency {
  const parts = sessions.flatMap(({ seen, passed }) =>
    seen.flatMap(({ pressedAt, shownAt }) => {
      const match = passed.find(({ keyAt, pictureAt }) => keyAt >= pressedAt && pictureAt <= shownAt);
      if (match === undefined) return [];
      const key = match.keyAt - pressedAt;
      const picture = shownAt - match.pictureAt;
      return [{ key, picture, added: key + picture, share: match.pictureAt - match.keyAt }];
    }),
  );
  const seen = sessions.flatMap((session) => session.seen);
  const unanswered = seen.map(({ pressedAt, shownAt }) => shownAt - pressedAt).filter((ms) => ms >= UNANSWERED_MS);
  const added = [...parts.map((part) => part.added), ...unanswered.slice(0, seen.length - parts.length)];
  const at = (values: readonly number[], share: number) => {
    const value = percentile(values, share);
    return value === null ? null : round(value);
  };
  return {
    p50Ms: at(added, 0.5),
    p99Ms: at(added, 0.99),
    keyMs: at(
      parts.map(({ key }) => key),
      0.5,
    ),
    pictureMs: at(
      parts.map(({ picture }) => picture),
      0.5,
    ),
    serverShareMs: at(
      parts.map(({ share }) => share),
      0.5,
    ),
  };
}

/** Just below what a simulated user waits for. */
const UNANSWERED_MS = 4900;
