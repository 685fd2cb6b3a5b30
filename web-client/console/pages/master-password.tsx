import { useState } from 'preact/hooks';
import { type MasterPasswordState, vault } from '../api/vault.ts';
import { formatMoment, formatMomentWithin } from '../format.ts';
import { useIdentity } from '../identity.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { Field } from '../ui/fields.tsx';
import { useResource } from '../ui/use-resource.ts';

type Task = 'set' | 'change' | 'reset';

/** The password that only its user knows, and that some accounts ask for on top. */
export function MasterPasswordSection() {
  const { value: state, error, reload } = useResource(vault.masterPassword);
  const [task, setTask] = useState<Task>();
  const [lost, setLost] = useState<number>();
  const close = (): void => {
    setTask(undefined);
    reload();
  };
  return (
    <section class="setting" data-testid="master-password">
      <h2>Master password</h2>
      <p class="field-help">
        Some accounts ask for it each time that you use them. What you have checked out is encrypted with it: nobody
        else can use that, and nobody can tell you the password when you forget it.
      </p>
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {state === undefined && error === undefined && <Loading what="the master password" />}
      {state !== undefined && <State state={state} choose={setTask} />}
      {lost !== undefined && (
        <p role="status" data-testid="lost">
          It is given up. {lostWords(lost)}
        </p>
      )}
      {(task === 'set' || task === 'change') && <SetDialog change={task === 'change'} close={close} />}
      {task === 'reset' && <ResetDialog checkedOut={state?.checkedOut ?? 0} done={setLost} close={close} />}
    </section>
  );
}

function State({ state, choose }: { readonly state: MasterPasswordState; choose(task: Task): void }) {
  return (
    <>
      <p data-testid="master-password-state">
        {state.since === null ? 'Not set.' : `Set since ${formatMoment(state.since)}.`}
        {state.checkedOut > 0 && ` ${state.checkedOut} checked out under it.`}
        {state.lockedUntil !== null && ` Locked until ${formatMomentWithin(state.lockedUntil)} after wrong tries.`}
      </p>
      <div class="button-row">
        {!state.set && (
          <button type="button" class="button primary" onClick={() => choose('set')} data-testid="set-master">
            Set
          </button>
        )}
        {state.set && (
          <>
            <button type="button" class="button" onClick={() => choose('change')} data-testid="change-master">
              Change
            </button>
            <button
              type="button"
              class="button danger-text"
              onClick={() => choose('reset')}
              data-testid="forgot-master"
            >
              I forgot it
            </button>
          </>
        )}
      </div>
    </>
  );
}

function SetDialog({ change, close }: { readonly change: boolean; close(): void }) {
  const [present, setPresent] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  return (
    <Dialog
      title={change ? 'Change the master password' : 'Set a master password'}
      action={change ? 'Change' : 'Set'}
      testId="save-master"
      perform={async () => {
        if (next !== again) throw new Error('The new master password is not the same twice.');
        await (change ? vault.changeMasterPassword(present, next) : vault.setMasterPassword(next));
      }}
      close={close}
    >
      {change && (
        <Field
          label="Present master password"
          name="master-present"
          type="password"
          autocomplete="off"
          required
          value={present}
          change={setPresent}
        />
      )}
      <Field
        label="New master password"
        name="master-new"
        type="password"
        autocomplete="off"
        required
        minLength={8}
        value={next}
        change={setNext}
        help="At least 8 characters, and not the password that you sign in with."
      />
      <Field
        label="New master password once more"
        name="master-again"
        type="password"
        autocomplete="off"
        required
        value={again}
        change={setAgain}
      />
    </Dialog>
  );
}

interface ResetDialogProps {
  readonly checkedOut: number;
  done(lost: number): void;
  close(): void;
}

function ResetDialog({ checkedOut, done, close }: ResetDialogProps) {
  const { user } = useIdentity();
  const [proof, setProof] = useState('');
  return (
    <Dialog
      title="Give up the master password?"
      action="Give it up"
      danger
      testId="confirm-reset-master"
      perform={async () => {
        const { lost } = await vault.resetMasterPassword(user.hasPassword ? { password: proof } : { code: proof });
        done(lost);
      }}
      close={close}
    >
      <p>{lostWords(checkedOut)} You can set a new one afterwards, and check out again.</p>
      <Field
        label={user.hasPassword ? 'Password that you sign in with' : 'Code from your authenticator app'}
        name="master-proof"
        type={user.hasPassword ? 'password' : 'text'}
        autocomplete={user.hasPassword ? 'current-password' : 'one-time-code'}
        required
        value={proof}
        change={setProof}
      />
    </Dialog>
  );
}

function lostWords(count: number): string {
  if (count === 0) return 'Nothing is checked out under it, so nothing is lost.';
  return `What is checked out under it is lost: ${count === 1 ? 'one credential' : `${count} credentials`}.`;
}
