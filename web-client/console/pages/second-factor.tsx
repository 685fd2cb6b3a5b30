import { useEffect, useState } from 'preact/hooks';
import { account, type Enrolment, type FactorKind } from '../api/account.ts';
import { canUsePasskeys, passkeys } from '../api/passkeys.ts';
import type { ApiError } from '../api/request.ts';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { Field } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { toApiError } from '../ui/use-resource.ts';
import { browserName } from './browser-name.ts';

interface EnrolFactorProps {
  /** What may be set up. */
  readonly allowed: readonly FactorKind[];
  readonly passkeyHost: string | null;
  done(): unknown;
}

/** Sets up a first second factor on the way in: an app, or a passkey. */
export function EnrolFactor({ allowed, passkeyHost, done }: EnrolFactorProps) {
  const [recoveryCodes, setRecoveryCodes] = useState<readonly string[]>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const byCode = allowed.includes('code');
  const add = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      const made = await passkeys.add(await passkeys.askNew(), browserName(navigator.userAgent));
      if (made.recoveryCodes.length === 0) await done();
      else setRecoveryCodes(made.recoveryCodes);
    } catch (cause) {
      setError(toApiError(cause));
    }
    setBusy(false);
  };
  if (recoveryCodes !== undefined) return <RecoveryCodes codes={recoveryCodes} done={done} />;
  const offered = allowed.includes('passkey') && (!byCode || canUsePasskeys(passkeyHost));
  return (
    <>
      {offered && (
        <div class="enrol">
          {!byCode && <p class="field-help">A passkey of this device, or a security key, proves that it is you.</p>}
          {error !== undefined && <ErrorNote error={error} />}
          <button
            type="button"
            class={byCode ? 'button wide' : 'button primary wide'}
            disabled={busy}
            onClick={add}
            data-testid="enrol-passkey"
          >
            <Icon name="key" /> {byCode ? 'Use a passkey' : 'Add a passkey'}
          </button>
          {byCode && <p class="sign-in-or quiet">or an authenticator app</p>}
        </div>
      )}
      {byCode && <Enrol done={done} />}
    </>
  );
}

interface EnrolProps {
  /** The key, where it was made already; otherwise one is asked for. */
  readonly made?: Enrolment | undefined;
  done(): unknown;
}

/** Sets up two-step sign-in: the key for the app, a first code, the recovery codes. */
export function Enrol({ made, done }: EnrolProps) {
  const [enrolment, setEnrolment] = useState<Enrolment | undefined>(made);
  const [recoveryCodes, setRecoveryCodes] = useState<readonly string[]>();
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();

  useEffect(() => {
    if (made !== undefined) return;
    account.beginSecondFactor().then(setEnrolment, (cause: unknown) => setError(toApiError(cause)));
  }, [made]);

  const confirm = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      setRecoveryCodes((await account.confirmSecondFactor(code)).recoveryCodes);
    } catch (cause) {
      setError(toApiError(cause));
      setCode('');
    }
    setBusy(false);
  };

  if (recoveryCodes !== undefined) return <RecoveryCodes codes={recoveryCodes} done={done} />;
  if (enrolment === undefined) return error === undefined ? <Loading what="a key" /> : <ErrorNote error={error} />;
  return (
    <form class="enrol" onSubmit={confirm}>
      <ol class="enrol-steps">
        <li>Open an authenticator app on your telephone, and have it add an account.</li>
        <li>
          Let it read this picture
          <img
            class="qr-code"
            src={`data:image/svg+xml;utf8,${encodeURIComponent(enrolment.svg)}`}
            alt="QR code with the key for your authenticator app"
            width="180"
            height="180"
          />
          or type the key:{' '}
          <code class="secret-key" data-testid="totp-secret">
            {enrolment.secret.replaceAll(/(.{4})(?=.)/g, '$1 ')}
          </code>
        </li>
        <li>Type the code that it shows.</li>
      </ol>
      {error !== undefined && <ErrorNote error={error} />}
      <Field
        label="Code"
        name="first-code"
        autocomplete="one-time-code"
        autocapitalize="none"
        spellcheck={false}
        required
        maxLength={16}
        value={code}
        change={setCode}
      />
      <button type="submit" class="button primary" disabled={busy} data-testid="confirm-code">
        Turn on
      </button>
    </form>
  );
}

/** Shown this once. */
export function RecoveryCodes({ codes, done }: { readonly codes: readonly string[]; done(): unknown }) {
  const text = codes.join('\n');
  const copy = (): void => void navigator.clipboard?.writeText(text).catch(() => undefined);
  return (
    <div class="enrol" data-testid="recovery-codes">
      <h2>Recovery codes</h2>
      <p class="field-help">
        Each signs you in once when your telephone is lost. Keep them where only you find them: they are not shown
        again.
      </p>
      <ul class="recovery-codes">
        {codes.map((one) => (
          <li key={one}>
            <code>{one}</code>
          </li>
        ))}
      </ul>
      <div class="button-row">
        <button type="button" class="button" onClick={copy}>
          Copy
        </button>
        <a
          class="button"
          href={`data:text/plain;charset=utf-8,${encodeURIComponent(`${text}\n`)}`}
          download="oriel-recovery-codes.txt"
        >
          <Icon name="download" /> Save as a file
        </a>
        <button type="button" class="button primary" onClick={() => done()} data-testid="codes-kept">
          I have kept them
        </button>
      </div>
    </div>
  );
}
