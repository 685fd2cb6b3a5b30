/** The client's side of licensing ([MS-RDPBCGR] 1.3.1.1, [MS-RDPELE] 1.3). */
import { ReadCursor } from '../core/cursor.ts';
import { decodeLicenseMessage, type LicenseErrorAlert, LicenseErrorCode, LicenseStateTransition } from '../pdu/licensing.ts';
import { ConnectError } from './connect-error.ts';

export interface LicenseStep {
  /** A message to send back, without its security header. */
  readonly send?: Uint8Array;
  readonly done: boolean;
}

export class LicenseExchange {
  /** @param body what follows the security header. Throws `ConnectError` with `licensing_failed`. */
  receive(body: Uint8Array): LicenseStep {
    const message = decodeLicenseMessage(new ReadCursor(body, 'LICENSE_PREAMBLE'));
    switch (message.kind) {
      case 'errorAlert':
        return { done: accepts(message) };
      case 'newLicense':
        return { done: true };
      default:
        throw new ConnectError('licensing_failed', `the server wants a licence exchange: ${message.kind}`);
    }
  }
}

function accepts(alert: LicenseErrorAlert): boolean {
  const { errorCode, stateTransition } = alert;
  // With "no transition" the phase is over whatever the code: the client may stay, licensed or not.
  if (errorCode === LicenseErrorCode.validClient || stateTransition === LicenseStateTransition.noTransition) return true;
  const name = Object.entries(LicenseErrorCode).find(([, code]) => code === errorCode)?.[0] ?? `code ${errorCode}`;
  throw new ConnectError('licensing_failed', `the server refused a licence: ${name}`);
}
