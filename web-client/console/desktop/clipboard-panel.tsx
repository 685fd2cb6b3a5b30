import { useEffect, useId, useState } from 'preact/hooks';
import { askToRead, type ReadPermission, readPermission } from '../../viewer/local-clipboard.ts';
import type { ClipboardState, RemoteDesktop } from '../../viewer/remote-desktop.ts';
import { FilesFromDesktop, FilesToDesktop, Transfers } from './clipboard-files.tsx';
import { ToolMenu } from './tool-menu.tsx';

interface ClipboardMenuProps {
  readonly desktop: RemoteDesktop;
  /** Of whose desktop it is. */
  readonly sessionId: string;
  readonly state: ClipboardState;
}

/** The clipboard by hand, for browsers that refuse, and what the policy says of it. */
export function ClipboardMenu({ desktop, sessionId, state }: ClipboardMenuProps) {
  const { terms, waiting } = state;
  return (
    <ToolMenu icon="clipboard" label="Clipboard" title="Clipboard" testId="clipboard-menu" marked={waiting}>
      {() => (
        <div class="clipboard-panel" data-testid="clipboard-panel">
          <p class="menu-note quiet small" data-testid="clipboard-terms">
            {termsInWords(state)}
          </p>
          {terms?.available === true && terms.textToDesktop && <ToDesktop desktop={desktop} />}
          {terms?.available === true && terms.textFromDesktop && <FromDesktop state={state} />}
          {terms?.available === true && terms.textToDesktop && <AllowReading desktop={desktop} />}
          {terms?.available === true && terms.filesToDesktop && <FilesToDesktop desktop={desktop} />}
          {terms?.available === true && terms.filesFromDesktop && (
            <FilesFromDesktop state={state} sessionId={sessionId} />
          )}
          <Transfers desktop={desktop} state={state} />
        </div>
      )}
    </ToolMenu>
  );
}

function termsInWords({ terms }: ClipboardState): string {
  if (terms === undefined) return 'The clipboard is there once the desktop is.';
  const { available, textToDesktop, textFromDesktop, filesToDesktop, filesFromDesktop } = terms;
  if (![textToDesktop, textFromDesktop, filesToDesktop, filesFromDesktop].includes(true)) {
    return 'The policy of this session allows no copying, in either direction.';
  }
  if (!available) return 'This desktop has no clipboard that could be shared.';
  if (!textToDesktop && !textFromDesktop) return 'The policy of this session lets no text pass.';
  if (!textFromDesktop) return 'Copy here and paste there with Ctrl+V. The policy lets no text out of the desktop.';
  if (!textToDesktop) return 'What you copy in the desktop you can paste here. The policy lets no text into it.';
  return 'Ctrl+C and Ctrl+V work in both directions. Where your browser refuses, copy and paste here.';
}

function ToDesktop({ desktop }: { readonly desktop: RemoteDesktop }) {
  const id = useId();
  const [text, setText] = useState('');
  const [given, setGiven] = useState(false);
  return (
    <div class="menu-note">
      <label for={id}>Text for the desktop</label>
      <textarea
        id={id}
        rows={3}
        value={text}
        spellcheck={false}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setGiven(false);
        }}
        data-testid="clipboard-to-desktop"
      />
      <div class="clipboard-actions">
        <button
          type="button"
          class="button"
          disabled={text === ''}
          onClick={() => setGiven(desktop.clipboard.give(text))}
          data-testid="clipboard-give"
        >
          Put into its clipboard
        </button>
        <span class="quiet small" role="status">
          {given && 'Done: paste it there.'}
        </span>
      </div>
    </div>
  );
}

function FromDesktop({ state: { copied, waiting } }: { readonly state: ClipboardState }) {
  const id = useId();
  const [taken, setTaken] = useState<string>();
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(copied ?? '');
    setTaken(copied);
  };
  return (
    <div class="menu-note">
      <label for={id}>Copied in the desktop</label>
      <textarea
        id={id}
        rows={3}
        readOnly
        value={copied ?? ''}
        placeholder="Nothing yet"
        onFocus={(event) => event.currentTarget.select()}
        data-testid="clipboard-from-desktop"
      />
      <div class="clipboard-actions">
        <button
          type="button"
          class="button"
          disabled={copied === undefined}
          onClick={() => void copy().catch(() => undefined)}
          data-testid="clipboard-take"
        >
          Copy
        </button>
        <span class="quiet small" role="status">
          {waiting && taken !== copied && 'Your browser did not take it by itself.'}
          {copied !== undefined && taken === copied && 'Done: it is in your clipboard.'}
        </span>
      </div>
    </div>
  );
}

/** Pasting by a menu in the desktop works where the page may read the clipboard beforehand. */
function AllowReading({ desktop }: { readonly desktop: RemoteDesktop }) {
  const [permission, setPermission] = useState<ReadPermission>();
  useEffect(() => {
    void readPermission().then(setPermission);
  }, []);
  if (permission !== 'prompt') return null;
  const ask = async (): Promise<void> => {
    setPermission(await askToRead());
    desktop.clipboard.came();
  };
  return (
    <div class="menu-note">
      <button type="button" class="button" onClick={() => void ask()} data-testid="clipboard-allow">
        Let this page read my clipboard
      </button>
      <p class="quiet small">Then Paste in the desktop's own menus has what you copied elsewhere.</p>
    </div>
  );
}
