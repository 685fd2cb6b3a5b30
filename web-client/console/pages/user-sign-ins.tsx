import { useEffect, useRef, useState } from 'preact/hooks';
import { userSecurity } from '../api/account.ts';
import { passkeys } from '../api/passkeys.ts';
import type { ApiError } from '../api/request.ts';
import type { User } from '../api/types.ts';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { toApiError, useResource } from '../ui/use-resource.ts';
import { SignInTable } from './account.tsx';
import { PasskeyTable } from './passkeys.tsx';

/** Where a user is signed in, and what an administrator can do about it. */
export function SignInsDialog({ user, close }: { readonly user: User; close(): void }) {
  const element = useRef<HTMLDialogElement>(null);
  const { value: signIns, error, reload } = useResource((signal) => userSecurity.signIns(user.id, signal));
  const { value: keys, reload: reloadKeys } = useResource((signal) => passkeys.listOf(user.id, signal));
  const [failure, setFailure] = useState<ApiError>();
  const [reset, setReset] = useState(!user.secondFactor);
  const [fromDirectory, setFromDirectory] = useState(user.directoryAccount !== null);
  useEffect(() => element.current?.showModal(), []);
  const attempt = async (run: () => Promise<void>): Promise<void> => {
    setFailure(undefined);
    try {
      await run();
    } catch (cause) {
      setFailure(toApiError(cause));
    }
    reload();
    reloadKeys();
  };
  return (
    <dialog ref={element} class="dialog wide-dialog" aria-labelledby="user-sign-ins" onClose={close}>
      <form method="dialog">
        <h2 id="user-sign-ins">{`Sign-ins of ${user.username}`}</h2>
        <div class="dialog-body">
          {error !== undefined && <ErrorNote error={error} retry={reload} />}
          {failure !== undefined && <ErrorNote error={failure} />}
          {signIns === undefined && error === undefined && <Loading what="sign-ins" />}
          {signIns?.length === 0 && <p class="quiet">Not signed in at present.</p>}
          {signIns !== undefined && signIns.length > 0 && (
            <SignInTable signIns={signIns} end={(one) => void attempt(() => userSecurity.endSignIn(user.id, one.id))} />
          )}
          {keys !== undefined && keys.length > 0 && (
            <PasskeyTable
              list={keys}
              actions={(passkey) => (
                <button
                  type="button"
                  class="button danger-text"
                  onClick={() => void attempt(() => passkeys.removeOf(user.id, passkey.id))}
                >
                  Remove<span class="hidden-text"> {passkey.name}</span>
                </button>
              )}
            />
          )}
          <p class="field-help">Remote desktops that were opened in a sign-in end with it, at once.</p>
        </div>
        <div class="dialog-actions">
          {fromDirectory && (
            <button
              type="button"
              class="button danger-text"
              data-testid="leave-directory"
              onClick={() =>
                attempt(async () => {
                  await userSecurity.leaveDirectory(user.id);
                  setFromDirectory(false);
                })
              }
            >
              Take out of the directory
            </button>
          )}
          {!reset && (
            <button
              type="button"
              class="button danger-text"
              data-testid="reset-second-factor"
              onClick={() =>
                attempt(async () => {
                  await userSecurity.resetSecondFactor(user.id);
                  setReset(true);
                })
              }
            >
              Turn off two-step sign-in
            </button>
          )}
          <button
            type="button"
            class="button danger-text"
            data-testid="end-all"
            onClick={() => attempt(() => userSecurity.endSignIns(user.id))}
          >
            Sign out everywhere
          </button>
          <button type="submit" class="button primary">
            Close
          </button>
        </div>
      </form>
    </dialog>
  );
}
