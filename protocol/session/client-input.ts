import type { Share } from '../connector/types.ts';
import { encodeFastPathInput } from '../pdu/fast-path-input.ts';
import { encodeSlowPathInput, type InputEvent, MouseButton } from '../pdu/input.ts';
import { LayoutTyping } from './layout-typing.ts';

/** How events travel: as whole packets, or as bodies of Input Event PDUs ([MS-RDPBCGR] 2.2.8.1.1.3.1). */
export interface EncodedInput {
  readonly path: 'fast' | 'slow';
  readonly parts: readonly Uint8Array[];
}

/** What the user does, in the form that the server takes it in. */
export class ClientInput {
  readonly #typing: LayoutTyping;
  #toldOfLoss = false;
  #held: InputEvent[] = [];

  /** @param keyboardLayout the session's, for servers that take no Unicode input; 0 for none */
  constructor(keyboardLayout: number) {
    this.#typing = new LayoutTyping(keyboardLayout);
  }

  encode(events: readonly InputEvent[], share: Share): EncodedInput {
    const typed = share.unicodeInput ? events : this.#typing.translate(events);
    const accepted = typed.filter((event) => takesInput(share, event));
    if (accepted.length === 0) return { path: 'fast', parts: [] };
    if (share.fastPathInput) return { path: 'fast', parts: encodeFastPathInput(accepted) };
    const parts: Uint8Array[] = [];
    for (let at = 0; at < accepted.length; at += SLOW_PATH_BATCH) {
      parts.push(encodeSlowPathInput(accepted.slice(at, at + SLOW_PATH_BATCH)));
    }
    return { path: 'slow', parts };
  }

  /** Keeps what was typed and clicked while the share is down; where the pointer went meanwhile is old by then. */
  hold(events: readonly InputEvent[]): void {
    const lasting = events.filter(({ kind }) => kind !== 'mouse-move' && kind !== 'wheel');
    this.#held.push(...lasting.slice(0, MAX_HELD - this.#held.length));
  }

  /** What was held, in order; nothing is afterwards. */
  takeHeld(): InputEvent[] {
    return this.#held.splice(0);
  }

  /** Whether some of the text had no key, and nobody was told. True once. */
  takeLoss(): boolean {
    if (this.#toldOfLoss || this.#typing.lost === 0) return false;
    this.#toldOfLoss = true;
    return true;
  }
}

/** Events in one slow-path PDU: the largest, with every wheel turn at its longest, stays under 16 KiB. */
const SLOW_PATH_BATCH = 32;

/** More than anybody types while a desktop changes its size. */
const MAX_HELD = 1_024;

/** What a server did not say it takes must not be sent ([MS-RDPBCGR] 2.2.7.1.6, 2.2.8.1.1.3.1.1.3). */
function takesInput({ unicodeInput, extendedButtons, horizontalWheel }: Share, event: InputEvent): boolean {
  switch (event.kind) {
    case 'unicode':
      return unicodeInput;
    case 'wheel':
      return horizontalWheel || !event.horizontal;
    case 'mouse-button':
      return extendedButtons || (event.button !== MouseButton.back && event.button !== MouseButton.forward);
    default:
      return true;
  }
}
