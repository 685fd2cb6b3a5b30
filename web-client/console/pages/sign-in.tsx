import { useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import type { ApiError } from '../api/request.ts';
import { ErrorNote } from '../ui/feedback.tsx';
import { Field } from '../ui/fields.tsx';
import { Logo } from '../ui/icon.tsx';
import { toApiError } from '../ui/use-resource.ts';
import { useTitle } from '../ui/use-title.ts';

export function SignIn({ signedIn }: { signedIn(): Promise<void> }) {
  useTitle('Sign in');
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await gateway.login(username, password);
      await signedIn();
    } catch (cause) {
      setError(toApiError(cause));
      setPassword('');
      setBusy(false);
    }
  };

  return (
    <main class="sign-in">
      <form class="sign-in-card" onSubmit={submit} data-testid="sign-in">
        <div class="sign-in-brand">
          <Logo />
          <h1>Oriel</h1>
          <p class="quiet">Sign in to your remote desktops</p>
        </div>
        {error !== undefined && <ErrorNote error={error} />}
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
        <button type="submit" class="button primary wide" disabled={busy} data-testid="sign-in-button">
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}
