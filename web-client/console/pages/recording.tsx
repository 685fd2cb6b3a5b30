import type { ComponentChildren } from 'preact';
import { useCallback, useMemo, useRef } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { gateway } from '../api/gateway.ts';
import type { Recording } from '../api/types.ts';
import { formatBytes, formatClock, formatMoment, formatMomentWithin } from '../format.ts';
import { hasRole, useIdentity } from '../identity.tsx';
import type { RecordedEvent } from '../player/events.ts';
import { inputMoments, sumUpInput } from '../player/input-activity.ts';
import { parseMoment } from '../player/moment-link.ts';
import { Player } from '../player/player.tsx';
import { toTimeline } from '../player/timeline-events.ts';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { useResource } from '../ui/use-resource.ts';
import { RetentionPanel } from './retention-panel.tsx';
import { VerificationPanel } from './verification.tsx';

export function RecordingPage() {
  const { params } = useRoute();
  const id = params.id ?? '';
  const { user } = useIdentity();
  const { value: recording, error, reload } = useResource((signal) => gateway.recording(id, signal), 5000);
  return (
    <Page
      title={recording?.target.name ?? 'Recording'}
      intro={recording && `${recording.user.username} as ${recording.account.username}`}
      actions={
        <>
          <a class="button" href="/recordings">
            <Icon name="back" /> All recordings
          </a>
          {recording?.state === 'recording' && hasRole(user, 'session-admin') && (
            <a class="button" href={`/sessions/${encodeURIComponent(recording.id)}/watch`}>
              <Icon name="sessions" /> Watch live
            </a>
          )}
          {recording?.state === 'ready' && (
            <a class="button primary" href={gateway.downloadUrl(id)} download data-testid="download">
              <Icon name="download" /> Download MP4
            </a>
          )}
        </>
      }
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {recording === undefined && error === undefined && <Loading what="the recording" />}
      {recording !== undefined && <Content recording={recording} />}
    </Page>
  );
}

const NO_EVENTS: readonly RecordedEvent[] = [];

interface ReviewProps {
  readonly recording: Recording;
  readonly startAt: number | undefined;
  readonly live?: boolean;
  readonly moved?: ((at: number) => void) | undefined;
}

/** The player with the events beside it; without them where they cannot be had. */
function Review({ recording, startAt, live = false, moved }: ReviewProps) {
  const { value } = useResource((signal) => gateway.recordingEvents(recording.id, signal), live ? 3000 : undefined);
  const events = useMemo(() => toTimeline(sumUpInput(value ?? NO_EVENTS)), [value]);
  const input = useMemo(() => inputMoments(value ?? NO_EVENTS), [value]);
  return <Player recording={recording} events={events} input={input} startAt={startAt} live={live} moved={moved} />;
}

function Content({ recording }: { readonly recording: Recording }) {
  const { query } = useRoute();
  const { state } = recording;
  // Whoever looked at the session while it went on stays where she is when it is over.
  const seen = useRef<number>(undefined);
  const moved = useCallback((at: number) => {
    seen.current = at;
  }, []);
  return (
    <>
      {state === 'ready' && <Review key="file" recording={recording} startAt={seen.current ?? parseMoment(query.t)} />}
      {state === 'recording' && (
        <>
          <p class="note">
            <span class="live">
              <span class="dot" aria-hidden="true" /> Live
            </span>
            <span>The session goes on. Here is its recording up to a few seconds ago.</span>
          </p>
          <Review key="live" recording={recording} startAt={parseMoment(query.t)} live moved={moved} />
        </>
      )}
      {state === 'finishing' && (
        <EmptyState icon="recordings" title="The video is being finished">
          <p>This takes a moment. The page shows it by itself.</p>
        </EmptyState>
      )}
      {state === 'deleted' && (
        <EmptyState icon="remove" title="This recording was deleted">
          <p>
            {recording.deletedBy === 'size'
              ? 'Its target had more recordings than its rule keeps.'
              : 'It was older than its rule keeps recordings.'}{' '}
            {recording.deletedAt !== null && `Deleted ${formatMomentWithin(recording.deletedAt)}. `}The audit log has
            it.
          </p>
        </EmptyState>
      )}
      {state === 'failed' && (
        <EmptyState icon="warning" title="There is no video of this session">
          <p>The session ended before anything could be recorded, or recording it failed. The audit log says more.</p>
        </EmptyState>
      )}
      <dl class="facts">
        <Fact name="Started">{formatMoment(recording.startedAt)}</Fact>
        {recording.endedAt !== null && <Fact name="Ended">{formatMoment(recording.endedAt)}</Fact>}
        {recording.durationMs !== null && <Fact name="Length">{formatClock(recording.durationMs)}</Fact>}
        {recording.bytes !== null && <Fact name="Size">{formatBytes(recording.bytes)}</Fact>}
        {recording.endCode !== null && (
          <Fact name="How it ended">
            <code>{recording.endCode}</code>
          </Fact>
        )}
      </dl>
      {state === 'ready' && <VerificationPanel recording={recording.id} />}
      {state !== 'deleted' && <RetentionPanel recording={recording} />}
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
