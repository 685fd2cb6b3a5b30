import { isWithin } from '../access/time-windows.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import type { AlertCondition } from './alert-rules.ts';

/** Of the sessions there are, those that a rule is about now; with words for why. Typed text is not looked at here. */
export function sessionsThat(
  condition: AlertCondition,
  sessions: readonly LiveSession[],
  { wall, now }: { readonly wall: number; readonly now: number },
): ReadonlyMap<LiveSession, string> {
  switch (condition.kind) {
    case 'too-long':
      return select(
        sessions,
        ({ startedAt }) => startedAt !== undefined && now - startedAt > minutes(condition),
        `lasts longer than ${inMinutes(condition.minutes)}`,
      );
    case 'odd-hour':
      return isWithin(condition.windows, condition.timeZone, wall)
        ? new Map()
        : select(sessions, () => true, 'goes on outside the usual hours');
    case 'idle':
      return select(
        sessions,
        (session) => isIdle(session, now, minutes(condition)),
        `nothing typed or clicked for ${inMinutes(condition.minutes)}`,
      );
    case 'too-many':
      return excess(sessions, condition.sessions, condition.per);
    default:
      return new Map();
  }
}

function isIdle({ idleSince }: LiveSession, now: number, ms: number): boolean {
  return idleSince !== undefined && now - idleSince > ms;
}

/** The latest ones of each group, past the number that it may have. */
function excess(
  sessions: readonly LiveSession[],
  most: number,
  per: 'user' | 'target' | 'account',
): ReadonlyMap<LiveSession, string> {
  const oldestFirst = [...sessions].sort((a, b) => a.facts.createdAt - b.facts.createdAt);
  const groups = Map.groupBy(oldestFirst, ({ facts }) => facts[per].id);
  const words = `more than ${most} ${most === 1 ? 'session' : 'sessions'} of this ${per} at once`;
  return new Map(
    [...groups.values()].flatMap((group) => group.slice(most).map((session) => [session, words] as const)),
  );
}

function select(
  sessions: readonly LiveSession[],
  applies: (session: LiveSession) => boolean,
  words: string,
): ReadonlyMap<LiveSession, string> {
  return new Map(sessions.filter(applies).map((session) => [session, words]));
}

function minutes({ minutes: count }: { readonly minutes: number }): number {
  return count * 60_000;
}

function inMinutes(count: number): string {
  return count === 1 ? '1 minute' : `${count} minutes`;
}
