import type { LocalClipboard } from './clipboard.ts';

/** Whether the page may read the clipboard without asking: Firefox and Safari never say, and count as `denied`. */
export type ReadPermission = 'granted' | 'prompt' | 'denied';

/** The clipboard of this browser: the asynchronous interface, and the `copy` event where that is refused. */
export const localClipboard: LocalClipboard = {
  async write(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch (error) {
      if (!copyByEvent(text)) throw error;
    }
  },

  async read() {
    // A page in the background is refused even with the permission.
    if (!document.hasFocus() || (await readPermission()) !== 'granted') return undefined;
    return navigator.clipboard.readText();
  },
};

export async function readPermission(): Promise<ReadPermission> {
  try {
    const { state } = await navigator.permissions.query({ name: 'clipboard-read' as PermissionName });
    return state;
  } catch {
    return 'denied';
  }
}

/** Has the browser ask the user whether the page may read the clipboard. Call it from a click. */
export async function askToRead(): Promise<ReadPermission> {
  await navigator.clipboard.readText().catch(() => undefined);
  return readPermission();
}

/** Where a click or a key has just been, browsers let a page copy without asking. */
function copyByEvent(text: string): boolean {
  let copied = false;
  const give = (event: ClipboardEvent): void => {
    event.clipboardData?.setData('text/plain', text);
    event.preventDefault();
    event.stopImmediatePropagation();
    copied = true;
  };
  document.addEventListener('copy', give, { capture: true, once: true });
  try {
    return document.execCommand('copy') && copied;
  } finally {
    document.removeEventListener('copy', give, { capture: true });
  }
}
