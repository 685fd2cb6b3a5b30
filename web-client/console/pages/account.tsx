import { useState } from 'preact/hooks';
import { account, type Enrolment, type SecondFactorState, type SignInEntry } from '../api/account.ts';
import { ApiError } from '../api/request.ts';
import { formatMoment } from '../format.ts';
import { useIdentity } from '../identity.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { CheckField, Field } from '../ui/fields.tsx';
import { Page } from '../ui/page.tsx';
import { SavedForm } from '../ui/saved-form.tsx';
import { FactorField, shownFactor, useStepUp } from '../ui/step-up.tsx';
import { Table } from '../ui/table.tsx';
import { toApiError, useResource } from '../ui/use-resource.ts';
import { browserName } from './browser-name.ts';
import { MasterPasswordSection } from './master-password.tsx';
import { kindTexts } from './notification-settings.tsx';
import { PasskeysSection } from './passkeys.tsx';
import { PasswordSection } from './password.tsx';
import { Enrol, RecoveryCodes } from './second-factor.tsx';

/** How one signs in, and where one is signed in. */
export function AccountPage() {
  const { user } = useIdentity();
  // Passkeys are a second factor too: the other section says what there is.
  const [round, setRound] = useState(0);
  const failed = new URLSearchParams(window.location.search).get('sign-in');
  return (
    <Page title="Your account" intro={`Signed in as ${user.username}`}>
      {failed !== null && (
        <ErrorNote
          error={new ApiError({ code: failed, message: 'The sign-in service of your organisation did not agree.' })}
        />
      )}
      <SecondFactorSection key={round} />
      <PasskeysSection changed={() => setRound(round + 1)} />
      <SignInsSection />
      {user.hasPassword && <PasswordSection />}
      <MasterPasswordSection />
      <SingleSignOnSection />
      <MailSection />
    </Page>
  );
}

type Task = 'enrol' | 'enrolling' | 'remove' | 'renew';

