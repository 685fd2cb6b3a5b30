import { ReadCursor } from '#protocol/core/cursor.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { decodeFastPathInput } from '#protocol/pdu/fast-path-input.ts';
import { decodeSlowPathInput, type InputEvent } from '#protocol/pdu/input.ts';
import { decodeMcsPdu } from '#protocol/pdu/mcs-domain.ts';
import { beginsShareControl, decodeShareControlPdus, decodeShareData, ShareDataType } from '#protocol/pdu/share.ts';
import { frameKind } from '#protocol/pdu/tpkt.ts';
import { decodeX224 } from '#protocol/pdu/x224.ts';

/**
 * What a proxy has to know of the frames that pass it, below TLS: which of a client's are keys, which of a server's are
 * pictures. Of what it does not understand it says that it is neither.
 */

/** Keys that are pressed in a client's frame. */
export function keysIn(frame: Uint8Array): number {
  try {
    return inputIn(frame).filter((event) => (event.kind === 'scancode' || event.kind === 'unicode') && event.down)
      .length;
  } catch {
    return 0;
  }
}

/** Whether a server's frame draws on the desktop: no pointer, no palette, nothing of other channels. */
export function drawsPicture(frame: Uint8Array): boolean {
  try {
    return frameKind(frame[0] ?? 0) === 'fast-path' ? fastPathDraws(frame) : slowPathDraws(frame);
  } catch {
    return false;
  }
}

function inputIn(frame: Uint8Array): InputEvent[] {
  if (frameKind(frame[0] ?? 0) === 'fast-path') return decodeFastPathInput(frame);
  return shareDataIn(frame).flatMap(({ type, body }) =>
    type === ShareDataType.input ? decodeSlowPathInput(new ReadCursor(body, 'TS_INPUT_PDU_DATA')) : [],
  );
}

const DRAWING_CODES: readonly number[] = [UpdateCode.orders, UpdateCode.bitmap, UpdateCode.surfaceCommands];

/** [MS-RDPBCGR] 2.2.9.1.2.1 TS_FP_UPDATE: by its headers alone, since a peer may have asked for compression. */
function fastPathDraws(frame: Uint8Array): boolean {
  let at = (frame[1] ?? 0) & 0x80 ? 3 : 2;
  while (at < frame.length) {
    const header = frame[at] ?? 0;
    if (DRAWING_CODES.includes(header & 0x0f)) return true;
    const isCompressed = (header >> 6) & 0x02;
    at += isCompressed ? 2 : 1;
    at += 2 + ((frame[at] ?? 0) | ((frame[at + 1] ?? 0) << 8));
  }
  return false;
}

/** Smaller messages of the graphics pipeline mark frames and the like. */
const MIN_PIPELINE_PICTURE = 64;
/** TS_GRAPHICS_UPDATE, `updateType`: orders and bitmaps. */
const DRAWING_TYPES: readonly number[] = [0, 1];

function slowPathDraws(frame: Uint8Array): boolean {
  const userData = userDataOf(frame);
  if (userData === undefined) return false;
  if (!beginsShareControl(userData)) return userData.length >= MIN_PIPELINE_PICTURE;
  return shareDataIn(frame).some(
    ({ type, body }) => type === ShareDataType.update && DRAWING_TYPES.includes((body[0] ?? 0) | ((body[1] ?? 0) << 8)),
  );
}

function shareDataIn(frame: Uint8Array): { readonly type: number; readonly body: Uint8Array }[] {
  const userData = userDataOf(frame);
  if (userData === undefined || !beginsShareControl(userData)) return [];
  return decodeShareControlPdus(userData).map((pdu) => decodeShareData(new ReadCursor(pdu.body, 'TS_SHAREDATAHEADER')));
}

function userDataOf(frame: Uint8Array): Uint8Array | undefined {
  const message = decodeX224(frame);
  if (message.kind !== 'data') return undefined;
  const pdu = decodeMcsPdu(message.cursor);
  return pdu.kind === 'sendDataIndication' || pdu.kind === 'sendDataRequest' ? pdu.userData : undefined;
}
