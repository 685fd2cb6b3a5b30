import { useEffect, useState } from 'preact/hooks';
import { account } from '../api/account.ts';

/** How often it is asked what is new, while the page is looked at. */
const EVERY_MS = 20_000;

/** Whoever marks some as read says so here, so that the count follows at once. */
const listeners = new Set<() => void>();

export function notificationsRead(): void {
  for (const listener of listeners) listener();
}

/** How many notifications are unread. */
export function useNotifications(): { readonly unread: number } {
  const [unread, setUnread] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    const load = (): void => {
      if (document.hidden) return;
      account.notifications({ limit: 1 }, abort.signal).then(
        (list) => setUnread(list.unread),
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
  }, []);
  return { unread };
}
