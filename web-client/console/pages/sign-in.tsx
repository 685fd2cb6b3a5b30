import { useEffect, useRef, useState } from 'preact/hooks';
import { account, type SignedInState } from '../api/account.ts';
import { gateway } from '../api/gateway.ts';
import { ApiError } from '../api/request.ts';
import { ErrorNote } from '../ui/feedback.tsx';
import { Field } from '../ui/fields.tsx';
import { Logo } from '../ui/icon.tsx';
import { toApiError } from '../ui/use-resource.ts';
import { useTitle } from '../ui/use-title.ts';
import { Enrol } from './second-factor.tsx';

interface SignInProps {
  readonly state: SignedInState;
  signedIn(): Promise<void>;
}

/** What the way back from single sign-on says in the address. */
const failures: Readonly<Record<string, string>> = {
  directory_refused: 'The sign-in service of your organisation did not sign you in here. An administrator can say why.',
  directory_unavailable:
    'The sign-in service of your organisation does not answer as it should. Try again in a moment.',
};

/** Name and password, then a code for whoever has two-step sign-in; or single sign-on. */
export function SignIn({ state, signedIn }: SignInProps) {
  useTitle('Sign in');
  const [step, setStep] = useState<'password' | 'code' | 'enrol'>(() =>
    state.stage === 'enrol' ? 'enrol' : state.stage === 'code' ? 'code' : 'password',
  );
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | undefined>(failureInAddress);
  const form = useRef<HTMLFormElement>(null);
  // The next field of a form that changes under one's hands; the browser itself does so only for a new page.
  useEffect(() => form.current?.querySelector('input')?.focus(), [step]);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      if (state.stage === 'code') await account.finishSignIn(code);
      else {
        const { stage } = await account.signIn({ username, password, ...(step === 'code' ? { code } : {}) });
        if (stage === 'enrol') {
          setStep('enrol');
          return;
        }
      }
      await signedIn();
    } catch (cause) {
      const refused = toApiError(cause);
      setBusy(false);
      setCode('');
      if (refused.code === 'second_factor_required' && step === 'password') {
        setStep('code');
        return;
      }
      setError(refused);
      if (refused.code === 'login_failed') {
        setPassword('');
        setStep('password');
      }
    }
  };
  const startOver = async (): Promise<void> => {
    if (state.stage !== null) await gateway.logout().catch(() => undefined);
    setPassword('');
    setError(undefined);
    setStep('password');
    if (state.stage !== null) await signedIn();
  };

  if (step === 'enrol') {
    return (
      <main class="sign-in">
        <div class="sign-in-card sign-in-wide" data-testid="enrol">
          <Brand text="Your organisation asks for two-step sign-in" />
          <Enrol done={signedIn} />
          <button type="button" class="button" onClick={startOver}>
            Cancel
          </button>
        </div>
      </main>
    );
  }
  return (
    <main class="sign-in">
      <form class="sign-in-card" ref={form} onSubmit={submit} data-testid="sign-in">
        <Brand text={step === 'code' ? 'One more step' : 'Sign in to your remote desktops'} />
        {error !== undefined && <ErrorNote error={error} />}
        {step === 'password' && (
          <>
            <Field
              label="User name"
              name="username"
              autocomplete="username"
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
          </>
        )}
        {step === 'code' && (
          <Field
            label="Code from your authenticator app"
            help="Without the app, one of your recovery codes will do."
            name="code"
            autocomplete="one-time-code"
            autocapitalize="none"
            spellcheck={false}
            autofocus
            required
            maxLength={64}
            value={code}
            change={setCode}
          />
        )}
        <button type="submit" class="button primary wide" disabled={busy} data-testid="sign-in-button">
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
        {step === 'code' && (
          <button type="button" class="button wide" onClick={startOver}>
            Sign in as somebody else
          </button>
        )}
        {step === 'password' && state.singleSignOn !== null && (
          <>
            <p class="sign-in-or quiet">or</p>
            <a class="button wide" href={singleSignOnPath()} data-testid="single-sign-on">
              {state.singleSignOn.label}
            </a>
          </>
        )}
      </form>
    </main>
  );
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
