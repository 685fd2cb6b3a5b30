import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import type { ApiError } from '../api/request.ts';
import type { RetentionRule, StorageReport, TargetStorage, Watermarks } from '../api/types.ts';
import { formatBytes, formatClock, formatMomentWithin } from '../format.ts';
import { Dialog } from '../ui/dialog.tsx';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { Field } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { toApiError, useResource } from '../ui/use-resource.ts';
import { emptyRule, gigabytes, ruleOf, ruleText, toRuleForm, watermarksOf } from './retention-form.ts';

type Editing =
  | { readonly kind: 'default'; readonly rule: RetentionRule }
  | { readonly kind: 'target'; readonly row: TargetStorage }
  | { readonly kind: 'watermarks'; readonly watermarks: Watermarks };

/** What recordings take, how long there is room for them, and how long they are kept. */
export function StoragePage() {
  const { value: report, error, reload } = useResource(gateway.storage, 15_000);
  const retention = useResource(gateway.retention, 15_000);
  const [editing, setEditing] = useState<Editing>();
  const close = (): void => {
    setEditing(undefined);
    reload();
    retention.reload();
  };
  const failure = error ?? retention.error;
  return (
    <Page title="Storage">
      {failure !== undefined && <ErrorNote error={failure} retry={close} />}
      {report === undefined && failure === undefined && <Loading what="storage" />}
      {report !== undefined && <Room report={report} />}
      {report?.clockDoubt && <ClockNote doubt={report.clockDoubt} close={close} />}
      {report !== undefined && retention.value !== undefined && (
        <section class="setting wide-setting" aria-labelledby="rules-title">
          <h2 id="rules-title">Rules</h2>
          <dl class="rules">
            <div>
              <dt>Recordings are kept</dt>
              <dd data-testid="default-rule">{ruleText(retention.value.default)}</dd>
              <dd>
                <button
                  type="button"
                  class="button"
                  onClick={() => setEditing({ kind: 'default', rule: retention.value?.default ?? emptyRule })}
                  aria-label="Change how long recordings are kept"
                  data-testid="change-default"
                >
                  Change
                </button>
              </dd>
            </div>
            <div>
              <dt>The disk is low, and full</dt>
              <dd data-testid="watermarks">
                below {formatBytes(report.watermarks.warnFreeBytes)}, and below{' '}
                {formatBytes(report.watermarks.stopFreeBytes)} free
              </dd>
              <dd>
                <button
                  type="button"
                  class="button"
                  onClick={() => setEditing({ kind: 'watermarks', watermarks: report.watermarks })}
                  aria-label="Change when the disk is low, and full"
                  data-testid="change-watermarks"
                >
                  Change
                </button>
              </dd>
            </div>
          </dl>
          <p class="field-help">
            When the disk is full, no session starts that must be recorded. A recording under legal hold is kept
            whatever the rules say. Each deletion is in the audit log.
            {report.lastSweep !== null && ` Last looked through ${formatMomentWithin(report.lastSweep.at)}.`}
          </p>
        </section>
      )}
      {report !== undefined && <Targets report={report} edit={(row) => setEditing({ kind: 'target', row })} />}
      {editing?.kind === 'watermarks' && <WatermarksDialog watermarks={editing.watermarks} close={close} />}
      {(editing?.kind === 'default' || editing?.kind === 'target') && <RuleDialog editing={editing} close={close} />}
    </Page>
  );
}

const stateTexts = {
  ok: undefined,
  unknown: 'How much room there is cannot be told here.',
  low: 'The disk is low. Make room, or keep recordings for a shorter time.',
  full: 'The disk is full: no session starts that must be recorded.',
} as const;

