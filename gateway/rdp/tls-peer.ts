import { constants, createHash, type X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { endPointHashName, subjectPublicKeyOf, type TlsPeer } from '#protocol/security/certificate.ts';

/** A server's certificate, as much as is needed to decide whether to trust it and to bind CredSSP to it. */
export interface ServerCertificate {
  /** SHA-256 of the DER, lower-case hex. */
  readonly fingerprint: string;
  readonly subject: string;
  readonly issuer: string;
  readonly validFrom: string;
  readonly validTo: string;
  readonly peer: TlsPeer;
}

/**
 * Starts TLS on a connected socket. Remote desktops come with self-signed certificates as a rule, and with TLS 1.0
 * where they are old: the chain is not checked here, trust is decided by the fingerprint.
 */
export function upgradeToTls(socket: Socket, host: string): TLSSocket {
  return connect({
    ...TLS_OPTIONS,
    socket,
    // A literal address may not stand in a server name indication.
    ...(isIP(host) === 0 && { servername: host }),
  });
}

/** Throws `DecodeError` for a certificate that is none. */
export function describeCertificate(certificate: X509Certificate): ServerCertificate {
  const der = new Uint8Array(certificate.raw);
  const hash = endPointHashName(der);
  return {
    fingerprint: createHash('sha256').update(der).digest('hex'),
    subject: certificate.subject,
    issuer: certificate.issuer,
    validFrom: certificate.validFrom,
    validTo: certificate.validTo,
    peer: {
      certificate: der,
      subjectPublicKey: subjectPublicKeyOf(der).slice(),
      ...(hash !== undefined && { endPointHash: new Uint8Array(createHash(hash).update(der).digest()) }),
    },
  };
}

const TLS_OPTIONS: ConnectionOptions = {
  rejectUnauthorized: false,
  checkServerIdentity: () => undefined,
  minVersion: 'TLSv1',
  // Level 0 lets in what Windows Server 2008 offers: TLS 1.0 with SHA-1, and keys of 1024 bits.
  ciphers: 'DEFAULT:@SECLEVEL=0',
  secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
};
