/** Connection Finalization, [MS-RDPBCGR] 1.3.1.1, from the server's side. Its Synchronize goes out behind Confirm Active. */
import { ReadCursor } from '../core/cursor.ts';
import { ControlAction, decodeControl, encodeControl, encodeFontMap } from '../pdu/finalization.ts';
import { SERVER_CHANNEL_ID, ShareDataType } from '../pdu/share.ts';

/**
 * What a client's PDU of this phase is answered with.
 * @returns nothing where it needs no answer; `unknown`: it is not of this phase
 */
export function finalizationAnswer(
  type: number,
  body: Uint8Array,
  userId: number,
): { readonly type: number; readonly body: Uint8Array } | 'unknown' | undefined {
  switch (type) {
    case ShareDataType.synchronize:
    case ShareDataType.bitmapCachePersistentList: // no bitmap cache is ever used
      return undefined;
    case ShareDataType.control: {
      const { action } = decodeControl(new ReadCursor(body, 'TS_CONTROL_PDU'));
      if (action === ControlAction.cooperate) {
        return { type, body: encodeControl({ action, grantId: 0, controlId: 0 }) };
      }
      if (action !== ControlAction.requestControl) return undefined;
      const granted = { action: ControlAction.grantedControl, grantId: userId, controlId: SERVER_CHANNEL_ID };
      return { type, body: encodeControl(granted) };
    }
    case ShareDataType.fontList:
      return { type: ShareDataType.fontMap, body: encodeFontMap() };
    default:
      return 'unknown';
  }
}
