import { ControlAction, encodeControl, encodeFontList, encodeSynchronize } from '../pdu/finalization.ts';
import {
  SERVER_CHANNEL_ID,
  ShareControlType,
  ShareDataType,
  shareControlMessage,
  shareDataMessage,
} from '../pdu/share.ts';

/**
 * What a client answers to Demand Active, all at once ([MS-RDPBCGR] 1.3.1.1): Confirm Active, Synchronize, Control
 * (cooperate, request), Font List.
 *
 * @param confirmActive the body of the Confirm Active PDU
 * @returns MCS user data for the I/O channel, in order
 */
export function activationMessages(userId: number, shareId: number, confirmActive: Uint8Array): Uint8Array[] {
  const data = (type: number, body: Uint8Array) => shareDataMessage(type, shareId, userId, body);
  const control = (action: number) => data(ShareDataType.control, encodeControl({ action, grantId: 0, controlId: 0 }));
  return [
    shareControlMessage(ShareControlType.confirmActive, userId, confirmActive),
    data(ShareDataType.synchronize, encodeSynchronize({ targetUser: SERVER_CHANNEL_ID })),
    control(ControlAction.cooperate),
    control(ControlAction.requestControl),
    data(ShareDataType.fontList, encodeFontList()),
  ];
}
