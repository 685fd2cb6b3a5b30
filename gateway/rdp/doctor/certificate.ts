import type { X509Certificate } from 'node:crypto';
import type { ServerCertificate } from '../tls-peer.ts';
import { decideTrust, type TrustPolicy } from '../trust.ts';
import { type Diagnosis, diagnosis } from './diagnoses.ts';
import type { Finding } from './finding.ts';
import { harmless } from './wire.ts';

/**
 * The certificate by itself, and by the rule of the target.
 * @param now milliseconds since the epoch
 * @returns a value where credentials may be sent
 */
export function checkCertificate(
  described: ServerCertificate,
  host: string,
  trust: TrustPolicy,
  now: number,
): Finding<ServerCertificate> {
  const { x509 } = described;
  const decision = decideTrust(trust, described);
  const diagnoses = [...inspect(described, host, now)];
  if (!decision.trusted) diagnoses.push(diagnosis(decision.code, decision.problem));
  const selfSigned = isSelfSigned(x509);
  return {
    summary: `${name(described.subject)}, ${selfSigned ? 'self-signed' : `issued by ${name(described.issuer)}`}`,
    facts: {
      subject: oneLine(described.subject),
      issuer: oneLine(described.issuer),
      validFrom: x509.validFromDate.toISOString(),
      validTo: x509.validToDate.toISOString(),
      fingerprint: described.fingerprint,
      key: describeKey(x509),
      signature: harmless(x509.signatureAlgorithm ?? 'unknown'),
      selfSigned,
      nameMatches: described.nameMatches,
      trustedBySystem: described.chainProblem === undefined,
      rule: trust.mode,
    },
    diagnoses,
    ...(decision.trusted && { value: described }),
  };
}

function* inspect(described: ServerCertificate, host: string, now: number): Generator<Diagnosis, void> {
  const { x509 } = described;
  if (now > x509.validToDate.getTime()) yield diagnosis('certificate_expired', x509.validToDate.toISOString());
  if (now < x509.validFromDate.getTime()) {
    yield diagnosis('certificate_not_yet_valid', x509.validFromDate.toISOString());
  }
  if (isSelfSigned(x509)) yield diagnosis('certificate_self_signed', described.fingerprint);
  if (!described.nameMatches) {
    yield diagnosis('certificate_name_mismatch', `${names(x509)} instead of ${host}`);
  }
  if (isWeakKey(x509)) yield diagnosis('certificate_weak_key', describeKey(x509));
  const signature = x509.signatureAlgorithm ?? '';
  if (/sha-?1(?!\d)|md[245]/i.test(signature)) yield diagnosis('certificate_weak_signature', signature);
}

function isSelfSigned(x509: X509Certificate): boolean {
  return x509.subject === x509.issuer && x509.verify(x509.publicKey);
}

function isWeakKey(x509: X509Certificate): boolean {
  const { asymmetricKeyType, asymmetricKeyDetails } = x509.publicKey;
  if (asymmetricKeyType === 'ec') return SHORT_CURVES.has(asymmetricKeyDetails?.namedCurve ?? '');
  const bits = asymmetricKeyDetails?.modulusLength;
  return bits !== undefined && bits < 2048;
}

function describeKey(x509: X509Certificate): string {
  const { asymmetricKeyType = 'unknown', asymmetricKeyDetails } = x509.publicKey;
  const { modulusLength, namedCurve } = asymmetricKeyDetails ?? {};
  return `${asymmetricKeyType.toUpperCase()} ${modulusLength ?? namedCurve ?? ''}`.trim();
}

function names(x509: X509Certificate): string {
  return harmless(x509.subjectAltName ?? name(x509.subject));
}

/** Of a distinguished name as Node writes it, one part a line. */
function name(distinguished: string): string {
  const common = /^CN=(.*)$/m.exec(distinguished)?.[1];
  return common === undefined ? oneLine(distinguished) : harmless(common);
}

function oneLine(distinguished: string | undefined): string {
  return harmless((distinguished ?? '').replaceAll('\n', ', '));
}

/** Under 256 bits. */
const SHORT_CURVES = new Set(['secp160k1', 'secp160r1', 'secp192k1', 'prime192v1', 'secp224k1', 'secp224r1']);
