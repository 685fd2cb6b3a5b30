import { useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import { ApiError } from '../api/request.ts';
import { useIdentity } from '../identity.tsx';
import { ErrorNote } from '../ui/feedback.tsx';
import { Field } from '../ui/fields.tsx';
import { toApiError } from '../ui/use-resource.ts';

/** The own password. Changing it signs the user out everywhere, here too. */
export function PasswordSection() {
  const { user, signOut } = useIdentity();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setError(undefined);
    if (next !== again) {
      setError(new ApiError({ code: 'password_mismatch', message: 'The new password is not the same twice.' }));
      return;
    }
    setBusy(true);
    try {
      await gateway.changePassword(current, next);
      await signOut();
    } catch (cause) {
      const refused = toApiError(cause);
      setError(
        refused.code === 'login_failed'
          ? new ApiError({ code: refused.code, message: 'The present password is not right.' })
          : refused,
      );
      setBusy(false);
    }
  };

  return (
    <form class="setting password-form" onSubmit={submit} data-testid="password-form">
      <h2>Password</h2>
      {/* Password managers find out by it whose password this is. */}
      <input type="text" name="username" autocomplete="username" value={user.username} hidden readOnly />
      {error !== undefined && <ErrorNote error={error} />}
      <Field
        label="Present password"
        name="current-password"
        type="password"
        autocomplete="current-password"
        required
        value={current}
        change={setCurrent}
      />
      <Field
        label="New password"
        name="new-password"
        type="password"
        autocomplete="new-password"
        required
        minLength={8}
        value={next}
        change={setNext}
        help="At least 8 characters. A few words that belong together only for you are better than signs."
      />
      <Field
        label="New password once more"
        name="new-password-again"
        type="password"
        autocomplete="new-password"
        required
        value={again}
        change={setAgain}
      />
      <p class="field-help">You are signed out everywhere, and sign in again with the new password.</p>
      <button type="submit" class="button primary" disabled={busy} data-testid="change-password">
        Change password
      </button>
    </form>
  );
}
