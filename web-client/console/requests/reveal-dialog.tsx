import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api/request.ts';
import type { RequestItem } from '../api/requests.ts';
import { type ShownSecret, vault } from '../api/vault.ts';
import { ErrorNote } from '../ui/feedback.tsx';
import { Field } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { useStepUp } from '../ui/step-up.tsx';
import { toApiError } from '../ui/use-resource.ts';

interface RevealDialogProps {
  readonly requestId: string;
  readonly item: RequestItem;
  close(): void;
}

/** Shows the password of an account, once, for a while. Closed or when the time is over, the page has it no more. */
export function RevealDialog({ requestId, item, close }: RevealDialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const [shown, setShown] = useState<ShownSecret>();
  const [left, setLeft] = useState(0);
  const [over, setOver] = useState(false);
  const [error, setError] = useState<ApiError>();
  const [masterPassword, setMasterPassword] = useState('');
  const [copied, setCopied] = useState(false);
  const stepUp = useStepUp();
  useEffect(() => element.current?.showModal(), []);
  useEffect(() => {
    if (shown === undefined) return undefined;
    const until = Date.now() + shown.hideAfterSeconds * 1000;
    setLeft(shown.hideAfterSeconds);
    const timer = setInterval(() => {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      setLeft(seconds);
      if (seconds > 0) return;
      setShown(undefined);
      setOver(true);
    }, 250);
    return () => clearInterval(timer);
  }, [shown]);

  const reveal = async (event: Event): Promise<void> => {
    event.preventDefault();
    setError(undefined);
    try {
      setShown(await stepUp.guard(() => vault.reveal(requestId, item.account.id, masterPassword)));
      setMasterPassword('');
    } catch (cause) {
      setError(toApiError(cause));
    }
  };
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(shown?.password ?? '');
    setCopied(true);
  };
  const asksMaster = error?.code.startsWith('master_password_') === true;
  return (
    <dialog ref={element} class="dialog" aria-label="Show the password" onClose={close}>
      <form onSubmit={reveal}>
        <h2>
          Password of {item.account.username} on {item.target.name}
        </h2>
        <div class="dialog-body">
          {shown === undefined && !over && <p>It is shown once, for a short while. That you saw it is written down.</p>}
          {over && <p role="status">It is hidden again.</p>}
          {asksMaster && (
            <Field
              label="Your master password"
              name="reveal-master"
              type="password"
              autocomplete="off"
              required
              value={masterPassword}
              change={setMasterPassword}
            />
          )}
          {shown !== undefined && (
            <>
              <p class="mono secret" data-testid="secret">
                {shown.password}
              </p>
              <div class="button-row">
                <button type="button" class="button" onClick={copy} data-testid="copy-secret">
                  <Icon name="clipboard" /> {copied ? 'Copied' : 'Copy'}
                </button>
                <span class="quiet" role="timer">
                  Hidden in {left} s
                </span>
              </div>
            </>
          )}
        </div>
        {error !== undefined && <ErrorNote error={error} />}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={() => element.current?.close()} data-testid="close-reveal">
            Close
          </button>
          {shown === undefined && !over && (
            <button type="submit" class="button primary" data-testid="confirm-reveal">
              Show it
            </button>
          )}
        </div>
      </form>
      {stepUp.dialog}
    </dialog>
  );
}
