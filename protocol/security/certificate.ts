import type { CryptoProvider } from '../core/crypto.ts';
import { ReadCursor } from '../core/cursor.ts';
import { contextTag, DerTag, readAny, readElement, readOptional } from './der.ts';

/** What CredSSP needs to know of the other end of the TLS connection. */
export interface TlsPeer {
  /** The server's certificate, DER. */
  readonly certificate: Uint8Array;
  /** `subjectPublicKeyOf(certificate)`. */
  readonly subjectPublicKey: Uint8Array;
  /** The certificate's hash for tls-server-end-point, where the driver can compute it: needed for SHA-384 and -512. */
  readonly endPointHash?: Uint8Array;
}

/**
 * [RFC 5280] 4.1.2.7: the contents of the subjectPublicKey BIT STRING, without the byte of unused bits. For RSA that
 * is an RSAPublicKey ([RFC 8017] A.1.1). This, not the SubjectPublicKeyInfo, is what CredSSP binds to.
 */
export function subjectPublicKeyOf(certificate: Uint8Array): Uint8Array {
  const toBeSigned = readElement(readCertificate(certificate), DerTag.sequence, 'tbsCertificate');
  readOptional(toBeSigned, contextTag(0), 'version');
  for (const field of ['serialNumber', 'signature', 'issuer', 'validity', 'subject']) readAny(toBeSigned, field);
  const info = readElement(toBeSigned, DerTag.sequence, 'subjectPublicKeyInfo');
  readElement(info, DerTag.sequence, 'algorithm');
  const bits = readElement(info, DerTag.bitString, 'subjectPublicKey');
  bits.skip(1, 'subjectPublicKey');
  return bits.rest();
}

export type EndPointHash = 'sha256' | 'sha384' | 'sha512';

/**
 * [RFC 5929] 4.1: which hash of the certificate tls-server-end-point takes, by the certificate's signature: its own,
 * but SHA-256 in place of MD5 and SHA-1. Undefined for signatures without a hash of their own (Ed25519), where the
 * binding is not defined.
 */
export function endPointHashName(certificate: Uint8Array): EndPointHash | undefined {
  const cursor = readCertificate(certificate);
  readElement(cursor, DerTag.sequence, 'tbsCertificate');
  const algorithm = readElement(cursor, DerTag.sequence, 'signatureAlgorithm');
  const oid = hex(readElement(algorithm, DerTag.objectIdentifier, 'algorithm').rest());
  if (oid !== RSA_PSS) return SIGNATURE_HASHES.get(oid);
  // RSASSA-PSS-params: the hash is named in the parameters, and is SHA-1 where it is not.
  const parameters = readOptional(algorithm, DerTag.sequence, 'parameters');
  const hash = parameters === undefined ? undefined : readOptional(parameters, contextTag(0), 'hashAlgorithm');
  if (hash === undefined) return 'sha256';
  const identifier = readElement(hash, DerTag.sequence, 'hashAlgorithm');
  return HASHES.get(hex(readElement(identifier, DerTag.objectIdentifier, 'hashAlgorithm').rest()));
}

/** The hash itself: the driver's where it gave one, else ours where SHA-256 is called for. */
export function endPointHashOf(peer: TlsPeer, crypto: CryptoProvider): Uint8Array | undefined {
  if (peer.endPointHash !== undefined) return peer.endPointHash;
  return endPointHashName(peer.certificate) === 'sha256' ? crypto.sha256(peer.certificate) : undefined;
}

function readCertificate(certificate: Uint8Array): ReadCursor {
  return readElement(new ReadCursor(certificate, 'Certificate'), DerTag.sequence, 'Certificate');
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** 1.2.840.113549.1.1.10 */
const RSA_PSS = '2a864886f70d01010a';

const SIGNATURE_HASHES: ReadonlyMap<string, EndPointHash> = new Map([
  ['2a864886f70d010104', 'sha256'], // md5WithRSAEncryption
  ['2a864886f70d010105', 'sha256'], // sha1WithRSAEncryption
  ['2b0e03021d', 'sha256'], // sha1WithRSASignature
  ['2a864886f70d01010b', 'sha256'], // sha256WithRSAEncryption
  ['2a864886f70d01010c', 'sha384'], // sha384WithRSAEncryption
  ['2a864886f70d01010d', 'sha512'], // sha512WithRSAEncryption
  ['2a8648ce3d0401', 'sha256'], // ecdsa-with-SHA1
  ['2a8648ce3d040302', 'sha256'], // ecdsa-with-SHA256
  ['2a8648ce3d040303', 'sha384'], // ecdsa-with-SHA384
  ['2a8648ce3d040304', 'sha512'], // ecdsa-with-SHA512
  ['2a8648ce380403', 'sha256'], // id-dsa-with-sha1
  ['608648016503040302', 'sha256'], // dsa-with-sha256
]);

const HASHES: ReadonlyMap<string, EndPointHash> = new Map([
  ['2b0e03021a', 'sha256'], // SHA-1
  ['608648016503040201', 'sha256'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
]);
