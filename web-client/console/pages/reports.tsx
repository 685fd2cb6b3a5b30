import { useState } from 'preact/hooks';
import { type Report, type ReportFilter, type ReportKind, reportKinds, trail } from '../api/audit.ts';
import { momentOf } from '../audit/audit-filter.ts';
import { AuditTabs } from '../audit/audit-tabs.tsx';
import { formatBytes, formatClock, formatMoment } from '../format.ts';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { Field, SelectField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';

const titles: Readonly<Record<ReportKind, string>> = {
  access: 'Who could reach what',
  sessions: 'Who connected',
  recordings: 'What was recorded',
  reviews: 'What was reviewed',
};
const columnTitles: Readonly<Record<string, string>> = {
  person: 'Who',
  target: 'Target',
  account: 'Account',
  accounts: 'Accounts',
  group: 'By group',
  policy: 'Under policy',
  needs: 'Needs',
  emergency: 'Emergency',
  from: 'Since',
  to: 'Until',
  openedAt: 'Opened',
  connectedAt: 'Connected',
  endedAt: 'Ended',
  endCode: 'By',
  approvedBy: 'Approved by',
  reason: 'Reason',
  ticket: 'Ticket',
  recording: 'Recording',
  durationMs: 'Length',
  bytes: 'Size',
  held: 'Held',
  deletedAt: 'Deleted',
  deletedBy: 'By rule',
  verdict: 'Checked',
  verifiedAt: 'Checked at',
  verifiedBy: 'Checked by',
  viewed: 'Viewed',
  downloaded: 'Downloaded',
  requestedAt: 'Requested',
  state: 'State',
  review: 'Review',
  reviewedBy: 'Reviewed by',
  reviewedAt: 'Reviewed at',
  comment: 'Comment',
  sessions: 'Sessions',
  waitingSince: 'Waiting since',
};
/** For machines, and in the files. */
const hidden = new Set(['requestId', 'sessionId', 'connectedAt', 'verifiedAt', 'verifiedBy']);
const SHOWN_ROWS = 1000;

/** Reports for the auditor, over a time. */
export function Reports() {
  const [kind, setKind] = useState<ReportKind>('access');
  const [from, setFrom] = useState(() => localDay(0));
  const [to, setTo] = useState(() => localDay(0));
  const [person, setPerson] = useState('');
  const [target, setTarget] = useState('');
  const [asked, setAsked] = useState<{ readonly kind: ReportKind; readonly filter: ReportFilter }>();
  const start = momentOf(`${from}T00:00`, 0);
  const end = momentOf(`${to}T00:00`, 24 * 60);
  const usable = start !== undefined && end !== undefined && start < end;
  const make = (event: Event): void => {
    event.preventDefault();
    if (!usable) return;
    const texts = Object.fromEntries(
      Object.entries({ person: person.trim(), target: target.trim() }).filter(([, text]) => text !== ''),
    );
    setAsked({ kind, filter: { from: start, to: end, ...texts } });
  };
  return (
    <Page
      title="Compliance reports"
      intro="For a day or longer, by your clock."
      actions={<AuditTabs current="/admin/audit/reports" />}
    >
      <form class="filters report" aria-label="Report" onSubmit={make} data-testid="report-form">
        <SelectField
          label="Report"
          name="kind"
          value={kind}
          change={(value) => setKind(value as ReportKind)}
          options={reportKinds.map((each) => [each, titles[each]] as const)}
        />
        <Field label="From" name="from" type="date" required value={from} change={setFrom} />
        <Field
          label="To"
          name="to"
          type="date"
          required
          value={to}
          change={setTo}
          error={usable ? undefined : 'It ends before it begins.'}
        />
        <Field label="Who" name="person" value={person} change={setPerson} autocapitalize="none" />
        <Field label="Target" name="target" value={target} change={setTarget} />
        <button type="submit" class="button primary" disabled={!usable}>
          Make report
        </button>
      </form>
      {asked === undefined ? (
        <EmptyState icon="audit" title="No report yet">
          <p>Choose what and when, and make one. It can be printed and saved.</p>
        </EmptyState>
      ) : (
        <ReportView key={JSON.stringify(asked)} {...asked} />
      )}
    </Page>
  );
}

function ReportView({ kind, filter }: { readonly kind: ReportKind; readonly filter: ReportFilter }) {
  const { value: report, error, reload } = useResource((signal) => trail.report(kind, filter, signal));
  if (error !== undefined) return <ErrorNote error={error} retry={reload} />;
  if (report === undefined) return <Loading what="the report" />;
  const columns = report.columns.filter((column) => !hidden.has(column));
  return (
    <section class="report" data-testid="report" aria-label={titles[kind]}>
      <h2>{titles[kind]}</h2>
      <p class="quiet">
        {new Date(report.from).toLocaleString()} to {new Date(report.to).toLocaleString()}; {report.rows.length} rows;
        made {new Date(report.madeAt).toLocaleString()} by {report.madeBy}
      </p>
      {report.knownFrom !== null && report.from < report.knownFrom && (
        <p class="note" data-testid="known-from">
          Nothing is known of who could reach what before {new Date(report.knownFrom).toLocaleString()}.
        </p>
      )}
      {report.cut && <p class="note">There is more than a report holds: choose a shorter time.</p>}
      <p class="button-row no-print">
        <a class="button" href={trail.reportUrl(kind, filter, 'csv')} download>
          <Icon name="download" /> CSV
        </a>
        <a class="button" href={trail.reportUrl(kind, filter, 'json')} download={`oriel-${kind}.json`}>
          <Icon name="download" /> JSON
        </a>
        <button type="button" class="button" onClick={() => window.print()}>
          Print
        </button>
      </p>
      {report.rows.length === 0 ? (
        <EmptyState icon="search" title="Nothing in that time">
          <p>Choose a longer time, or other names.</p>
        </EmptyState>
      ) : (
        <Table columns={columns.map((column) => columnTitles[column] ?? column)} testId="report-rows">
          {report.rows.slice(0, SHOWN_ROWS).map((row, index) => (
            <tr key={index}>
              {columns.map((column) => (
                <td data-label={columnTitles[column] ?? column} key={column}>
                  {cellText(column, row[column] ?? null)}
                </td>
              ))}
            </tr>
          ))}
        </Table>
      )}
      {report.rows.length > SHOWN_ROWS && <p class="quiet">The first {SHOWN_ROWS} rows; the files have all of them.</p>}
    </section>
  );
}

function cellText(column: string, value: Report['rows'][number][string]): string {
  if (value === null || value === undefined || value === '') return column === 'to' ? 'still' : '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (column === 'durationMs') return formatClock(Number(value));
  if (column === 'bytes') return formatBytes(Number(value));
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT.*Z$/.test(value) ? formatMoment(value) : String(value);
}

/** `2026-03-01`, so many days before today. */
function localDay(ago: number): string {
  const now = new Date();
  const at = new Date(now.getFullYear(), now.getMonth(), now.getDate() - ago);
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
}
