import { type RequestCounts, requests, type SessionSwitchState } from '../api/requests.ts';
import { hasRole, useIdentity } from '../identity.tsx';
import { News, usePolled } from './use-polled.ts';

const EVERY_MS = 15_000;

const news = new News();

/** Whoever changes what is counted says so here, so that the navigation follows at once. */
export function countsChanged(): void {
  news.changed();
}

export interface Standing {
  /** Nothing before the first answer, and for those who have no requests to do with. */
  readonly counts: RequestCounts | undefined;
  /** Whether new sessions are stopped, and who said so. */
  readonly sessionSwitch: SessionSwitchState | undefined;
}

/** What every page shows around itself: what waits, and whether sessions can be opened at all. */
export function useStanding(): Standing {
  const { user } = useIdentity();
  const counted = hasRole(user, 'user', 'approver', 'session-admin', 'auditor');
  return usePolled<Standing>(
    async (signal) => {
      const [counts, sessionSwitch] = await Promise.all([
        counted ? requests.counts(signal) : undefined,
        requests.sessionSwitch(signal),
      ]);
      return { counts, sessionSwitch };
    },
    { initial: { counts: undefined, sessionSwitch: undefined }, everyMs: EVERY_MS, news, key: counted },
  );
}
