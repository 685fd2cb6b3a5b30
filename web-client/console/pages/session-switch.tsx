import { useState } from 'preact/hooks';
import { requests } from '../api/requests.ts';
import { MAX_COMMENT } from '../requests/new-request-form.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Field } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { countsChanged } from '../ui/use-counts.ts';
import { useResource } from '../ui/use-resource.ts';

/** The button that stops all new sessions at once, or allows them again; for those who may. */
export function SessionSwitch() {
  const { value, reload } = useResource(requests.sessionSwitch);
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  if (value === undefined) return null;
  const { stopped } = value;
  return (
    <>
      <button
        type="button"
        class={stopped ? 'button primary' : 'button danger-text'}
        onClick={() => setAsking(true)}
        data-testid="session-switch"
      >
        <Icon name={stopped ? 'play' : 'stop'} /> {stopped ? 'Allow new sessions' : 'Stop all new sessions'}
      </button>
      {asking && (
        <Dialog
          title={stopped ? 'Allow new sessions again?' : 'Stop all new sessions?'}
          action={stopped ? 'Allow them' : 'Stop them'}
          danger={!stopped}
          testId="confirm-switch"
          perform={async () => {
            await requests.turnSessionSwitch(!stopped, reason.trim());
            setReason('');
            reload();
            countsChanged();
          }}
          close={() => setAsking(false)}
        >
          {!stopped && (
            <>
              <p>Nobody can open a session until they are allowed again. Sessions that are open go on.</p>
              <Field
                label="Reason (optional)"
                name="switch-reason"
                maxLength={MAX_COMMENT}
                value={reason}
                change={setReason}
                help="Everybody reads it at the top of each page."
              />
            </>
          )}
        </Dialog>
      )}
    </>
  );
}
