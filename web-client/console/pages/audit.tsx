import { useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import type { ApiError } from '../api/request.ts';
import type { AuditEntry } from '../api/types.ts';
import { formatMoment, matches } from '../format.ts';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { SearchField } from '../ui/fields.tsx';
import { Page } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { toApiError, useResource } from '../ui/use-resource.ts';

export function Audit() {
  const { value: newest, error, reload } = useResource((signal) => gateway.audit(undefined, signal), 5000);
  const [older, setOlder] = useState<readonly AuditEntry[]>([]);
  const [atEnd, setAtEnd] = useState(false);
  const [moreError, setMoreError] = useState<ApiError>();
  const [search, setSearch] = useState('');
  const entries = newest === undefined ? undefined : join(newest, older);
  const found = entries?.filter((entry) =>
    matches(search, entry.actor, entry.action, entry.subject, entry.address, detailsOf(entry)),
  );

  const more = async (): Promise<void> => {
    const last = entries?.at(-1);
    if (last === undefined) return;
    setMoreError(undefined);
    try {
      const next = await gateway.audit(last.id);
      // Of the newest, too, what would fall out of their list when more are written.
      setOlder(join(entries ?? [], next));
      setAtEnd(next.length === 0);
    } catch (cause) {
      setMoreError(toApiError(cause));
    }
  };

  return (
    <Page
      title="Audit log"
      intro="Who did what, the newest first."
      actions={<SearchField label="Search the audit log" value={search} change={setSearch} />}
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {entries === undefined && error === undefined && <Loading what="the audit log" />}
      {entries !== undefined && found?.length === 0 && (
        <EmptyState icon="search" title={`Nothing matches “${search}” among the entries loaded`} />
      )}
      {found !== undefined && found.length > 0 && (
        <Table columns={['When', 'Who', 'What', 'On', 'Details', 'Address']} testId="audit">
          {found.map((entry) => (
            <tr key={entry.id}>
              <td data-label="When" class="moment" title={entry.at}>
                {formatMoment(entry.at)}
              </td>
              <td data-label="Who">{entry.actor || <span class="quiet">–</span>}</td>
              <td data-label="What" class="mono">
                {entry.action}
              </td>
              <td data-label="On">{entry.subject || <span class="quiet">–</span>}</td>
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
      {moreError !== undefined && <ErrorNote error={moreError} />}
      {entries !== undefined && entries.length > 0 && !atEnd && (
        <button type="button" class="button" onClick={more}>
          Load older entries
        </button>
      )}
    </Page>
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

/** Both lists in one, newest first, each entry once. */
function join(newer: readonly AuditEntry[], older: readonly AuditEntry[]): readonly AuditEntry[] {
  const known = new Set(newer.map((entry) => entry.id));
  return [...newer, ...older.filter((entry) => !known.has(entry.id))];
}
