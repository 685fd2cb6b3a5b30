import { useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import type { RequestSession } from '../api/requests.ts';
import { formatClock, formatMoment } from '../format.ts';
import { formatMomentParameter } from '../player/moment-link.ts';
import { toTimeline } from '../player/timeline-events.ts';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { Icon } from '../ui/icon.tsx';
import { useResource } from '../ui/use-resource.ts';

interface SessionsOfRequestProps {
  readonly sessions: readonly RequestSession[];
  /** Whether this person may see recordings and their events. */
  readonly plays: boolean;
}

/** What was done under a request: its sessions, each with its recording and its events. */
export function SessionsOfRequest({ sessions, plays }: SessionsOfRequestProps) {
  return (
    <section class="request-part">
      <h2>Sessions</h2>
      <ul class="request-lines" data-testid="request-sessions">
        {sessions.map((session) => (
          <SessionLine key={session.id} session={session} plays={plays} />
        ))}
      </ul>
    </section>
  );
}

function SessionLine({ session, plays }: { readonly session: RequestSession; readonly plays: boolean }) {
  const [open, setOpen] = useState(false);
  const name = `${session.account.username} on ${session.target.name}`;
  const recorded = plays && session.recording !== 'off' && session.recording !== 'none';
  return (
    <li>
      <div class="request-line">
        <span class="stacked">
          <span class="strong">{name}</span>
          <span class="quiet small">
            {session.startedAt === null ? 'never connected' : `since ${formatMoment(session.startedAt)}`}
            {session.endedAt !== null && `, ended ${formatMoment(session.endedAt)}`}
            {session.endCode !== null && ` (${session.endCode})`}
          </span>
        </span>
        {recorded && (
          <span class="button-row">
            <button
              type="button"
              class="button"
              aria-expanded={open}
              onClick={() => setOpen(!open)}
              data-testid="show-events"
            >
              Events<span class="hidden-text"> of {name}</span>
            </button>
            <a class="button" href={pathOf(session)} aria-label={`Recording of ${name}`} data-testid="recording-link">
              <Icon name="play" /> Recording
            </a>
          </span>
        )}
      </div>
      {open && <Events session={session} />}
    </li>
  );
}

function Events({ session }: { readonly session: RequestSession }) {
  const { value, error, reload } = useResource((signal) => gateway.recordingEvents(session.id, signal));
  if (error !== undefined) return <ErrorNote error={error} retry={reload} />;
  if (value === undefined) return <Loading what="events" />;
  const events = toTimeline(value);
  if (events.length === 0) return <p class="quiet">The event log says nothing.</p>;
  return (
    <ol class="request-events" data-testid="request-events">
      {events.map((event) => (
        <li key={event.n}>
          <a href={`${pathOf(session)}?t=${formatMomentParameter(event.at)}`}>
            <span class="event-clock">{formatClock(event.at)}</span> {event.title}
          </a>
          {event.detail !== '' && <span class="quiet small"> {event.detail}</span>}
        </li>
      ))}
    </ol>
  );
}

/** A session's recording goes by the session's own id. */
function pathOf(session: RequestSession): string {
  return `/recordings/${encodeURIComponent(session.id)}`;
}
