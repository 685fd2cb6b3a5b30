import type { CredSspErrorCode } from './nt-status.ts';
import { codeOfStatus, formatStatus } from './nt-status.ts';

/**
 * Why network level authentication did not succeed. Never holds a password, a hash or a token: user names and
 * secrets stay out of its text, so it may be logged.
 */
export class CredSspError extends Error {
  override readonly name = 'CredSspError';
  readonly code: CredSspErrorCode;
  /** NTSTATUS, or 0 where it was no status that told us. */
  readonly status: number;
  /** Who found it: the peer told us, or we did. A server answers its own findings with `status`. */
  readonly origin: 'peer' | 'local';

  /** @param reason an NTSTATUS, or a code where there is none */
  constructor(
    reason: number | CredSspErrorCode,
    options: { readonly origin: 'peer' | 'local'; readonly detail?: string; readonly cause?: unknown },
  ) {
    const code = typeof reason === 'number' ? codeOfStatus(reason) : reason;
    const status = typeof reason === 'number' ? reason >>> 0 : 0;
    const detail = options.detail ?? (status === 0 ? undefined : `status ${formatStatus(status)}`);
    const text = `network level authentication failed: ${code.replaceAll('_', ' ')}`;
    super(detail === undefined ? text : `${text} (${detail})`, options.cause === undefined ? undefined : options);
    this.code = code;
    this.status = status;
    this.origin = options.origin;
  }
}
