import type { FramePace } from '../channels/rdpgfx/graphics-channel.ts';
import { ReadCursor } from '../core/cursor.ts';
import { decodeSurfaceCommand, FrameAction } from '../pdu/surface-command.ts';

/** Which frames of surface commands have ended and are to be acknowledged, [MS-RDPRFX] 3.2.5.3. */
export class SurfaceFrames {
  #pace: FramePace = { kind: 'send' };
  #held: number[] = [];

  /**
   * Looks through one surface commands update.
   *
   * @returns how many frames ended in it, and those to acknowledge now
   * @throws DecodeError as the compositor would
   */
  ended(update: Uint8Array): { readonly count: number; readonly acknowledge: readonly number[] } {
    const cursor = new ReadCursor(update, 'TS_SURFCMD');
    const ended: number[] = [];
    while (cursor.remaining > 0) {
      const command = decodeSurfaceCommand(cursor);
      if (command.kind === 'frame' && command.action === FrameAction.end) ended.push(command.frameId);
    }
    if (this.#pace.kind !== 'hold') return { count: ended.length, acknowledge: ended };
    for (const frameId of ended) {
      if (this.#held.length >= MAX_HELD) this.#held.shift();
      this.#held.push(frameId);
    }
    return { count: ended.length, acknowledge: [] };
  }

  /** The oldest frames that are held, to be acknowledged. */
  release(count: number): readonly number[] {
    return this.#held.splice(0, count);
  }

  /** Changes the pace; a suspension has no word on the wire here, so frames go on being acknowledged at once. */
  pace(pace: FramePace): readonly number[] {
    this.#pace = pace;
    return pace.kind === 'hold' ? [] : this.#held.splice(0);
  }

  /** The share is made anew: what belonged to the old one is nobody's business any more. */
  reset(): void {
    this.#held = [];
  }
}

const MAX_HELD = 256;