function Room({ report }: { readonly report: StorageReport }) {
  const { state, freeBytes, totalBytes, bytes, daysLeft, bytesPerDay, held } = report;
  const text = stateTexts[state];
  return (
    <section class="storage-room" aria-label="Room" data-testid="storage" data-state={state}>
      {text !== undefined && (
        <p class={state === 'full' ? 'note note-error' : 'note note-warning'} role="alert">
          <Icon name="warning" /> {text}
        </p>
      )}
      <dl class="facts">
        <Fact name="Recordings">
          {report.recordings} in {formatBytes(bytes)}
        </Fact>
        <Fact name="Under legal hold">
          {held.recordings === 0 ? 'none' : `${held.recordings} in ${formatBytes(held.bytes)}`}
        </Fact>
        <Fact name="Free">
          {freeBytes === null || totalBytes === null
            ? 'unknown'
            : `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)}`}
        </Fact>
        <Fact name="Growth">{formatBytes(bytesPerDay)} a day</Fact>
        <Fact name="Days left" testId="days-left">
          {daysLeft === null ? 'without end, by these rules' : daysText(daysLeft)}
        </Fact>
      </dl>
      {freeBytes !== null && totalBytes !== null && totalBytes > 0 && (
        <meter
          class="storage-meter"
          aria-label="Used of the disk"
          min={0}
          max={totalBytes}
          value={totalBytes - freeBytes}
          high={Math.max(0, totalBytes - report.watermarks.warnFreeBytes)}
        />
      )}
    </section>
  );
}

interface ClockNoteProps {
  readonly doubt: NonNullable<StorageReport['clockDoubt']>;
  close(): void;
}

/** Nothing is deleted for its age until somebody has looked at the clock, or a while has gone by. */
function ClockNote({ doubt, close }: ClockNoteProps) {
  const [asking, setAsking] = useState(false);
  // With the year, whichever it is: that may be what is wrong.
  const dated = (iso: string): string => new Date(iso).toLocaleString();
  return (
    <div class="note note-warning" role="alert" data-testid="clock-doubt">
      <Icon name="warning" />
      <div class="note-text">
        <p>
          No recording is deleted for its age before {dated(doubt.until)}: the gateway ran last at{' '}
          {dated(doubt.lastSeen)}, and was started at {dated(doubt.since)} by its clock, which may be wrong. If it is,
          set it and start the gateway again.
        </p>
        <p>
          <button type="button" class="button" onClick={() => setAsking(true)} data-testid="believe-clock">
            The clock is right
          </button>
        </p>
      </div>
      {asking && (
        <Dialog
          title="The clock is right"
          action="Delete what is too old"
          testId="confirm-clock"
          danger
          perform={gateway.believeClock}
          close={close}
        >
          <p>
            By this browser's clock it is {new Date().toLocaleString()}. Recordings that are older than their rules keep
            them are deleted at once, and for good.
          </p>
        </Dialog>
      )}
    </div>
  );
}

function daysText(days: number): string {
  if (days > 3650) return 'more than ten years';
  return days === 1 ? '1 day' : `${days} days`;
}

function Fact(props: { readonly name: string; readonly testId?: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd data-testid={props.testId}>{props.children}</dd>
    </div>
  );
}

