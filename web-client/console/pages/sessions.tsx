import { useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import type { ApiError } from '../api/request.ts';
import { supervision } from '../api/supervision.ts';
import type { ConnectionSecurity, RecordingHealth, Session } from '../api/types.ts';
import { formatBytes, formatClock, formatMoment, formatNear } from '../format.ts';
import { hasRole, useIdentity } from '../identity.tsx';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { useNow } from '../ui/use-now.ts';
import { toApiError, useResource } from '../ui/use-resource.ts';
import { recordingProblem, recordingProgress } from './recording-health.ts';
import { type SessionAction, SessionActionDialog } from './session-actions.tsx';
import { SessionSwitch } from './session-switch.tsx';

export function Sessions() {
  const { user } = useIdentity();
  const { value: sessions, error, reload } = useResource(gateway.sessions, 2000);
  const [asked, setAsked] = useState<{ readonly action: SessionAction; readonly session: Session }>();
  const [failure, setFailure] = useState<ApiError>();
  const admin = hasRole(user, 'session-admin');
  const release = async (session: Session): Promise<void> => {
    setFailure(undefined);
    await supervision.unfreeze(session.id).catch((cause: unknown) => setFailure(toApiError(cause)));
    reload();
  };
  return (
    <Page
      title="Live sessions"
      intro={admin ? 'Everybody who works on a desktop right now.' : 'Your sessions that are open right now.'}
      actions={
        admin && (
          <span class="session-actions">
            <a class="button" href="/sessions/alerts" data-testid="alert-rules">
              <Icon name="bell" /> Alert rules
            </a>
            <SessionSwitch />
          </span>
        )
      }
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {failure !== undefined && <ErrorNote error={failure} />}
      {sessions === undefined && error === undefined && <Loading what="sessions" />}
      {sessions?.length === 0 && (
        <EmptyState icon="sessions" title="Nobody is connected">
          <p>Sessions show up here the moment somebody opens a desktop.</p>
          {hasRole(user, 'user') && (
            <a class="button" href="/">
              Open a desktop
            </a>
          )}
        </EmptyState>
      )}
      {sessions !== undefined && sessions.length > 0 && (
        <SessionTable
          sessions={sessions}
          admin={admin}
          ask={(action, session) => setAsked({ action, session })}
          release={release}
        />
      )}
      {asked !== undefined && (
        <SessionActionDialog
          {...asked}
          own={asked.session.user.id === user.id}
          done={reload}
          close={() => setAsked(undefined)}
        />
      )}
    </Page>
  );
}

interface SessionTableProps {
  readonly sessions: readonly Session[];
  readonly admin: boolean;
  ask(action: SessionAction, session: Session): void;
  release(session: Session): void;
}

function SessionTable({ sessions, admin, ask, release }: SessionTableProps) {
  const now = useNow(1000);
  return (
    <Table columns={['User', 'Desktop', 'Time', 'In and out', 'Watching', 'Recording']} actions testId="sessions">
      {sessions.map((session) => (
        <tr key={session.id} data-testid="session-row" data-session={session.id}>
          <td data-label="User">
            <span class="stacked words">
              <span class="strong">{session.user.username}</span>
              <Standing session={session} />
            </span>
          </td>
          <td data-label="Desktop">
            <span class="stacked">
              {session.target.name}
              <span class="small quiet">as {session.account.username}</span>
              <Security security={session.security} />
            </span>
          </td>
          <td data-label="Time">
            <Times session={session} now={now} />
          </td>
          <td data-label="In and out" title="From the server, to the browser">
            <span class="stacked number">
              <span>{formatBytes(session.bytesFromServer)}</span>
              <span>{formatBytes(session.bytesToBrowser)}</span>
            </span>
          </td>
          <td data-label="Watching">
            {session.viewers.length === 0 ? (
              <span class="quiet">–</span>
            ) : (
              session.viewers.map((viewer) => viewer.username).join(', ')
            )}
          </td>
          <td data-label="Recording">
            <RecordingState session={session} now={now} />
          </td>
          <td class="row-actions">
            <RowActions session={session} admin={admin} ask={ask} release={release} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function RowActions({ session, admin, ask, release }: Omit<SessionTableProps, 'sessions'> & { session: Session }) {
  const { username } = session.user;
  return (
    <span class="session-actions">
      {admin && (
        <>
          <a
            class="button"
            href={`/sessions/${encodeURIComponent(session.id)}/watch`}
            data-testid="watch-live"
            aria-label={`Watch the session of ${username}`}
          >
            <Icon name="sessions" /> Watch
          </a>
          <button
            type="button"
            class="button"
            data-testid="message"
            aria-label={`Message to ${username}`}
            onClick={() => ask('message', session)}
          >
            Message
          </button>
          <button
            type="button"
            class={session.frozen === null ? 'button' : 'button primary'}
            data-testid={session.frozen === null ? 'freeze' : 'release'}
            aria-label={`${session.frozen === null ? 'Freeze' : 'Release'} the session of ${username}`}
            onClick={() => (session.frozen === null ? ask('freeze', session) : release(session))}
          >
            {session.frozen === null ? 'Freeze' : 'Release'}
          </button>
        </>
      )}
      <button
        type="button"
        class="button danger-text"
        data-testid="end-session"
        aria-label={`End the session of ${username}`}
        onClick={() => ask('end', session)}
      >
        End
      </button>
    </span>
  );
}

/** Since when, until when, and how long nobody typed. */
function Times({ session, now }: { readonly session: Session; readonly now: number }) {
  const { state, startedAt, createdAt, endsAt, lastInputAt } = session;
  const since = startedAt ?? createdAt;
  return (
    <span class="stacked">
      {state === 'active' ? (
        <span title={`Since ${formatMoment(since)}`}>{formatClock(now - Date.parse(since))}</span>
      ) : (
        <span class="tag">Connecting</span>
      )}
      <span class="small quiet" title={formatMoment(endsAt)}>
        until {formatNear(endsAt)}
      </span>
      {lastInputAt !== null && (
        <span class="small quiet nowrap" data-testid="idle">
          idle {formatClock(now - Date.parse(lastInputAt))}
        </span>
      )}
    </span>
  );
}

/** That it is frozen, and the last alert. */
function Standing({ session: { frozen, alerts } }: { readonly session: Session }) {
  const alert = alerts.at(-1);
  return (
    <>
      {frozen !== null && (
        <span class="small strong" data-testid="frozen">
          Frozen by {frozen.by}
          {frozen.reason !== '' && `: ${frozen.reason}`}
        </span>
      )}
      {alert !== undefined && (
        <span class="small status-bad" data-testid="alert" title={`${alert.detail}, ${formatMoment(alert.at)}`}>
          {alert.rule.name}
          {alerts.length > 1 && ` and ${alerts.length - 1} more`}
        </span>
      )}
    </>
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

function RecordingState({ session, now }: { readonly session: Session; readonly now: number }) {
  const { recording, recordingTrouble, recordingHealth } = session;
  switch (recording) {
    case 'recording':
      return (
        <span class="stacked words">
          <span class="status status-recording">
            <span class="dot" aria-hidden="true" /> On
          </span>
          {recordingHealth !== null && <Health health={recordingHealth} now={now} />}
          {recordingTrouble !== null && <span class="small status-bad">Trouble, {formatMoment(recordingTrouble)}</span>}
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

/** How much there is of the recording, and whether it keeps up. */
function Health({ health, now }: { readonly health: RecordingHealth; readonly now: number }) {
  const { segments, segmentStartedAt, bytes } = health;
  const problem = recordingProblem(health, now);
  return (
    <>
      {segmentStartedAt !== null && (
        <span class="small quiet" title={`Part ${segments} of the video, since ${formatMoment(segmentStartedAt)}`}>
          {formatBytes(bytes)}, part {segments} since {formatNear(segmentStartedAt)}
        </span>
      )}
      <span class={problem === undefined ? 'small quiet' : 'small status-bad'} data-testid="recording-health">
        {problem ?? recordingProgress(health)}
      </span>
    </>
  );
}
