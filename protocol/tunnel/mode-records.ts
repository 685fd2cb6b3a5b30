import type { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { TunnelLimits } from './limits.ts';

export type ViewerMode = 'stream' | 'regions';

/** Which mode the owner is served in: one of them, or whichever suits the link. */
export type PictureChoice = 'automatic' | ViewerMode;

/** Index is the wire value. */
const modes: readonly ViewerMode[] = ['stream', 'regions'];
const pictureChoices: readonly PictureChoice[] = ['automatic', ...modes];

/**
 * From here on pictures come in this mode. What was drawn so far stays: the first regions are what has changed since, and a state
 * is that of a decoder which has drawn all updates before the next one.
 */
export type ModeMessage =
  | { readonly type: 'mode'; readonly seq: number; readonly mode: 'regions' }
  | ({ readonly type: 'mode'; readonly seq: number; readonly mode: 'stream' } & DeflatedState);

/** What `Compositor.saveState` wrote, deflated (RFC 1951). */
export interface DeflatedState {
  /** Bytes of it, inflated. */
  readonly size: number;
  /** A view of the message when decoded. */
  readonly state: Uint8Array;
}

export function writeModeName(cursor: WriteCursor, mode: ViewerMode): void {
  cursor.u8(modes.indexOf(mode));
}

export function readMode(cursor: ReadCursor): ModeMessage {
  const seq = cursor.u32('seq');
  const mode = readModeName(cursor);
  if (mode === 'regions') {
    cursor.expectEnd();
    return { type: 'mode', seq, mode };
  }
  const size = cursor.u32('size');
  if (size > TunnelLimits.stateBytes) throw cursor.error('limit_exceeded', 'size', `${size}`);
  return { type: 'mode', seq, mode, size, state: cursor.rest() };
}

export function readModeName(cursor: ReadCursor): ViewerMode {
  const value = cursor.u8('mode');
  const mode = modes[value];
  if (mode === undefined) throw cursor.error('invalid_value', 'mode', `${value}`);
  return mode;
}

export function sizeOfMode(message: ModeMessage): number {
  return 4 + 1 + (message.mode === 'stream' ? 4 + message.state.length : 0); // seq, mode, size, state
}

export function writeMode(cursor: WriteCursor, message: ModeMessage): void {
  cursor.u32(message.seq);
  writeModeName(cursor, message.mode);
  if (message.mode === 'regions') return;
  cursor.u32(message.size);
  cursor.bytes(message.state);
}

export function writeChoice(cursor: WriteCursor, choice: PictureChoice): void {
  cursor.u8(pictureChoices.indexOf(choice));
}

export function readChoice(cursor: ReadCursor): PictureChoice {
  const value = cursor.u8('choice');
  const choice = pictureChoices[value];
  if (choice === undefined) throw cursor.error('invalid_value', 'choice', `${value}`);
  return choice;
}
