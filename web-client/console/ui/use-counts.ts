import { useEffect, useState } from 'preact/hooks';
import { type RequestCounts, requests, type SessionSwitchState } from '../api/requests.ts';
import { hasRole, useIdentity } from '../identity.tsx';

/** How often it is asked, while the page is looked at. */
const EVERY_MS = 15_000;

/** Whoever changes what is counted says so here, so that the navigation follows at once. */
const listeners = new Set<() => void>();

export function countsChanged(): void {
  for (const listener of listeners) listener();
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
  const [standing, setStanding] = useState<Standing>({ counts: undefined, sessionSwitch: undefined });
  useEffect(() => {
    const abort = new AbortController();
    const load = (): void => {
      if (document.hidden) return;
      Promise.all([counted ? requests.counts(abort.signal) : undefined, requests.sessionSwitch(abort.signal)]).then(
        ([counts, sessionSwitch]) => setStanding({ counts, sessionSwitch }),
        // It is asked again soon; a page that needs an answer shows the error itself.
        () => undefined,
      );
    };
    load();
    const timer = setInterval(load, EVERY_MS);
    document.addEventListener('visibilitychange', load);
    listeners.add(load);
    return () => {
      abort.abort();
      clearInterval(timer);
      document.removeEventListener('visibilitychange', load);
      listeners.delete(load);
    };
  }, [counted]);
  return standing;
}
