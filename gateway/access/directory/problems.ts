import { ResultCodeError } from 'ldapts';

/** What can be wrong with a directory, for whoever sets it up. Codes are never renamed; docs/signing-in.md has them. */
export const problems = {
  no_servers: 'No server is named.',
  name_not_resolved: 'The name of the server is not known.',
  connection_refused: 'Nothing listens at that address and port.',
  timed_out: 'The server did not answer in time.',
  connection_failed: 'The server could not be reached.',
  starttls_refused: 'The server does not do StartTLS.',
  tls_not_trusted: 'No authority that is known here vouches for the certificate of the server.',
  tls_name_mismatch: 'The certificate of the server is for another name.',
  tls_expired: 'The certificate of the server is no longer, or not yet, good.',
  tls_failed: 'No TLS connection came about.',
  bind_refused: 'The service account was not let in: its name or its password is wrong.',
  base_not_found: 'The base of users is not there.',
  group_base_not_found: 'The base of groups is not there.',
  filter_invalid: 'A filter is not as RFC 4515 writes it.',
  referral: 'The server says to ask another one; that is not followed.',
  too_many_results: 'The server gives no more results than it has given.',
  not_allowed: 'The service account may not read that.',
  search_failed: 'The server refused the search.',
  user_not_found: 'Nobody of that name is found.',
  user_ambiguous: 'More than one entry has that name.',
  no_unique_id: 'The entry has neither objectGUID nor entryUUID that the service account may read.',
  no_username: 'The entry has none of the attributes that hold the user name.',
  password_wrong: 'The password is not right.',
  password_expired: 'The password has expired, or must be changed first.',
  account_disabled: 'The account is disabled in the directory.',
  account_expired: 'The account has expired in the directory.',
  account_locked: 'The account is locked in the directory.',
  not_mapped: 'None of the groups is in the mapping, and only who is in one of those may sign in.',
} as const;
export type ProblemCode = keyof typeof problems;

/** Something is wrong with the directory, or with somebody in it. */
export class DirectoryProblem extends Error {
  override readonly name = 'DirectoryProblem';
  readonly code: ProblemCode;
  readonly detail: string;

  constructor(code: ProblemCode, detail = '', options?: { cause?: unknown }) {
    super(detail === '' ? code : `${code}: ${detail}`, options);
    this.code = code;
    this.detail = detail;
  }
}

/** Whether another server may do better. */
export function isServerProblem(code: ProblemCode): boolean {
  return serverProblems.has(code);
}

/** What a connection, or TLS over it, failed by. */
export function connectionProblem(error: unknown): DirectoryProblem {
  const { code, message = String(error) } = error as { code?: unknown; message?: string };
  const known = typeof code === 'string' ? systemCodes[code] : undefined;
  if (known !== undefined) return new DirectoryProblem(known, message, { cause: error });
  if (error instanceof ResultCodeError) return new DirectoryProblem('starttls_refused', message, { cause: error });
  if (/time(?:d )?out/i.test(message)) return new DirectoryProblem('timed_out', '', { cause: error });
  const tls = typeof code === 'string' && /^(?:ERR_(?:O?SSL|TLS)|EPROTO|UNABLE_TO)/.test(code);
  return new DirectoryProblem(tls ? 'tls_failed' : 'connection_failed', message, { cause: error });
}

/** What a search failed by. [RFC 4511] 4.1.9 has the result codes. */
export function searchProblem(error: unknown, base: 'base_not_found' | 'group_base_not_found'): DirectoryProblem {
  if (error instanceof DirectoryProblem) return error;
  const { message = String(error) } = error as { message?: string };
  if (!(error instanceof ResultCodeError)) {
    const { code } = error as { code?: unknown };
    // The filter is read before anything is sent; a connection that broke has a system's code, or says so.
    const lost = typeof code === 'string' || /connection|socket|time/i.test(message);
    return lost ? connectionProblem(error) : new DirectoryProblem('filter_invalid', message, { cause: error });
  }
  const missing = error.code === NO_SUCH_OBJECT || error.code === INVALID_DN_SYNTAX;
  const code = missing ? base : (resultCodes[error.code] ?? 'search_failed');
  return new DirectoryProblem(code, message, { cause: error });
}

const NO_SUCH_OBJECT = 32;
const INVALID_DN_SYNTAX = 34;

const resultCodes: Readonly<Record<number, ProblemCode>> = {
  1: 'not_allowed', // operationsError: Active Directory, to whoever has not bound
  3: 'timed_out',
  4: 'too_many_results',
  10: 'referral',
  11: 'too_many_results',
  48: 'not_allowed',
  49: 'bind_refused',
  50: 'not_allowed',
  51: 'connection_failed', // busy
  52: 'connection_failed', // unavailable
  87: 'filter_invalid',
};

const systemCodes: Readonly<Record<string, ProblemCode>> = {
  ENOTFOUND: 'name_not_resolved',
  EAI_AGAIN: 'name_not_resolved',
  ECONNREFUSED: 'connection_refused',
  ETIMEDOUT: 'timed_out',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_not_trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls_not_trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls_not_trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'tls_not_trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls_not_trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls_name_mismatch',
  CERT_HAS_EXPIRED: 'tls_expired',
  CERT_NOT_YET_VALID: 'tls_expired',
};

const serverProblems: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  ...(['name_not_resolved', 'connection_refused', 'timed_out', 'connection_failed', 'starttls_refused'] as const),
  ...(['tls_not_trusted', 'tls_name_mismatch', 'tls_expired', 'tls_failed'] as const),
]);
