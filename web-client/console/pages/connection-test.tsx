import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import type { ApiError } from '../api/request.ts';
import type { ConnectionReport, ReportDiagnosis, ReportStep, Target, TargetSecurity } from '../api/types.ts';
import { ErrorNote } from '../ui/feedback.tsx';
import { SelectField } from '../ui/fields.tsx';
import { Icon, type IconName } from '../ui/icon.tsx';
import { toApiError } from '../ui/use-resource.ts';
import { accountName } from './desktops.tsx';

/** Tests the connection to a target, with one of its accounts or up to where one is needed. */
export function ConnectionTest({ target, close }: { readonly target: Target; close(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const [account, setAccount] = useState(target.accounts[0]?.id ?? '');
  const { run, ...test } = useConnectionTest();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="dialog wide-dialog" aria-labelledby={titleId} onClose={close}>
      <form method="dialog">
        <h2 id={titleId}>Test the connection to {target.name}</h2>
        <div class="dialog-body">
          <p class="quiet">
            Oriel connects as it would for a session, step by step, and says what stands in the way and what to do.
          </p>
          <SelectField
            label="Sign in as"
            name="test-account"
            value={account}
            change={setAccount}
            options={[
              ...target.accounts.map((choice) => [choice.id, accountName(choice)] as const),
              ['', 'Nobody: test without signing in'],
            ]}
          />
          <TestOutcome {...test} />
        </div>
        <div class="dialog-actions">
          <button type="submit" class="button">
            Close
          </button>
          <button
            type="button"
            class="button primary"
            disabled={test.busy}
            data-testid="run-test"
            onClick={() => run((signal) => gateway.testTarget(target.id, account === '' ? undefined : account, signal))}
          >
            Test connection
          </button>
        </div>
      </form>
    </dialog>
  );
}

interface UnsavedConnectionTestProps {
  readonly fields: TargetSecurity & { readonly host: string; readonly port: number };
}

/** The same inside a form, with what is filled in so far and without signing in. */
export function UnsavedConnectionTest({ fields }: UnsavedConnectionTestProps) {
  const { run, ...test } = useConnectionTest();
  const ready = fields.host !== '' && fields.port > 0 && fields.port < 65536;
  return (
    <div class="test-in-form">
      <button
        type="button"
        class="button"
        disabled={!ready || test.busy}
        data-testid="test-unsaved"
        onClick={() => run((signal) => gateway.testUnsavedTarget(fields, signal))}
      >
        Test connection
      </button>
      <TestOutcome {...test} />
    </div>
  );
}

interface TestState {
  readonly busy: boolean;
  readonly report: ConnectionReport | undefined;
  readonly error: ApiError | undefined;
}

function useConnectionTest(): TestState & {
  run(ask: (signal: AbortSignal) => Promise<ConnectionReport>): Promise<void>;
} {
  const [busy, setBusy] = useState(false);
  const [report, setReport] = useState<ConnectionReport>();
  const [error, setError] = useState<ApiError>();
  const abort = useRef(new AbortController());
  useEffect(() => () => abort.current.abort(), []);
  const run = async (ask: (signal: AbortSignal) => Promise<ConnectionReport>): Promise<void> => {
    setBusy(true);
    setReport(undefined);
    setError(undefined);
    try {
      setReport(await ask(abort.current.signal));
    } catch (cause) {
      setError(toApiError(cause));
    }
    setBusy(false);
  };
  return { busy, report, error, run };
}

function TestOutcome({ busy, report, error }: TestState) {
  return (
    <>
      <p class={busy ? 'testing' : 'hidden-text'} role="status">
        {busy && (
          <>
            <span class="spinner" aria-hidden="true" /> Testing; this can take up to a minute…
          </>
        )}
        {report !== undefined && verdicts[report.verdict]}
      </p>
      {error !== undefined && <ErrorNote error={error} />}
      {report !== undefined && <Report report={report} />}
    </>
  );
}

const verdicts = {
  ok: 'It works.',
  warning: 'It works, and there is something to look at.',
  failed: 'It does not work.',
} as const;

const titles: Readonly<Record<string, string>> = {
  dns: 'Name',
  tcp: 'Reaching the port',
  negotiation: 'Negotiation',
  tls: 'TLS',
  certificate: 'Certificate',
  nla: 'Network Level Authentication',
  logon: 'Signing in',
  licensing: 'Licence',
  session: 'Session',
  picture: 'First picture',
  round_trip: 'Round trip',
};

const marks: Readonly<Record<ReportStep['status'], readonly [icon: IconName, word: string]>> = {
  ok: ['check', 'Well'],
  warning: ['warning', 'Warning'],
  failed: ['close', 'Failed'],
  skipped: ['skipped', 'Left out'],
};

function Report({ report }: { readonly report: ConnectionReport }) {
  return (
    <div class="report" data-testid="report" data-verdict={report.verdict}>
      <p class={`report-verdict verdict-${report.verdict}`}>
        {verdicts[report.verdict]} <span class="quiet">{(report.durationMs / 1000).toFixed(1)} s</span>
      </p>
      <ol class="report-steps">
        {report.steps.map((step) => (
          <Step key={step.name} step={step} />
        ))}
      </ol>
    </div>
  );
}

function Step({ step }: { readonly step: ReportStep }) {
  const [icon, word] = marks[step.status];
  const facts = Object.entries(step.facts).filter(([, fact]) => String(fact) !== '');
  return (
    <li class={`report-step step-${step.status}`}>
      <Icon name={icon} />
      <div class="report-text">
        <p>
          <span class="hidden-text">{word}: </span>
          <span class="strong">{titles[step.name] ?? step.name}</span> <span class="quiet">{step.summary}</span>
        </p>
        {step.diagnoses.map((found) => (
          <Diagnosis key={found.code} found={found} />
        ))}
        {facts.length > 0 && (
          <details class="small">
            <summary>
              Details<span class="hidden-text"> of {titles[step.name] ?? step.name}</span>
            </summary>
            <dl class="report-facts">
              {facts.map(([name, fact]) => (
                <div key={name}>
                  <dt>{wordsOf(name)}</dt>
                  <dd>{typeof fact === 'object' ? fact.join(', ') : String(fact)}</dd>
                </div>
              ))}
            </dl>
          </details>
        )}
      </div>
      <span class="quiet small">{step.status === 'skipped' ? '' : `${Math.round(step.durationMs)} ms`}</span>
    </li>
  );
}

function Diagnosis({ found }: { readonly found: ReportDiagnosis }) {
  return (
    <div class={`diagnosis diagnosis-${found.severity}`}>
      <p class="strong">{found.message}</p>
      {found.detail !== undefined && <p class="mono">{found.detail}</p>}
      <p>
        <span class="quiet">Likely cause:</span> {found.cause}
      </p>
      <p>
        <span class="quiet">What to do:</span> {found.fix}
      </p>
      <p class="quiet small">
        Code <code>{found.code}</code>
      </p>
    </div>
  );
}

/** `camelCase` as words. */
function wordsOf(name: string): string {
  const words = name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}