function Targets({ report, edit }: { readonly report: StorageReport; edit(row: TargetStorage): void }) {
  if (report.targets.length === 0) {
    return (
      <EmptyState icon="recordings" title="Nothing recorded yet">
        <p>What each target's recordings take is shown here.</p>
      </EmptyState>
    );
  }
  return (
    <div class="table-box storage-targets">
      <table class="table" aria-label="Storage by target">
        <thead>
          <tr>
            <th scope="col">Target</th>
            <th scope="col" class="number">
              Recordings
            </th>
            <th scope="col" class="number">
              Recorded
            </th>
            <th scope="col" class="number">
              Size
            </th>
            <th scope="col" class="number">
              KB/min
            </th>
            <th scope="col" class="number">
              A day
            </th>
            <th scope="col" class="number">
              In the end
            </th>
            <th scope="col">Kept</th>
            <th scope="col">
              <span class="hidden-text">Change</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {report.targets.map((row) => (
            <tr key={row.target.id} data-testid="storage-row" data-target={row.target.id}>
              <td data-label="Target" class="strong">
                {row.target.name}
              </td>
              <td data-label="Recordings" class="number">
                {row.recordings}
              </td>
              <td data-label="Recorded" class="number">
                {formatClock(row.minutes * 60_000)}
              </td>
              <td data-label="Size" class="number">
                {formatBytes(row.bytes)}
              </td>
              <td data-label="KB/min" class="number">
                {row.kbPerMinute ?? '–'}
              </td>
              <td data-label="A day" class="number">
                {formatBytes(row.bytesPerDay)}
              </td>
              <td data-label="In the end" class="number">
                {row.bytesInTheEnd === null ? 'grows' : formatBytes(row.bytesInTheEnd)}
              </td>
              <td data-label="Kept">
                <span>
                  {ruleText(row.rule)} {!row.ownRule && <span class="quiet small">(default)</span>}
                </span>
              </td>
              <td class="row-actions">
                <button
                  type="button"
                  class="button"
                  onClick={() => edit(row)}
                  aria-label={`Change how long recordings of ${row.target.name} are kept`}
                >
                  Change
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RuleDialogProps {
  readonly editing: Exclude<Editing, { kind: 'watermarks' }>;
  close(): void;
}

function RuleDialog({ editing, close }: RuleDialogProps) {
  const target = editing.kind === 'target' ? editing.row.target : undefined;
  const [form, setForm] = useState(toRuleForm(editing.kind === 'target' ? editing.row.rule : editing.rule));
  const [notReset, setNotReset] = useState<ApiError>();
  const perform = async (): Promise<void> => {
    const rule = ruleOf(form);
    if (target === undefined) await gateway.changeRetention({ default: rule });
    else await gateway.changeTargetRetention(target.id, rule);
  };
  const resets = target !== undefined && editing.kind === 'target' && editing.row.ownRule;
  return (
    <Dialog
      title={target === undefined ? 'Keep recordings' : `Keep recordings of ${target.name}`}
      action="Save"
      testId="save-rule"
      perform={perform}
      close={close}
    >
      <p>What is older, or the oldest of what is more, is deleted at once, and for good. Empty: no limit.</p>
      <Field
        label="Days"
        name="days"
        type="number"
        min="1"
        max="36500"
        value={form.days}
        change={(days) => setForm({ ...form, days })}
      />
      <Field
        label="Gigabytes for each target"
        name="gigabytes"
        type="number"
        min="0.001"
        max="1000000"
        step="any"
        value={form.gigabytes}
        change={(value) => setForm({ ...form, gigabytes: value })}
      />
      {resets && (
        <button
          type="button"
          class="button"
          onClick={() =>
            gateway.removeTargetRetention(target.id).then(close, (cause: unknown) => setNotReset(toApiError(cause)))
          }
        >
          Keep them by default
        </button>
      )}
      {notReset !== undefined && <ErrorNote error={notReset} />}
    </Dialog>
  );
}

function WatermarksDialog({ watermarks, close }: { readonly watermarks: Watermarks; close(): void }) {
  const [warn, setWarn] = useState(gigabytes(watermarks.warnFreeBytes));
  const [stop, setStop] = useState(gigabytes(watermarks.stopFreeBytes));
  return (
    <Dialog
      title="Room on the disk"
      action="Save"
      testId="save-watermarks"
      perform={() => gateway.changeRetention({ watermarks: watermarksOf(warn, stop) })}
      close={close}
    >
      <Field
        label="Low when less is free, gigabytes"
        name="warn"
        type="number"
        min="0"
        step="any"
        required
        value={warn}
        change={setWarn}
      />
      <Field
        label="Full when less is free, gigabytes"
        help="No session starts then that must be recorded. Those that go on are recorded into what is left."
        name="stop"
        type="number"
        min="0"
        step="any"
        required
        value={stop}
        change={setStop}
      />
    </Dialog>
  );
}
