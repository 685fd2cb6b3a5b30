import { concatBytes, equalBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { DecodeError } from '../core/errors.ts';
import { encodeUtf8 } from '../core/text.ts';
import { CredSspError } from './credssp-error.ts';
import type { NtlmSession } from './ntlm-crypto.ts';

/** The versions of CredSSP that there are, [MS-CSSP] 2.2.1. */
export const CREDSSP_VERSION = { oldest: 2, newest: 6 } as const;

/** From this version on the nonce and hash of CVE-2018-0886's fix replace the plain public key. */
export const NONCE_VERSION = 5;

/** Whether a server tells its NTSTATUS to a client of this version ([MS-CSSP] 2.2.1, errorCode). */
export function carriesErrorCode(version: number): boolean {
  return version === 3 || version === 4 || version >= 6;
}

/**
 * What the pubKeyAuth field of the client's and of the server's message seals, [MS-CSSP] 3.1.5 steps 3 and 4.
 *
 * @param publicKey SubjectPublicKey: the contents of that BIT STRING in the TLS certificate, without its unused-bits byte
 * @param nonce the client's, from version 5 on
 */
export function publicKeyProof(
  crypto: CryptoProvider,
  sender: 'client' | 'server',
  publicKey: Uint8Array,
  nonce: Uint8Array | undefined,
): Uint8Array {
  if (nonce !== undefined) {
    const magic = sender === 'client' ? CLIENT_MAGIC : SERVER_MAGIC;
    return crypto.sha256(concatBytes(encodeUtf8(magic), nonce, publicKey));
  }
  if (sender === 'client') return publicKey;
  // The key as a little-endian number, plus one.
  const incremented = publicKey.slice();
  for (let i = 0; i < incremented.length; i++) {
    const value = ((incremented[i] ?? 0) + 1) & 0xff;
    incremented[i] = value;
    if (value !== 0) break;
  }
  return incremented;
}

/**
 * Unseals a pubKeyAuth field and compares. Throws `CredSspError` `public_key_mismatch`: whoever authenticated is not
 * the other end of this TLS connection.
 */
export function checkPublicKeyProof(session: NtlmSession, sealed: Uint8Array, expected: Uint8Array): void {
  let proof: Uint8Array;
  try {
    proof = session.unseal(sealed, 'pubKeyAuth');
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new CredSspError('public_key_mismatch', { origin: 'local', cause });
  }
  if (!equalBytes(proof, expected)) throw new CredSspError('public_key_mismatch', { origin: 'local' });
}

const CLIENT_MAGIC = 'CredSSP Client-To-Server Binding Hash\0';
const SERVER_MAGIC = 'CredSSP Server-To-Client Binding Hash\0';
