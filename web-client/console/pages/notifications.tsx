import { useState } from 'preact/hooks';
import { account, type Notification } from '../api/account.ts';
import type { ApiError } from '../api/request.ts';
import { formatMoment } from '../format.ts';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { Page } from '../ui/page.tsx';
import { notificationsRead } from '../ui/use-notifications.ts';
import { toApiError, useResource } from '../ui/use-resource.ts';

const AT_A_TIME = 50;

/** What one was told: requests to decide, decisions, reviews, and whatever touches the own account. */
export function NotificationsPage() {
  const { value, error, reload } = useResource((signal) => account.notifications({ limit: AT_A_TIME }, signal), 20_000);
  const [older, setOlder] = useState<readonly Notification[]>([]);
  const [failure, setFailure] = useState<ApiError>();
  const list = [...(value?.notifications ?? []), ...older];

  const attempt = async (run: () => Promise<unknown>): Promise<void> => {
    setFailure(undefined);
    try {
      await run();
    } catch (cause) {
      setFailure(toApiError(cause));
    }
  };
  const read = (ids?: readonly string[]): Promise<void> =>
    attempt(async () => {
      await account.readNotifications(ids);
      setOlder(older.map((one) => (ids === undefined || ids.includes(one.id) ? { ...one, read: true } : one)));
      notificationsRead();
      reload();
    });
  const more = (): Promise<void> =>
    attempt(async () => {
      const before = list.at(-1)?.id;
      if (before === undefined) return;
      const next = await account.notifications({ limit: AT_A_TIME, before });
      setOlder([...older, ...next.notifications]);
    });

  return (
    <Page
      title="Notifications"
      actions={
        value !== undefined &&
        value.unread > 0 && (
          <button type="button" class="button" onClick={() => read()} data-testid="read-all">
            Mark all as read
          </button>
        )
      }
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {failure !== undefined && <ErrorNote error={failure} />}
      {value === undefined && error === undefined && <Loading what="notifications" />}
      {value !== undefined && list.length === 0 && (
        <EmptyState icon="bell" title="Nothing yet">
          <p>Requests that wait for you, decisions on yours, and news of your account come here.</p>
        </EmptyState>
      )}
      {list.length > 0 && (
        <ul class="notifications" data-testid="notifications">
          {list.map((one) => (
            <li key={one.id} class="notification" data-read={one.read ? 'yes' : 'no'} data-testid="notification">
              <a href={one.path} onClick={() => void read([one.id])}>
                {!one.read && <span class="hidden-text">Unread: </span>}
                {one.title}
              </a>
              <span class="quiet small moment">{formatMoment(one.createdAt)}</span>
              {one.text !== '' && <p class="quiet">{one.text}</p>}
            </li>
          ))}
        </ul>
      )}
      {(value?.notifications.length ?? 0) === AT_A_TIME && (
        <button type="button" class="button" onClick={more}>
          Older ones
        </button>
      )}
    </Page>
  );
}
