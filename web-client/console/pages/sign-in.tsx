import { useEffect, useRef, useState } from 'preact/hooks';
import { account, type SignedInState } from '../api/account.ts';
import { gateway } from '../api/gateway.ts';
import { canUsePasskeys, offerPasskeys, passkeys } from '../api/passkeys.ts';
import { ApiError } from '../api/request.ts';
import { ErrorNote } from '../ui/feedback.tsx';
import { Field } from '../ui/fields.tsx';
import { Icon, Logo } from '../ui/icon.tsx';
import { toApiError } from '../ui/use-resource.ts';
import { useTitle } from '../ui/use-title.ts';
import { EnrolFactor } from './second-factor.tsx';

interface SignInProps {
  readonly state: SignedInState;
  /** Something about it has changed: who is signed in, or what is still owed. */
  signedIn(): Promise<void>;
}

/** What the way back from single sign-on says in the address. */
const failures: Readonly<Record<string, string>> = {
  directory_refused: 'The sign-in service of your organisation did not sign you in here. An administrator can say why.',
  directory_unavailable:
    'The sign-in service of your organisation does not answer as it should. Try again in a moment.',
};

/** Name and password, then a second factor for whoever has one; a passkey; or single sign-on. */
export function SignIn(props: SignInProps) {
  useTitle('Sign in');
  const { stage } = props.state;
  if (stage === 'enrol') return <EnrolStep {...props} />;
  return stage === 'code' ? <FactorStep {...props} /> : <FirstStep {...props} />;
}

function FirstStep({ state, signedIn }: SignInProps) {
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const { busy, error, setError, run } = useAttempt(failureInAddress);
  const passwordless = canUsePasskeys(state.passkeyHost);
  useEffect(
    () => (passwordless ? offerPasskeys(signedIn, (cause) => setError(toApiError(cause))) : undefined),
    [passwordless, signedIn, setError],
  );

  const submit = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      try {
        await account.signIn({ username, password });
      } catch (cause) {
        setPassword('');
        throw cause;
      }
      await signedIn();
    });
  };
  return (
    <main class="sign-in">
      <form class="sign-in-card" onSubmit={submit} data-testid="sign-in">
        <Brand text="Sign in to your remote desktops" />
        {error !== undefined && <ErrorNote error={error} />}
        <Field
          label="User name"
          name="username"
          autocomplete={passwordless ? 'username webauthn' : 'username'}
          autocapitalize="none"
          spellcheck={false}
          autofocus
          required
          value={username}
          change={setUsername}
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
          value={password}
          change={setPassword}
        />
        <button type="submit" class="button primary wide" disabled={busy} data-testid="sign-in-button">
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
        {(passwordless || state.singleSignOn !== null) && <p class="sign-in-or quiet">or</p>}
        {passwordless && (
          <button
            type="button"
            class="button wide"
            disabled={busy}
            data-testid="sign-in-passkey"
            onClick={() =>
              run(async () => {
                await passkeys.signIn();
                await signedIn();
              })
            }
          >
            <Icon name="key" /> Sign in with a passkey
          </button>
        )}
        {state.singleSignOn !== null && (
          <a class="button wide" href={singleSignOnPath()} data-testid="single-sign-on">
            {state.singleSignOn.label}
          </a>
        )}
      </form>
    </main>
  );
}

/** The second step: a code, a passkey, or a recovery code when both are lost. */
function FactorStep({ state, signedIn }: SignInProps) {
  const [code, setCode] = useState('');
  const form = useRef<HTMLFormElement>(null);
  const { busy, error, run } = useAttempt();
  const hasCode = state.factors.includes('code');
  const hasPasskey = state.factors.includes('passkey');
  // The next field of a form that changes under one's hands; the browser itself does so only for a new page.
  useEffect(() => form.current?.querySelector<HTMLElement>('[data-first], input')?.focus(), []);

  const attempt = (finish: () => Promise<unknown>): Promise<void> =>
    run(async () => {
      try {
        await finish();
      } catch (cause) {
        setCode('');
        // It took too long: the first step is to be taken again.
        if (!(cause instanceof ApiError) || cause.code !== 'unauthenticated') throw cause;
      }
      await signedIn();
    });
  const submit = (event: Event): void => {
    event.preventDefault();
    void attempt(() => account.finishSignIn({ code }));
  };
  return (
    <main class="sign-in">
      <form class="sign-in-card" ref={form} onSubmit={submit} data-testid="sign-in">
        <Brand text="One more step" />
        {error !== undefined && <ErrorNote error={error} />}
        {hasPasskey && (
          <>
            <button
              type="button"
              class="button primary wide"
              data-first
              disabled={busy}
              data-testid="factor-passkey"
              onClick={() => attempt(async () => account.finishSignIn({ passkey: await passkeys.show() }))}
            >
              <Icon name="key" /> Use your passkey
            </button>
            <p class="sign-in-or quiet">or</p>
          </>
        )}
        <Field
          label={hasCode ? 'Code from your authenticator app' : 'Recovery code'}
          help={hasCode ? 'Without the app, one of your recovery codes will do.' : 'When the passkey is lost.'}
          name="code"
          autocomplete="one-time-code"
          autocapitalize="none"
          spellcheck={false}
          required
          maxLength={64}
          value={code}
          change={setCode}
        />
        <button
          type="submit"
          class={hasPasskey ? 'button wide' : 'button primary wide'}
          disabled={busy}
          data-testid="sign-in-button"
        >
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
        <StartOver text="Sign in as somebody else" signedIn={signedIn} />
      </form>
    </main>
  );
}

function EnrolStep({ state, signedIn }: SignInProps) {
  return (
    <main class="sign-in">
      <div class="sign-in-card sign-in-wide" data-testid="enrol">
        <Brand text="Your organisation asks for two-step sign-in" />
        <EnrolFactor allowed={state.factors} passkeyHost={state.passkeyHost} done={signedIn} />
        <StartOver text="Cancel" signedIn={signedIn} />
      </div>
    </main>
  );
}

function StartOver({ text, signedIn }: { readonly text: string; signedIn(): Promise<void> }) {
  const startOver = async (): Promise<void> => {
    await gateway.logout().catch(() => undefined);
    await signedIn();
  };
  return (
    <button type="button" class="button wide" onClick={startOver}>
      {text}
    </button>
  );
}

/** One try at a time, and what came of it. */
function useAttempt(first: () => ApiError | undefined = () => undefined) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | undefined>(first);
  const run = async (what: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await what();
    } catch (cause) {
      setError(toApiError(cause));
    }
    setBusy(false);
  };
  return { busy, error, setError, run };
}

function Brand({ text }: { readonly text: string }) {
  return (
    <div class="sign-in-brand">
      <Logo />
      <h1>Oriel</h1>
      <p class="quiet">{text}</p>
    </div>
  );
}

/** Back to where one wanted to go. */
function singleSignOnPath(): string {
  const { pathname, search } = window.location;
  const to = search.includes('sign-in=') ? pathname : `${pathname}${search}`;
  return `/api/oidc/sign-in?to=${encodeURIComponent(to)}`;
}

function failureInAddress(): ApiError | undefined {
  const code = new URLSearchParams(window.location.search).get('sign-in') ?? '';
  const message = failures[code];
  return message === undefined ? undefined : new ApiError({ code, message });
}
