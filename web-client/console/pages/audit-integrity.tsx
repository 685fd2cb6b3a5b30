import { useState } from 'preact/hooks';
import { type TrailCheck, trail } from '../api/audit.ts';
import { gateway } from '../api/gateway.ts';
import type { ApiError } from '../api/request.ts';
import { AuditTabs } from '../audit/audit-tabs.tsx';
import { formatBytes, formatMoment } from '../format.ts';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { toApiError, useResource } from '../ui/use-resource.ts';

const verdicts: Readonly<Record<TrailCheck['report']['verdict'], string>> = {
  whole: 'Whole',
  altered: 'Altered',
  'cut-short': 'Its end is missing',
  'not-checkable': 'Not to be checked',
};

/** Whether the trail is as it was written. */
export function AuditIntegrity() {
  const { value, error, reload } = useResource(trail.integrity, 10_000);
  const key = useResource(gateway.evidenceKey);
  const [check, setCheck] = useState<TrailCheck>();
  const [busy, setBusy] = useState(false);
  const [checkError, setCheckError] = useState<ApiError>();
  const verify = async (): Promise<void> => {
    setBusy(true);
    setCheckError(undefined);
    try {
      setCheck(await trail.verify());
    } catch (cause) {
      setCheckError(toApiError(cause));
    }
    setBusy(false);
    reload();
  };
  return (
    <Page title="Integrity of the audit log" actions={<AuditTabs current="/admin/audit/integrity" />}>
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {value === undefined && error === undefined && <Loading what="the state of the trail" />}
      <section class="setting">
        <h2>Check it now</h2>
        <p class="field-help">
          Every entry carries the hash of its content with the entry before it, and the last one is signed every second.
          The check finds any entry that was changed, removed, put in or moved, and an end that was cut off.
        </p>
        <div class="button-row">
          <button type="button" class="button primary" onClick={verify} disabled={busy} data-testid="verify">
            {busy ? 'Checking…' : 'Check the whole trail'}
          </button>
          <span
            role="status"
            data-testid="verdict"
            class={check?.report.verdict === 'whole' ? 'strong' : 'strong status-bad'}
          >
            {check !== undefined && verdicts[check.report.verdict]}
          </span>
        </div>
        {checkError !== undefined && <ErrorNote error={checkError} />}
        {check !== undefined && (
          <pre class="verification-report" data-testid="report">
            {check.text}
          </pre>
        )}
        <p class="field-help">
          Whoever can change this gateway can change this page, too. <code>npm run audit -- verify</code> does the same
          with your own copy of the public key and of the signed heads.
        </p>
      </section>
      {value !== undefined && (
        <section class="setting">
          <h2>Signed so far</h2>
          {value.head === null ? (
            <p>Nothing yet.</p>
          ) : (
            <p>
              Up to entry {value.head.number} of {value.rows}, {formatMoment(value.head.at)}, with key{' '}
              <code class="key-id">{value.head.key}</code>
              <br />
              Hash <code class="key-id">{value.head.hash}</code>
            </p>
          )}
          {key.value !== undefined && <pre class="verification-report">{key.value.pem}</pre>}
        </section>
      )}
      {value !== undefined && value.archives.length > 0 && (
        <section class="setting">
          <h2>Archives</h2>
          <p class="field-help">
            Older entries that went out of the database as closed ranges, each with a signed statement.
          </p>
          <Table columns={['Entries', 'Since', 'File', 'SHA-256']} actions testId="archives">
            {value.archives.map(({ from, to, at, file, digest, bytes }) => (
              <tr key={from}>
                <td data-label="Entries">
                  {from} to {to}
                </td>
                <td data-label="Since" class="moment">
                  {formatMoment(at)}
                </td>
                <td data-label="File">
                  {file} <span class="quiet">{bytes === null ? 'moved elsewhere' : formatBytes(bytes)}</span>
                </td>
                <td data-label="SHA-256" class="mono small details">
                  {digest}
                </td>
                <td>
                  {bytes !== null && (
                    <a class="button" href={trail.archiveUrl(from)} download aria-label={`Download ${file}`}>
                      <Icon name="download" />
                    </a>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        </section>
      )}
    </Page>
  );
}
