import { useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import type { Recording } from '../api/types.ts';
import { formatBytes, formatClock, formatMoment, matches } from '../format.ts';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { SearchField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { useResource } from '../ui/use-resource.ts';

export function Recordings() {
  const { value: recordings, error, reload } = useResource(gateway.recordings, 5000);
  const [search, setSearch] = useState('');
  const found = recordings?.filter(({ user, target, account, startedAt }) =>
    matches(search, user.username, target.name, account.username, formatMoment(startedAt)),
  );
  return (
    <Page
      title="Recordings"
      actions={
        recordings !== undefined &&
        recordings.length > 0 && <SearchField label="Search recordings" value={search} change={setSearch} />
      }
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {recordings === undefined && error === undefined && <Loading what="recordings" />}
      {recordings?.length === 0 && (
        <EmptyState icon="recordings" title="Nothing recorded yet">
          <p>Each session is recorded as a video. It can be watched here as soon as the session is over.</p>
        </EmptyState>
      )}
      {recordings !== undefined && recordings.length > 0 && found?.length === 0 && (
        <EmptyState icon="search" title={`Nothing matches “${search}”`}>
          <button type="button" class="button" onClick={() => setSearch('')}>
            Show all recordings
          </button>
        </EmptyState>
      )}
      {found !== undefined && found.length > 0 && (
        <ul class="recordings" data-testid="recordings">
          {found.map((recording) => (
            <RecordingRow key={recording.id} recording={recording} />
          ))}
        </ul>
      )}
    </Page>
  );
}

function RecordingRow({ recording }: { readonly recording: Recording }) {
  const ready = recording.state === 'ready';
  return (
    <li class="recording" data-testid="recording-row" data-recording={recording.id} data-state={recording.state}>
      <a href={`/recordings/${encodeURIComponent(recording.id)}`} class="recording-link">
        <Thumbnail recording={recording} />
        <span class="recording-text">
          <span class="strong">{recording.target.name}</span>
          <span class="quiet">
            {recording.user.username} as {recording.account.username}
          </span>
        </span>
        <span class="recording-facts">
          <span>{formatMoment(recording.startedAt)}</span>
          <span class="quiet">
            {recording.state === 'recording' && 'Still going on'}
            {recording.state === 'finishing' && 'Being finished'}
            {recording.state === 'failed' && 'No video'}
            {ready && recording.bytes !== null && formatBytes(recording.bytes)}
          </span>
        </span>
      </a>
      {ready && (
        <a
          class="button quiet-button"
          href={gateway.downloadUrl(recording.id)}
          download
          aria-label={`Download the recording of ${recording.target.name}`}
          data-testid="download"
        >
          <Icon name="download" />
        </a>
      )}
    </li>
  );
}

function Thumbnail({ recording }: { readonly recording: Recording }) {
  const [missing, setMissing] = useState(false);
  return (
    <span class="thumbnail">
      {recording.state === 'ready' && !missing ? (
        <img src={gateway.thumbnailUrl(recording.id)} alt="" loading="lazy" onError={() => setMissing(true)} />
      ) : (
        <Icon name="recordings" />
      )}
      {recording.durationMs !== null && <span class="thumbnail-length">{formatClock(recording.durationMs)}</span>}
    </span>
  );
}