function SecondFactorSection() {
  const { user } = useIdentity();
  const { value: state, error, reload } = useResource(account.secondFactor);
  const [task, setTask] = useState<Task>();
  const [proof, setProof] = useState('');
  const [codes, setCodes] = useState<readonly string[]>();
  const [made, setMade] = useState<Enrolment>();
  const [failure, setFailure] = useState<ApiError>();
  const { guard, dialog } = useStepUp();
  // A passkey that counts stands in for the app.
  const needed = state?.required === true && !(state.passkeys > 0 && state.allowed.includes('passkey'));
  const close = (): void => {
    setProof('');
    setTask(undefined);
    reload();
  };
  const finish = (): void => {
    setCodes(undefined);
    setMade(undefined);
    setTask(undefined);
    reload();
  };
  const removalProof = user.hasPassword ? { password: proof } : { code: proof };
  return (
    <section class="setting" data-testid="second-factor">
      <h2>Two-step sign-in</h2>
      <p class="field-help">
        After your password Oriel asks for a code from an app on your telephone, or for a passkey. Whoever knows your
        password alone does not get in.
      </p>
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {state === undefined && error === undefined && <Loading what="two-step sign-in" />}
      {failure !== undefined && <ErrorNote error={failure} />}
      {dialog}
      {codes !== undefined && <RecoveryCodes codes={codes} done={finish} />}
      {task === 'enrolling' && <Enrol made={made} done={finish} />}
      {state !== undefined && task !== 'enrolling' && codes === undefined && (
        <>
          <p data-testid="second-factor-state">{stateText(state)}</p>
          <div class="button-row">
            {!state.enrolled && state.allowed.includes('code') && (
              <button
                type="button"
                class="button primary"
                data-testid="set-up"
                onClick={() =>
                  user.hasPassword
                    ? setTask('enrol')
                    : guard(async () => {
                        setMade(await account.beginSecondFactor());
                        setTask('enrolling');
                      }).catch((cause: unknown) => setFailure(toApiError(cause)))
                }
              >
                {state.passkeys > 0 ? 'Set up an authenticator app' : 'Set up'}
              </button>
            )}
            {(state.enrolled || state.passkeys > 0) && (
              <button type="button" class="button" onClick={() => setTask('renew')}>
                New recovery codes
              </button>
            )}
            {state.enrolled && !needed && (
              <button type="button" class="button danger-text" onClick={() => setTask('remove')} data-testid="turn-off">
                Turn off
              </button>
            )}
          </div>
          {state.required && <p class="field-help">It is required for a role of yours.</p>}
        </>
      )}
      {task === 'enrol' && (
        <Dialog
          title="Set up two-step sign-in"
          action="Go on"
          testId="enrol-go-on"
          perform={async () => {
            setMade(await account.beginSecondFactor(proof));
            setTask('enrolling');
            setProof('');
          }}
          close={() => setTask((current) => (current === 'enrol' ? undefined : current))}
        >
          <PasswordField value={proof} change={setProof} />
        </Dialog>
      )}
      {task === 'renew' && (
        <Dialog
          title="New recovery codes?"
          action="Make new codes"
          testId="renew-codes"
          perform={async () => {
            const shown = await shownFactor(proof, (state?.passkeys ?? 0) > 0);
            setCodes((await account.renewRecoveryCodes(shown)).recoveryCodes);
          }}
          close={close}
        >
          <p>The codes that you have are no longer good then.</p>
          <FactorField factors={state} name="proof-code" value={proof} change={setProof} />
        </Dialog>
      )}
      {task === 'remove' && (
        <Dialog
          title="Turn off two-step sign-in?"
          action="Turn off"
          danger
          testId="confirm-turn-off"
          perform={() => account.removeSecondFactor(removalProof)}
          close={close}
        >
          {user.hasPassword ? (
            <PasswordField value={proof} change={setProof} />
          ) : (
            <CodeField value={proof} change={setProof} />
          )}
        </Dialog>
      )}
    </section>
  );
}

function stateText({ enrolled, since, passkeys: count, recoveryCodesLeft }: SecondFactorState): string {
  if (!enrolled && count === 0) return 'Off.';
  const on = enrolled && since !== null ? `On since ${formatMoment(since)}.` : 'On, by passkey.';
  return `${on} ${recoveryCodesLeft} recovery codes are left.`;
}

function SignInsSection() {
  const { value: signIns, error, reload } = useResource(account.signIns, 30_000);
  const [ending, setEnding] = useState<SignInEntry | 'others'>();
  const close = (): void => {
    setEnding(undefined);
    reload();
  };
  return (
    <section class="setting setting-wide" data-testid="sign-ins">
      <h2>Where you are signed in</h2>
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {signIns === undefined && error === undefined && <Loading what="sign-ins" />}
      {signIns !== undefined && <SignInTable signIns={signIns} end={setEnding} />}
      {signIns !== undefined && signIns.length > 1 && (
        <button type="button" class="button" onClick={() => setEnding('others')} data-testid="end-others">
          Sign out everywhere else
        </button>
      )}
      {ending !== undefined && (
        <Dialog
          title={ending === 'others' ? 'Sign out everywhere else?' : `Sign out ${browserName(ending.userAgent)}?`}
          action="Sign out"
          danger
          testId="confirm-end-sign-in"
          perform={() => (ending === 'others' ? account.endOtherSignIns() : account.endSignIn(ending.id))}
          close={close}
        >
          <p>Remote desktops that were opened there end at once.</p>
        </Dialog>
      )}
    </section>
  );
}

const methodTexts: Partial<Record<SignInEntry['method'], string>> = {
  ldap: 'Directory',
  oidc: 'Single sign-on',
  passkey: 'Passkey',
};

