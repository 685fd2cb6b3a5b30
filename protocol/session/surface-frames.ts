import type { FramePace } from '../channels/rdpgfx/graphics-channel.ts';
import type { Share } from '../connector/types.ts';
import { ReadCursor } from '../core/cursor.ts';
import { findCapability } from '../pdu/capability-sets.ts';
import { encodeFrameAcknowledge } from '../pdu/session-control.ts';
import { decodeSurfaceCommand, FrameAction } from '../pdu/surface-command.ts';

/** Both ends have to say so: [MS-RDPRFX] 2.2.1.3 TS_FRAME_ACKNOWLEDGE_CAPABILITYSET. */
export function acknowledgesFrames({ serverCapabilities }: Share): boolean {
  return findCapability(serverCapabilities, 'frameAcknowledge') !== undefined;
}

/** Which frames of surface commands have ended and are to be acknowledged, [MS-RDPRFX] 3.2.5.3. */
export class SurfaceFrames {
  #pace: FramePace = { kind: 'send' };
  #held: number[] = [];
  /** A Frame Acknowledge of this share, as a whole packet. */
  #packet: Uint8Array | undefined;

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

  /** The packet that acknowledges a frame: like the last one but for the number at its end. @param wrap makes a packet of its body */
  acknowledgement(frameId: number, wrap: (body: Uint8Array) => Uint8Array): Uint8Array {
    const body = encodeFrameAcknowledge({ frameId });
    if (this.#packet === undefined) {
      this.#packet = wrap(body);
      return this.#packet;
    }
    const packet = this.#packet.slice();
    packet.set(body, packet.length - body.length);
    return packet;
  }

  /** Changes the pace; a suspension has no word on the wire here, so frames go on being acknowledged at once. */
  pace(pace: FramePace): readonly number[] {
    this.#pace = pace;
    return pace.kind === 'hold' ? [] : this.#held.splice(0);
  }

  /** The share is made anew: what belonged to the old one is nobody's business any more. */
  reset(): void {
    this.#held = [];
    this.#packet = undefined;
  }
}

const MAX_HELD = 256;
