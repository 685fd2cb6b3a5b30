import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api/request.ts';
import { ErrorNote } from './feedback.tsx';
import { toApiError } from './use-resource.ts';

interface DialogProps {
  readonly title: string;
  readonly action: string;
  readonly danger?: boolean;
  readonly testId?: string;
  readonly children?: ComponentChildren;
  /** Does it; the dialog closes when this succeeds and shows the error when it does not. */
  perform(): Promise<unknown>;
  close(): void;
}

/** A modal form: the browser keeps the focus inside and closes it on Esc. */
export function Dialog({ title, action, danger = false, testId, children, perform, close }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const titleId = useId();
  useEffect(() => element.current?.showModal(), []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await perform();
      element.current?.close();
    } catch (cause) {
      setError(toApiError(cause));
      setBusy(false);
    }
  };

  return (
    <dialog ref={element} class="dialog" aria-labelledby={titleId} onClose={close}>
      <form onSubmit={submit}>
        <h2 id={titleId}>{title}</h2>
        <div class="dialog-body">{children}</div>
        {error !== undefined && <ErrorNote error={error} />}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={() => element.current?.close()}>
            Cancel
          </button>
          <button
            type="submit"
            class={danger ? 'button danger' : 'button primary'}
            disabled={busy}
            data-testid={testId}
          >
            {action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
