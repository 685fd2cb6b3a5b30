import type { TLSSocket } from 'node:tls';
import { DecodeError } from '#protocol/core/errors.ts';
import {
  describeTls,
  isAtLeast,
  peerCertificate,
  type ServerCertificate,
  type TlsOptions,
  type TlsSession,
  type TlsVersion,
  tlsVersions,
} from '../tls-peer.ts';
import type { Diagnosis, DiagnosisCode } from './diagnoses.ts';
import { diagnosis } from './diagnoses.ts';
import type { Finding } from './finding.ts';
import { type Negotiated, openNegotiated } from './negotiation.ts';
import type { Reached } from './reach.ts';
import { ProbeError } from './wire.ts';

export interface Secured {
  readonly session: TlsSession;
  readonly certificate: ServerCertificate;
}

export interface TlsPlan {
  readonly host: string;
  readonly minimumTls: TlsVersion;
  readonly verifyChain: boolean;
}

/** TLS: what a handshake comes to, and which versions the server takes one by one. */
export async function probeTls(
  reached: Reached,
  port: number,
  negotiated: Negotiated,
  plan: TlsPlan,
  timeoutMs: number,
): Promise<Finding<Secured>> {
  const shake = async (version?: TlsVersion): Promise<Secured> => {
    const { connection } = await openNegotiated(reached, port, negotiated.requested, timeoutMs);
    using _ = connection;
    // With a context of its own a handshake takes no notice of `version`; the chain is looked at the first time only.
    const options = version === undefined ? { verifyChain: plan.verifyChain } : { version };
    const secure = await connection.startTls(plan.host, options);
    const session = describeTls(secure);
    const certificate = readCertificate(secure, plan.host, options);
    return { session, certificate };
  };
  let secured: Secured;
  try {
    secured = await shake();
  } catch (error) {
    return { summary: 'the TLS handshake failed', diagnoses: [handshakeDiagnosis(error)] };
  }
  const offered: TlsVersion[] = [];
  const ciphers: string[] = [];
  for (const version of tlsVersions) {
    const found = version === secured.session.version ? secured : await shake(version).catch(notOffered);
    if (found === undefined) continue;
    offered.push(version);
    ciphers.push(`${version}: ${found.session.cipher}`);
  }
  const { session } = secured;
  const legacy = offered.filter((version) => !isAtLeast(version, '1.2'));
  const tooOld = !isAtLeast(session.version, plan.minimumTls);
  const diagnoses: Diagnosis[] = [];
  if (tooOld) diagnoses.push(diagnosis('tls_version_too_old', `TLS ${session.version}, wanted ${plan.minimumTls}`));
  else if (legacy.length > 0) diagnoses.push(diagnosis('tls_legacy_versions', legacy.join(', ')));
  return {
    summary: `TLS ${session.version} with ${session.cipher}`,
    facts: { version: session.version, cipher: session.cipher, offeredVersions: offered, offeredCiphers: ciphers },
    diagnoses,
    ...(!tooOld && { value: secured }),
  };
}

/** A certificate that cannot be read is as good as a handshake that failed. */
function readCertificate(secure: TLSSocket, host: string, options: TlsOptions): ServerCertificate {
  let certificate: ServerCertificate | undefined;
  try {
    certificate = peerCertificate(secure, host, options);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new ProbeError('failed', `the certificate cannot be read: ${error.message}`);
  }
  if (certificate === undefined) throw new ProbeError('failed', 'the server sent no certificate');
  return certificate;
}

function handshakeDiagnosis(error: unknown): Diagnosis {
  if (!(error instanceof ProbeError)) throw error;
  const { kind, code = '', message } = error;
  if (kind === 'timeout') return diagnosis('tls_no_answer', message);
  const known = HANDSHAKE_CODES.find(([pattern]) => pattern.test(`${code} ${message}`))?.[1];
  if (known !== undefined) return diagnosis(known, code === '' ? message : code);
  return diagnosis(kind === 'closed' ? 'tls_closed' : 'tls_failed', code === '' ? message : code);
}

/** OpenSSL's reasons, by Node's codes for them. */
const HANDSHAKE_CODES: readonly (readonly [RegExp, DiagnosisCode])[] = [
  [/WRONG_VERSION_NUMBER|UNEXPECTED_MESSAGE|PACKET_LENGTH_TOO_LONG|RECORD_LAYER_FAILURE/, 'tls_nonsense'],
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/, 'tls_version_too_old'],
  [/HANDSHAKE_FAILURE|NO_SHARED_CIPHER|NO_CIPHERS|INSUFFICIENT_SECURITY/, 'tls_no_common_cipher'],
  [/ECONNRESET|EPIPE|UNEXPECTED_EOF/, 'tls_closed'],
];

function notOffered(error: unknown): undefined {
  if (!(error instanceof ProbeError)) throw error;
}
