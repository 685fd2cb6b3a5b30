import { useRef } from 'preact/hooks';
import type { ClipboardState, RemoteDesktop } from '../../viewer/remote-desktop.ts';
import { formatBytes } from '../format.ts';
import { Icon } from '../ui/icon.tsx';

/** Files for the desktop: chosen here; they can be dropped on it, or pasted, as well. */
export function FilesToDesktop({ desktop }: { readonly desktop: RemoteDesktop }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class="menu-note">
      <button type="button" class="button" onClick={() => input.current?.click()}>
        <Icon name="add" /> Files for the desktop…
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Files for the desktop"
        onChange={(event) => {
          const { files } = event.currentTarget;
          if (desktop.clipboard.giveFiles([...(files ?? [])])) desktop.announceFiles(files?.length ?? 0);
          // So that the same file can be chosen again.
          event.currentTarget.value = '';
        }}
        data-testid="clipboard-choose-files"
      />
      <p class="quiet small">Or drop them on the desktop. Then paste there, where they belong.</p>
    </div>
  );
}

/** Files that were copied in the desktop: the browser's own download takes them. */
export function FilesFromDesktop({
  state: { files },
  sessionId,
}: {
  readonly state: ClipboardState;
  readonly sessionId: string;
}) {
  if (files === undefined || files.files.length === 0) {
    return <p class="menu-note quiet small">Files that you copy in the desktop can be downloaded here.</p>;
  }
  const path = `/api/sessions/${encodeURIComponent(sessionId)}/files/${files.list}`;
  return (
    <div class="menu-note">
      <p id="clipboard-files">Copied in the desktop</p>
      <ul class="clipboard-files" aria-labelledby="clipboard-files" data-testid="clipboard-files">
        {files.files.map(({ index, name, size }) => (
          <li key={index}>
            <a class="menu-item" href={`${path}/${index}`} download={name}>
              <span class="clipboard-file">
                <Icon name="download" /> {name}
              </span>
              <span class="quiet small">{formatBytes(size)}</span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** How far files are on their way. */
export function Transfers({ desktop, state }: { readonly desktop: RemoteDesktop; readonly state: ClipboardState }) {
  if (state.transfers.length === 0) return null;
  return (
    <ul class="clipboard-files menu-note" aria-label="Files on their way" data-testid="transfers">
      {state.transfers.map((transfer) => (
        <li key={transfer.id} class="transfer" data-state={transfer.state}>
          <span class="clipboard-file">
            {transfer.name} <span class="quiet small">{transferWords(transfer)}</span>
          </span>
          {transfer.state === 'running' && (
            <span class="transfer-running">
              <progress max={transfer.size} value={transfer.done} aria-label={transfer.name} />
              <button type="button" class="button" onClick={() => desktop.clipboard.cancel(transfer.id)}>
                Cancel<span class="hidden-text"> {transfer.name}</span>
              </button>
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

function transferWords({ state, direction, size, done }: ClipboardState['transfers'][number]): string {
  switch (state) {
    case 'running':
      return `${formatBytes(done)} of ${formatBytes(size)}`;
    case 'done':
      return direction === 'to-desktop' ? `${formatBytes(size)} copied to the desktop` : `${formatBytes(size)} copied`;
    case 'failed':
      return 'not copied: it broke off';
    case 'cancelled':
      return 'cancelled';
  }
}
