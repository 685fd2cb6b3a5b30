import { account } from '../api/account.ts';
import { News, usePolled } from './use-polled.ts';

const EVERY_MS = 20_000;

const news = new News();

/** Whoever marks some as read says so here, so that the count follows at once. */
export function notificationsRead(): void {
  news.changed();
}

/** How many notifications are unread. */
export function useNotifications(): { readonly unread: number } {
  return usePolled<{ readonly unread: number }>((signal) => account.notifications({ limit: 1 }, signal), {
    initial: { unread: 0 },
    everyMs: EVERY_MS,
    news,
  });
}
