import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { account, type FactorProof, type SecondFactorState } from '../api/account.ts';
import { passkeys } from '../api/passkeys.ts';
import { ApiError } from '../api/request.ts';
import { useIdentity } from '../identity.tsx';
import { Dialog } from './dialog.tsx';
import { Field } from './fields.tsx';

interface StepUp {
  /** Does something; where the gateway asks for a proof first, has it shown and does it again. */
  guard<T>(run: () => Promise<T>): Promise<T>;
  /** To be put into the page. */
  readonly dialog: ComponentChildren;
}

/** How somebody can prove once more who she is. */
type Way = 'factor' | 'password' | 'provider' | 'none';

/** Asks for a second factor or the password where the gateway asks for one, and goes on. */
export function useStepUp(): StepUp {
  const { user, method } = useIdentity();
  const [way, setWay] = useState<Way>();
  const [factors, setFactors] = useState<SecondFactorState>();
  const [proof, setProof] = useState('');
  const answer = useRef<(confirmed: boolean) => void>(() => undefined);

  const guard = async <T,>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (cause) {
      const code = cause instanceof ApiError ? cause.code : '';
      if (code !== 'step_up_required' && code !== 'recent_sign_in_required') throw cause;
      const here = await account.secondFactor();
      setFactors(here);
      setProof('');
      const factor = here.enrolled || here.passkeys > 0 || user.secondFactor;
      const otherwise = method === 'oidc' ? 'provider' : 'none';
      setWay(code === 'recent_sign_in_required' ? 'password' : factor ? 'factor' : otherwise);
      const confirmed = await new Promise<boolean>((resolve) => {
        answer.current = resolve;
      });
      setWay(undefined);
      if (!confirmed) throw cause;
      return run();
    }
  };
  const hasPasskey = factors !== undefined && factors.passkeys > 0;
  const here = `${window.location.pathname}${window.location.search}`;
  const perform = async (): Promise<void> => {
    if (way === 'provider' || way === 'none') {
      window.location.assign(way === 'none' ? '/account' : `/api/oidc/step-up?to=${encodeURIComponent(here)}`);
      return;
    }
    await account.stepUp(way === 'password' ? { password: proof } : await shownFactor(proof, hasPasskey));
    answer.current(true);
  };
  const dialog = way !== undefined && (
    <Dialog
      title={titles[way]}
      action={way === 'none' ? 'Set it up' : 'Go on'}
      testId="step-up"
      perform={perform}
      close={() => answer.current(false)}
    >
      {way === 'factor' && <FactorField factors={factors} name="step-up-code" value={proof} change={setProof} />}
      {way === 'password' && (
        <Field
          label="Your password"
          name="step-up-password"
          type="password"
          autocomplete="current-password"
          required
          value={proof}
          change={setProof}
        />
      )}
      {way === 'provider' && (
        <p>The sign-in service of your organisation asks you once more who you are, and brings you back here.</p>
      )}
      {way === 'none' && <p>This desktop asks for a second factor each time, and your account has none yet.</p>}
    </Dialog>
  );
  return { guard, dialog };
}

const titles: Readonly<Record<Way, string>> = {
  factor: 'Please show your second factor',
  password: 'Please prove once more who you are',
  provider: 'Please show your second factor',
  none: 'Two-step sign-in is needed',
};

/** What is typed, or the passkey where nothing is. */
export async function shownFactor(typed: string, hasPasskey: boolean): Promise<FactorProof> {
  return typed === '' && hasPasskey ? { passkey: await passkeys.show() } : { code: typed };
}

interface FactorFieldProps {
  readonly factors: SecondFactorState | undefined;
  readonly name: string;
  readonly value: string;
  change(value: string): void;
}

/** Where a code is typed; whoever has a passkey leaves it empty. */
export function FactorField({ factors, ...field }: FactorFieldProps) {
  const hasPasskey = factors !== undefined && factors.passkeys > 0;
  const hasCode = factors === undefined || factors.enrolled || !hasPasskey;
  return (
    <>
      {hasPasskey && <p>Go on, and your browser asks for your passkey.</p>}
      <Field
        label={hasPasskey ? (hasCode ? 'Or a code instead' : 'Or a recovery code') : 'Code from your authenticator app'}
        help={hasPasskey ? 'Leave it empty to use the passkey.' : undefined}
        autocomplete="one-time-code"
        spellcheck={false}
        required={!hasPasskey}
        maxLength={64}
        {...field}
      />
    </>
  );
}
