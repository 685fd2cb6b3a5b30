import { useState } from 'preact/hooks';
import { gateway, type RecordingFilter } from '../api/gateway.ts';
import type { Recording } from '../api/types.ts';
import { formatBytes, formatClock, formatMoment } from '../format.ts';
import { hasRole, useIdentity } from '../identity.tsx';
import { formatMomentParameter } from '../player/moment-link.ts';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { Field, SearchField, SelectField } from '../ui/fields.tsx';
import { FilterButton, FilterFields, useFilterForm } from '../ui/filter-form.tsx';
import { isEmpty, TEXT_LIMIT } from '../ui/form-address.ts';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { usePages } from '../ui/use-pages.ts';
import { filterOf, lengths, type RecordingField, type RecordingForm, recordingForm } from './recording-filter.ts';

const REFRESH_MS = 5000;

export function Recordings() {
  const { form, asked, open, change, clear, toggle } = useFilterForm(recordingForm);

  return (
    <Page
      title="Recordings"
      intro={
        <>
          What was seen and done. Somebody gave you one as a file? <a href="/recordings/verify">Verify it</a>.
        </>
      }
      actions={
        <>
          <SearchField label="Search names and events" value={form.search} change={change('search')} />
          <FilterButton controls="recording-filters" open={open} toggle={toggle} />
        </>
      }
    >
      {open && <Filters form={form} change={change} clear={clear} />}
      <Results key={JSON.stringify(asked)} filter={filterOf(asked)} filtered={!isEmpty(asked)} clear={clear} />
    </Page>
  );
}

interface FiltersProps {
  readonly form: RecordingForm;
  change(field: RecordingField): (value: string) => void;
  clear(): void;
}

function Filters({ form, change, clear }: FiltersProps) {
  const any = [['', 'Any']] as const;
  return (
    <FilterFields id="recording-filters" form={form} clear={clear}>
      <Field
        label="User"
        name="user"
        value={form.user}
        change={change('user')}
        maxLength={TEXT_LIMIT}
        autocapitalize="none"
      />
      <Field label="Target" name="target" value={form.target} change={change('target')} maxLength={TEXT_LIMIT} />
      <Field
        label="Account"
        name="account"
        value={form.account}
        change={change('account')}
        maxLength={TEXT_LIMIT}
        autocapitalize="none"
      />
      <Field label="From" name="from" type="date" value={form.from} change={change('from')} />
      <Field label="To" name="to" type="date" value={form.to} change={change('to')} />
      <SelectField
        label="Length"
        name="length"
        value={form.length}
        change={change('length')}
        options={[...any, ...Object.entries(lengths).map(([value, { text }]) => [value, text] as const)]}
      />
      <SelectField
        label="State"
        name="state"
        value={form.state}
        change={change('state')}
        options={[...any, ['recording', 'Live'], ['ready', 'Finished'], ['deleted', 'Deleted']]}
      />
      <SelectField
        label="Legal hold"
        name="held"
        value={form.held}
        change={change('held')}
        options={[...any, ['yes', 'Held'], ['no', 'Not held']]}
      />
    </FilterFields>
  );
}

interface ResultsProps {
  /** Of the component's whole life. */
  readonly filter: RecordingFilter;
  readonly filtered: boolean;
  clear(): void;
}

function Results({ filter, filtered, clear }: ResultsProps) {
  const {
    list: recordings,
    more,
    loadMore,
    loadingMore,
    error,
    reload,
  } = usePages<Recording>((page, signal) => gateway.recordings({ ...filter, ...page }, signal), REFRESH_MS);
  const { user } = useIdentity();
  return (
    <>
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {recordings === undefined && error === undefined && <Loading what="recordings" />}
      <p class="hidden-text" role="status">
        {recordings !== undefined && `${recordings.length}${more ? ' or more' : ''} recordings`}
      </p>
      {recordings?.length === 0 && !filtered && (
        <EmptyState icon="recordings" title="Nothing recorded yet">
          <p>Each session is recorded as a video. It can be played here while it is made, and afterwards.</p>
        </EmptyState>
      )}
      {recordings?.length === 0 && filtered && (
        <EmptyState icon="search" title="No recording is like that">
          <button type="button" class="button" onClick={clear}>
            Show all recordings
          </button>
        </EmptyState>
      )}
      {recordings !== undefined && recordings.length > 0 && (
        <ul class="recordings" data-testid="recordings">
          {recordings.map((recording) => (
            <RecordingRow key={recording.id} recording={recording} watch={hasRole(user, 'session-admin')} />
          ))}
        </ul>
      )}
      {more && (
        <button type="button" class="button show-more" onClick={loadMore} disabled={loadingMore}>
          Show older ones
        </button>
      )}
    </>
  );
}

function RecordingRow({ recording, watch }: { readonly recording: Recording; readonly watch: boolean }) {
  const live = recording.state === 'recording';
  const ready = recording.state === 'ready';
  return (
    <li class="recording" data-testid="recording-row" data-recording={recording.id} data-state={recording.state}>
      <a href={addressOfRecording(recording.id)} class="recording-link">
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
            {live && (
              <span class="live">
                <span class="dot" aria-hidden="true" /> Live
              </span>
            )}
            {recording.state === 'finishing' && 'Being finished'}
            {recording.state === 'failed' && 'No video'}
            {recording.state === 'deleted' && 'Deleted'}
            {ready && recording.bytes !== null && formatBytes(recording.bytes)}
            {recording.held && <span class="held">Held</span>}
          </span>
        </span>
      </a>
      {live && watch && (
        <a
          class="button"
          href={`/sessions/${encodeURIComponent(recording.id)}/watch`}
          aria-label={`Watch the session of ${recording.user.username} on ${recording.target.name}`}
        >
          <Icon name="sessions" /> Watch
        </a>
      )}
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
      {recording.found !== undefined && recording.found.length > 0 && (
        <ul class="recording-found" aria-label="Found in the events" data-testid="found">
          {recording.found.map(({ at, text }) => (
            <li key={`${at} ${text}`}>
              <a href={`${addressOfRecording(recording.id)}?t=${formatMomentParameter(at)}`}>
                <span class="event-clock">{formatClock(at)}</span> {text}
              </a>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

function addressOfRecording(id: string): string {
  return `/recordings/${encodeURIComponent(id)}`;
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
