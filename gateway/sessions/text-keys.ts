import type { InputEvent } from '#protocol/pdu/input.ts';

/** Its scan code. */
const ENTER_KEY = 0x1c;

/**
 * The keys that type a text, as composed text is typed.
 * @param text UTF-16LE
 * @param enter whether the Enter key is pressed after it
 */
export function textKeys(text: Uint8Array, enter: boolean): InputEvent[] {
  const view = new DataView(text.buffer, text.byteOffset, text.byteLength);
  const events: InputEvent[] = [];
  for (let i = 0; i + 1 < text.length; i += 2) {
    const unit = view.getUint16(i, true);
    for (const down of [true, false]) events.push({ kind: 'unicode', unit, down });
  }
  for (const down of enter ? [true, false] : []) {
    events.push({ kind: 'scancode', code: ENTER_KEY, extended: false, down });
  }
  return events;
}
