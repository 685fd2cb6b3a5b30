import { type AuditFilter, trail } from '../api/audit.ts';
import type { AuditEntry } from '../api/types.ts';
import { type AuditField, type AuditForm, auditForm, filterOf } from '../audit/audit-filter.ts';
import { AuditTabs } from '../audit/audit-tabs.tsx';
import { formatMoment } from '../format.ts';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { Field, SearchField, SelectField } from '../ui/fields.tsx';
import { FilterButton, FilterFields, useFilterForm } from '../ui/filter-form.tsx';
import { isEmpty, TEXT_LIMIT } from '../ui/form-address.ts';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { usePages } from '../ui/use-pages.ts';

const REFRESH_MS = 5000;

export function Audit() {
  const { form, asked, open, change, clear, toggle } = useFilterForm(auditForm);
  const filter = filterOf(asked);

  return (
    <Page
      title="Audit log"
      intro="Who did what, the newest first. Each entry is bound to the one before it and signed."
      actions={
        <>
          <AuditTabs current="/admin/audit" />
          <SearchField label="Search the audit log" value={form.search} change={change('search')} />
          <FilterButton controls="audit-filters" open={open} toggle={toggle} />
        </>
      }
    >
      {open && <Filters form={form} change={change} clear={clear} />}
      <p class="button-row" data-testid="exports">
        <a class="button" href={trail.exportUrl(filterOf(form), 'jsonl')} download>
          <Icon name="download" /> JSON lines
        </a>
        <a class="button" href={trail.exportUrl(filterOf(form), 'csv')} download>
          <Icon name="download" /> CSV
        </a>
        <span class="quiet small">{isEmpty(form) ? 'Everything' : 'What is looked for'}, with a signature.</span>
      </p>
      <Results key={JSON.stringify(asked)} filter={filter} filtered={!isEmpty(asked)} clear={clear} />
    </Page>
  );
}

interface FiltersProps {
  readonly form: AuditForm;
  change(field: AuditField): (value: string) => void;
  clear(): void;
}

function Filters({ form, change, clear }: FiltersProps) {
  return (
    <FilterFields id="audit-filters" form={form} clear={clear}>
      <Field
        label="Who"
        name="person"
        value={form.person}
        change={change('person')}
        maxLength={TEXT_LIMIT}
        autocapitalize="none"
      />
      <Field label="On" name="subject" value={form.subject} change={change('subject')} maxLength={TEXT_LIMIT} />
      <Field
        label="What"
        name="action"
        value={form.action}
        change={change('action')}
        autocapitalize="none"
        placeholder="login, login.failed"
      />
      <SelectField
        label="Outcome"
        name="outcome"
        value={form.outcome}
        change={change('outcome')}
        options={[
          ['', 'Any'],
          ['done', 'Done'],
          ['refused', 'Refused or failed'],
        ]}
      />
      <Field label="From" name="from" type="datetime-local" value={form.from} change={change('from')} />
      <Field label="To" name="to" type="datetime-local" value={form.to} change={change('to')} />
      <Field
        label="Session"
        name="sessionId"
        value={form.sessionId}
        change={change('sessionId')}
        autocapitalize="none"
      />
    </FilterFields>
  );
}

interface ResultsProps {
  readonly filter: AuditFilter;
  readonly filtered: boolean;
  clear(): void;
}

/** @param filter of the component's whole life */
function Results({ filter, filtered, clear }: ResultsProps) {
  const {
    list: entries,
    more,
    loadMore,
    loadingMore,
    error,
    reload,
  } = usePages<AuditEntry>((page, signal) => trail.list(filter, page.limit, page.after, signal), REFRESH_MS);

  return (
    <>
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {entries === undefined && error === undefined && <Loading what="the audit log" />}
      <p class="hidden-text" role="status">
        {entries !== undefined && `${entries.length} entries`}
      </p>
      {entries?.length === 0 && filtered && (
        <EmptyState icon="search" title="No entry is like that">
          <button type="button" class="button" onClick={clear}>
            Show all entries
          </button>
        </EmptyState>
      )}
      {entries !== undefined && entries.length > 0 && (
        <Table columns={['When', 'Who', 'What', 'On', 'Details', 'Address']} testId="audit">
          {entries.map((entry) => (
            <tr key={entry.id} data-number={entry.id}>
              <td data-label="When" class="moment" title={`${entry.at}, row ${entry.id}, ${entry.hash}`}>
                {formatMoment(entry.at)}
              </td>
              <td data-label="Who" class="name">
                {entry.actor || <span class="quiet">–</span>}
              </td>
              <td data-label="What" class={entry.outcome === 'refused' ? 'mono status-bad' : 'mono'}>
                {entry.action}
              </td>
              <td data-label="On" class="subject">
                {entry.subject || <span class="quiet">–</span>}
              </td>
              <td data-label="Details" class="quiet small details">
                {detailsOf(entry)}
              </td>
              <td data-label="Address" class="mono small">
                {entry.address}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {more && (
        <button type="button" class="button show-more" onClick={loadMore} disabled={loadingMore}>
          Load older entries
        </button>
      )}
    </>
  );
}

function detailsOf(entry: AuditEntry): string {
  return (
    Object.entries(entry.details)
      // Ids are for machines; the names beside them are for people.
      .filter(([name, value]) => value !== null && value !== '' && !name.endsWith('Id'))
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')
  );
}
