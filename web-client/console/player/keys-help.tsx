import { useEffect, useRef } from 'preact/hooks';
import { shortcuts } from './commands.ts';

/** The player's keys. */
export function KeysHelp({ close }: { close(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="dialog keys-help" aria-labelledby="keys-help-title" onClose={close}>
      <form method="dialog">
        <h2 id="keys-help-title">Keyboard shortcuts</h2>
        <dl class="keys">
          {shortcuts.flatMap(({ help }) =>
            help === undefined
              ? []
              : [
                  <div key={help[0]}>
                    <dt>
                      {help[0].split(' ').map((key) => (
                        <kbd key={key}>{key}</kbd>
                      ))}
                    </dt>
                    <dd>{help[1]}</dd>
                  </div>,
                ],
          )}
          <div>
            <dt>
              <kbd>1</kbd>…<kbd>9</kbd>
            </dt>
            <dd>To that tenth of the video</dd>
          </div>
        </dl>
        <p class="field-help">They work while the focus is in the player, as it is after opening the page.</p>
        <div class="dialog-actions">
          <button type="submit" class="button primary">
            Close
          </button>
        </div>
      </form>
    </dialog>
  );
}
