import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { account } from '../api/account.ts';
import { ApiError } from '../api/request.ts';
import { useIdentity } from '../identity.tsx';
import { Dialog } from './dialog.tsx';
import { Field } from './fields.tsx';

interface StepUp {
  /** Does something; where the gateway asks for the second factor first, has it shown and does it again. */
  guard<T>(run: () => Promise<T>): Promise<T>;
  /** To be put into the page. */
  readonly dialog: ComponentChildren;
}

/** Asks for a code where the gateway says `step_up_required`, and goes on. */
export function useStepUp(): StepUp {
  const { user, method } = useIdentity();
  const [asking, setAsking] = useState(false);
  const [code, setCode] = useState('');
  const answer = useRef<(confirmed: boolean) => void>(() => undefined);

  const guard = async <T,>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (cause) {
      if (!(cause instanceof ApiError) || cause.code !== 'step_up_required') throw cause;
      setCode('');
      setAsking(true);
      const confirmed = await new Promise<boolean>((resolve) => {
        answer.current = resolve;
      });
      setAsking(false);
      if (!confirmed) throw cause;
      return run();
    }
  };
  const way = user.secondFactor ? 'code' : method === 'oidc' ? 'provider' : 'none';
  const here = `${window.location.pathname}${window.location.search}`;
  const dialog = asking && (
    <Dialog
      title={way === 'none' ? 'Two-step sign-in is needed' : 'Please show your second factor'}
      action={way === 'none' ? 'Set it up' : 'Go on'}
      testId="step-up"
      perform={async () => {
        if (way !== 'code') {
          window.location.assign(way === 'none' ? '/account' : `/api/oidc/step-up?to=${encodeURIComponent(here)}`);
          return;
        }
        await account.stepUp(code);
        answer.current(true);
      }}
      close={() => answer.current(false)}
    >
      {way === 'code' && (
        <Field
          label="Code from your authenticator app"
          name="step-up-code"
          autocomplete="one-time-code"
          spellcheck={false}
          required
          maxLength={64}
          value={code}
          change={setCode}
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
