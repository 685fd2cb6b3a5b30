import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import type { ApiError } from '../api/request.ts';
import type { VerificationFinding, Verified } from '../api/types.ts';
import { formatClock, formatMomentWithin } from '../format.ts';
import { ErrorNote } from '../ui/feedback.tsx';
import { Icon } from '../ui/icon.tsx';
import { toApiError, useResource } from '../ui/use-resource.ts';

const titles = {
  whole: 'Whole: every byte is as it was signed',
  altered: 'Altered: the file is not as it was signed',
  'cut-short': 'Cut short: the end of the file is missing',
  'no-evidence': 'No evidence: this file is not proven to be whole',
} as const;

/** Whether anybody touched a recording: the last check, a new one, and the bundle to check it elsewhere. */
export function VerificationPanel({ recording }: { readonly recording: string }) {
  const { value: last, error, reload } = useResource((signal) => gateway.verification(recording, signal));
  const [failure, setFailure] = useState<ApiError>();
  const [busy, setBusy] = useState(false);

  const verify = async (): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      await gateway.verify(recording);
    } catch (cause) {
      setFailure(toApiError(cause));
    }
    reload();
    setBusy(false);
  };

  return (
    <section class="verification" aria-labelledby="verification-title" data-testid="verification">
      <h2 id="verification-title">Evidence</h2>
      <div class="verification-tools">
        <button type="button" class="button" onClick={verify} disabled={busy} data-testid="verify">
          {busy ? 'Checking…' : 'Verify'}
        </button>
        <a class="button" href={gateway.evidenceUrl(recording)} download data-testid="evidence">
          <Icon name="download" /> Evidence bundle
        </a>
      </div>
      {last && (
        <Verdict verified={last}>
          Checked {formatMomentWithin(last.at)} by {last.by}
        </Verdict>
      )}
      {last === null && <p class="quiet">Not checked yet.</p>}
      {failure !== undefined && <ErrorNote error={failure} />}
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
    </section>
  );
}

/** A verdict, with what is to be said of the check, and the report. */
export function Verdict({ verified, children }: { readonly verified: Verified; readonly children: ComponentChildren }) {
  const { verdict, text, report } = verified;
  const { findings, untilMs } = report;
  const whole = verdict === 'whole';
  return (
    <div
      class={whole ? 'note note-good' : 'note note-error'}
      role="status"
      data-testid="verdict"
      data-verdict={verdict}
    >
      <Icon name={whole ? 'check' : 'warning'} />
      <div class="note-text">
        <p>
          <strong>{titles[verdict]}</strong>
        </p>
        {untilMs !== undefined && <p>What is there, up to {formatClock(untilMs)}, is as it was signed.</p>}
        {findings.length > 0 && (
          <ul class="verification-findings" aria-label="Where">
            {findings.slice(0, FINDINGS_SHOWN).map((finding) => (
              <li key={describe(finding)}>{describe(finding)}</li>
            ))}
            {findings.length > FINDINGS_SHOWN && <li>And {findings.length - FINDINGS_SHOWN} more, in the report</li>}
          </ul>
        )}
        <p class="quiet small">{children}</p>
        <details>
          <summary>Report</summary>
          <pre class="verification-report">{text}</pre>
        </details>
      </div>
    </div>
  );
}

const FINDINGS_SHOWN = 5;

/** Where first: that is what is asked for. */
function describe({ message, fromMs, untilMs, event, start, end }: VerificationFinding): string {
  const where: string[] = [];
  if (fromMs !== undefined) {
    where.push(
      untilMs === undefined ? `after ${formatClock(fromMs)}` : `${formatClock(fromMs)} to ${formatClock(untilMs)}`,
    );
  }
  if (event !== undefined) where.push(`event ${event}`);
  if (where.length === 0 && start !== undefined && end !== undefined) where.push(`bytes ${start} to ${end}`);
  const text = where.length === 0 ? message : `${where.join(', ')}: ${message}`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}