/** Also for an administrator's look at somebody else's. */
export function SignInTable({
  signIns,
  end,
}: {
  readonly signIns: readonly SignInEntry[];
  end(signIn: SignInEntry): void;
}) {
  return (
    <Table columns={['Browser', 'From', 'Since', 'Last used']} actions>
      {signIns.map((signIn) => (
        <tr key={signIn.id} data-testid="sign-in-row">
          <td data-label="Browser" class="strong" title={signIn.userAgent}>
            <span>
              {browserName(signIn.userAgent)} {signIn.current && <span class="tag">This one</span>}{' '}
              {methodTexts[signIn.method] !== undefined && <span class="tag">{methodTexts[signIn.method]}</span>}
            </span>
          </td>
          <td data-label="From">{signIn.address}</td>
          <td data-label="Since" class="moment">
            {formatMoment(signIn.createdAt)}
          </td>
          <td data-label="Last used" class="moment">
            {formatMoment(signIn.lastSeenAt)}
          </td>
          <td class="row-actions">
            {!signIn.current && (
              <button type="button" class="button danger-text" onClick={() => end(signIn)}>
                Sign out<span class="hidden-text"> {browserName(signIn.userAgent)}</span>
              </button>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** Nothing where no mails are sent, or none that could be declined. */
function MailSection() {
  const { value: present, reload } = useResource(account.mails);
  const [changes, setChanges] = useState<Readonly<Record<string, boolean>>>({});
  if (present === undefined || present.length === 0) return null;
  return (
    <SavedForm
      title="Mails to you"
      help="What you switch off is still under the bell. Emergencies, and what is done to your account, are mailed in any case."
      testId="mails"
      save={async () => {
        await account.changeMails(changes);
        reload();
      }}
    >
      {present.map(({ kind, mail }) => (
        <CheckField
          key={kind}
          name={`mail ${kind}`}
          checked={changes[kind] ?? mail}
          change={(wanted) => setChanges({ ...changes, [kind]: wanted })}
        >
          {kindTexts[kind] ?? kind}
        </CheckField>
      ))}
    </SavedForm>
  );
}

function SingleSignOnSection() {
  const { user, singleSignOn } = useIdentity();
  const { value: identities, reload } = useResource(account.identities);
  const [asking, setAsking] = useState(false);
  if (identities === undefined || (singleSignOn === null && identities.length === 0)) return null;
  return (
    <section class="setting" data-testid="identities">
      <h2>Single sign-on</h2>
      {identities.length === 0 ? (
        <>
          <p class="field-help">
            Tie your account to the sign-in service of your organisation, and sign in through it.
          </p>
          <a class="button" href="/api/oidc/link?to=%2Faccount" data-testid="link-identity">
            {`Connect: ${singleSignOn?.label}`}
          </a>
        </>
      ) : (
        <>
          <ul class="plain-list">
            {identities.map(({ issuer, subject, linkedAt }) => (
              <li key={`${issuer} ${subject}`}>
                {issuer} <span class="quiet small">since {formatMoment(linkedAt)}</span>
              </li>
            ))}
          </ul>
          {user.hasPassword && (
            <button type="button" class="button danger-text" onClick={() => setAsking(true)}>
              Disconnect
            </button>
          )}
        </>
      )}
      {asking && (
        <Dialog
          title="Disconnect from single sign-on?"
          action="Disconnect"
          danger
          perform={account.unlinkIdentities}
          close={() => {
            setAsking(false);
            reload();
          }}
        >
          <p>You sign in with your user name and password then.</p>
        </Dialog>
      )}
    </section>
  );
}

interface ProofProps {
  readonly value: string;
  change(value: string): void;
}

function PasswordField(props: ProofProps) {
  return (
    <Field
      label="Your password"
      name="proof-password"
      type="password"
      autocomplete="current-password"
      required
      {...props}
    />
  );
}

function CodeField(props: ProofProps) {
  return (
    <Field
      label="Code from your authenticator app"
      name="proof-code"
      autocomplete="one-time-code"
      spellcheck={false}
      required
      maxLength={64}
      {...props}
    />
  );
}
