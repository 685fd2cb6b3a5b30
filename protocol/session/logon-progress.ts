/** What the server says of the logon once the connection is up: [MS-RDPBCGR] 2.2.10.1 Save Session Info. */
import type { AutoReconnectSecret } from '../connector/types.ts';
import { LogonErrorData, type LogonErrorInfo, LogonMessage, type SaveSessionInfo } from '../pdu/save-session-info.ts';
import { type LogonNotice, logonNotice } from './logon-notice.ts';

export type LogonOutput =
  | { readonly kind: 'logged-on' }
  /** What the user should know of a logon that is not done yet. */
  | { readonly kind: 'logon-notice'; readonly notice: LogonNotice }
  /** What brings a client back into this session after a lost connection: a secret, the last one; nothing any more. */
  | { readonly kind: 'auto-reconnect'; readonly secret: AutoReconnectSecret | undefined };

export class LogonProgress {
  #isDone = false;
  #hasFailed = false;

  /** Whether an end that follows is one of a logon that did not succeed. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  told(info: SaveSessionInfo, out: { push(...outputs: LogonOutput[]): unknown }): void {
    if (info.kind === 'logon' || info.kind === 'plain-notify') {
      this.#hasFailed = false;
      // Comes again after a reconnection on the server; told once.
      if (!this.#isDone) out.push({ kind: 'logged-on' });
      this.#isDone = true;
    } else if (info.kind === 'extended') {
      if (info.autoReconnect) out.push({ kind: 'auto-reconnect', secret: copyOf(info.autoReconnect) });
      if (info.logonError === undefined) return;
      this.#hasFailed = isFailure(info.logonError);
      const notice = logonNotice(info.logonError);
      if (notice !== undefined) out.push({ kind: 'logon-notice', notice });
    }
  }
}

function isFailure({ type, data }: LogonErrorInfo): boolean {
  const isStatus = type < LogonMessage.sessionBusyOptions;
  return (isStatus && data <= LogonErrorData.other) || type === LogonMessage.accessDenied;
}

/** A view no longer: the secret outlives the frame that it came in. */
function copyOf({ logonId, randomBits }: AutoReconnectSecret): AutoReconnectSecret {
  return { logonId, randomBits: randomBits.slice() };
}
