import { useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import type { Recording, RecordingRetention } from '../api/types.ts';
import { formatBytes, formatMomentWithin } from '../format.ts';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorNote } from '../ui/feedback.tsx';
import { Field } from '../ui/fields.tsx';
import { useResource } from '../ui/use-resource.ts';

/** How long a recording is kept, and the legal hold that keeps it whatever the rules say. */
export function RetentionPanel({ recording }: { readonly recording: Recording }) {
  const { value, error, reload } = useResource((signal) => gateway.recordingRetention(recording.id, signal), 15_000);
  const [asking, setAsking] = useState<'hold' | 'lift'>();
  const [reason, setReason] = useState('');
  const close = (): void => {
    setAsking(undefined);
    setReason('');
    reload();
  };
  return (
    <section class="retention" aria-labelledby="retention-title" data-testid="retention">
      <h2 id="retention-title">Kept</h2>
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {value !== undefined && <p>{keptText(recording, value)}</p>}
      {value?.hold && (
        <p class="note note-warning" data-testid="hold">
          <span>
            <strong>Legal hold: {value.hold.reason}</strong>{' '}
            <span class="quiet">
              by {value.hold.by}, {formatMomentWithin(value.hold.at)}
            </span>
          </span>
        </p>
      )}
      {value !== undefined && (
        <button
          type="button"
          class="button"
          onClick={() => setAsking(value.hold === null ? 'hold' : 'lift')}
          data-testid="change-hold"
        >
          {value.hold === null ? 'Put under legal hold' : 'Lift the legal hold'}
        </button>
      )}
      {asking === 'hold' && (
        <Dialog
          title="Put under legal hold"
          action="Hold"
          testId="confirm-hold"
          perform={() => gateway.holdRecording(recording.id, reason)}
          close={close}
        >
          <p>Nothing deletes this recording until the hold is lifted. It is written into the audit log.</p>
          <Field
            label="Reason"
            name="reason"
            value={reason}
            change={setReason}
            required
            autofocus
            maxLength={500}
            pattern=".*\S.*"
          />
        </Dialog>
      )}
      {asking === 'lift' && (
        <Dialog
          title="Lift the legal hold"
          action="Lift"
          danger
          testId="confirm-lift"
          perform={() => gateway.liftHold(recording.id)}
          close={close}
        >
          <p>The rules are for this recording again. Where they no longer keep it, it is deleted at once.</p>
        </Dialog>
      )}
    </section>
  );
}

function keptText(recording: Recording, { rule, keptUntil, hold }: RecordingRetention): string {
  if (hold !== null) return 'Kept whatever the rules say.';
  const size =
    rule.maxBytes === null ? '' : `the recordings of ${recording.target.name} come to ${formatBytes(rule.maxBytes)}`;
  if (keptUntil !== null) {
    const until = `Kept until ${formatMomentWithin(keptUntil)}`;
    return size === '' ? `${until}.` : `${until}, or until ${size}.`;
  }
  if (rule.maxAgeDays !== null) return `Kept for ${rule.maxAgeDays} days after the session.`;
  return size === '' ? 'Kept without limit.' : `Kept until ${size}.`;
}
