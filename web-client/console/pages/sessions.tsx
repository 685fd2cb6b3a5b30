import { useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import type { ConnectionSecurity, Session } from '../api/types.ts';
import { formatBytes, formatClock, formatMoment } from '../format.ts';
import { hasRole, useIdentity } from '../identity.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { useNow } from '../ui/use-now.ts';
import { useResource } from '../ui/use-resource.ts';
import { SessionSwitch } from './session-switch.tsx';

export function Sessions() {
  const { user } = useIdentity();
  const { value: sessions, error, reload } = useResource(gateway.sessions, 2000);
  const [ending, setEnding] = useState<Session>();
  const admin = hasRole(user, 'session-admin');
  return (
    <Page
      title="Live sessions"
      intro={admin ? 'Everybody who works on a desktop right now.' : 'Your sessions that are open right now.'}
      actions={admin && <SessionSwitch />}
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {sessions === undefined && error === undefined && <Loading what="sessions" />}
      {sessions?.length === 0 && (
        <EmptyState icon="sessions" title="Nobody is connected">
          <p>Sessions show up here the moment somebody opens a desktop.</p>
          <a class="button" href="/">
            Open a desktop
          </a>
        </EmptyState>
      )}
      {sessions !== undefined && sessions.length > 0 && (
        <SessionTable sessions={sessions} admin={admin} end={setEnding} />
      )}
      {ending !== undefined && (
        <Dialog
          title={`End the session of ${ending.user.username}?`}
          action="End session"
          danger
          testId="confirm-end"
          perform={async () => {
            await gateway.endSession(ending.id);
            reload();
          }}
          close={() => setEnding(undefined)}
        >
          <p>
            {ending.user.username} loses the connection to {ending.target.name} at once. Programs there keep running
            until the server ends them.
          </p>
        </Dialog>
      )}
    </Page>
  );
}

interface SessionTableProps {
  readonly sessions: readonly Session[];
  readonly admin: boolean;
  end(session: Session): void;
}

function SessionTable({ sessions, admin, end }: SessionTableProps) {
  const now = useNow(1000);
  return (
    <div class="table-box">
      <table class="table" data-testid="sessions">
        <thead>
          <tr>
            <th scope="col">User</th>
            <th scope="col">Desktop</th>
            <th scope="col">Account</th>
            <th scope="col" class="number">
              For
            </th>
            <th scope="col" class="number">
              Received
            </th>
            <th scope="col">Watching</th>
            <th scope="col">Recording</th>
            <th scope="col">
              <span class="hidden-text">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <tr key={session.id} data-testid="session-row" data-session={session.id}>
              <td data-label="User" class="strong">
                {session.user.username}
              </td>
              <td data-label="Desktop">
                <span class="stacked">
                  {session.target.name}
                  <Security security={session.security} />
                </span>
              </td>
              <td data-label="Account">{session.account.username}</td>
              <td
                data-label="For"
                class="number"
                title={`Since ${formatMoment(session.startedAt ?? session.createdAt)}`}
              >
                {session.state === 'active' ? (
                  formatClock(now - Date.parse(session.startedAt ?? session.createdAt))
                ) : (
                  <span class="tag">Connecting</span>
                )}
              </td>
              <td data-label="Received" class="number">
                {formatBytes(session.bytesFromServer)}
              </td>
              <td data-label="Watching">
                {session.viewers.length === 0 ? (
                  <span class="quiet">–</span>
                ) : (
                  session.viewers.map((viewer) => viewer.username).join(', ')
                )}
              </td>
              <td data-label="Recording">
                <RecordingState state={session.recording} />
              </td>
              <td class="row-actions">
                {admin && (
                  <a
                    class="button"
                    href={`/sessions/${encodeURIComponent(session.id)}/watch`}
                    data-testid="watch-live"
                    aria-label={`Watch the session of ${session.user.username}`}
                  >
                    <Icon name="sessions" /> Watch
                  </a>
                )}
                <button
                  type="button"
                  class="button danger-text"
                  data-testid="end-session"
                  aria-label={`End the session of ${session.user.username}`}
                  onClick={() => end(session)}
                >
                  End
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const protocolWords: Readonly<Record<ConnectionSecurity['protocol'], string>> = {
  hybrid_ex: 'NLA',
  hybrid: 'NLA',
  ssl: 'TLS without NLA',
  rdstls: 'RDSTLS',
  rdp: 'Standard RDP security (weak)',
};

/** What the connection to the desktop came to; the cipher for who points at it. */
function Security({ security }: { readonly security: ConnectionSecurity | null | undefined }) {
  if (security === null || security === undefined) return null;
  const { protocol, tls, cipher } = security;
  return (
    <span class={protocol === 'rdp' ? 'small status-bad' : 'small quiet'} title={cipher ?? undefined}>
      {protocolWords[protocol] ?? protocol}
      {tls !== null && `, TLS ${tls}`}
    </span>
  );
}

function RecordingState({ state }: { readonly state: Session['recording'] }) {
  switch (state) {
    case 'recording':
      return (
        <span class="status status-recording">
          <span class="dot" aria-hidden="true" /> On
        </span>
      );
    case 'starting':
      return <span class="quiet">Starting</span>;
    case 'failed':
      return <span class="status status-bad">Failed</span>;
    default:
      return <span class="quiet">Off</span>;
  }
}
