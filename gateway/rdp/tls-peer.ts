import { constants, createHash, type X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type SecureVersion,
  type TLSSocket,
} from 'node:tls';
import { endPointHashName, subjectPublicKeyOf, type TlsPeer } from '#protocol/security/certificate.ts';

/** Versions of TLS as settings name them, oldest first. */
export const tlsVersions = ['1.0', '1.1', '1.2', '1.3'] as const;
export type TlsVersion = (typeof tlsVersions)[number];

/** A server's certificate, as much as is needed to decide whether to trust it and to bind CredSSP to it. */
export interface ServerCertificate {
  /** SHA-256 of the DER, lower-case hex. */
  readonly fingerprint: string;
  readonly subject: string;
  readonly issuer: string;
  readonly validFrom: string;
  readonly validTo: string;
  readonly peer: TlsPeer;
  /** Why no authority known to this machine vouches for it; undefined where one does. */
  readonly chainProblem: string | undefined;
  /** Whether it is for the host that was asked for. */
  readonly nameMatches: boolean;
  readonly x509: X509Certificate;
}

/** What a TLS handshake came to. */
export interface TlsSession {
  readonly version: TlsVersion;
  /** OpenSSL's name. */
  readonly cipher: string;
}

export interface TlsOptions {
  /** Check the certificate against the authorities of this machine; unless set, `chainProblem` says it was not done. */
  readonly verifyChain?: boolean;
  /** This version only. Any from 1.0 on unless given. */
  readonly version?: TlsVersion;
}

/**
 * Starts TLS on a connected socket. Remote desktops come with self-signed certificates as a rule, and with TLS 1.0
 * where they are old: neither is refused here. What the handshake came to is for the caller to judge, before it sends.
 */
export function upgradeToTls(socket: Socket, host: string, options: TlsOptions = {}): TLSSocket {
  const version = options.version === undefined ? {} : onlyVersion(options.version);
  return connect({
    ...TLS_OPTIONS,
    ...version,
    ...(options.verifyChain === true && { secureContext: systemContext() }),
    socket,
    // A literal address may not stand in a server name indication.
    ...(isIP(host) === 0 && { servername: host }),
  });
}

/** What the handshake came to. Only once it is over. */
export function describeTls(secure: TLSSocket): TlsSession {
  const name = secure.getProtocol() ?? '';
  const version = tlsVersions.find((known) => protocolName(known) === name);
  if (version === undefined) throw new Error(`unknown version of TLS: ${name}`);
  return { version, cipher: secure.getCipher().name };
}

/** Whether a handshake came to this version or a newer one. */
export function isAtLeast(version: TlsVersion, minimum: TlsVersion): boolean {
  return tlsVersions.indexOf(version) >= tlsVersions.indexOf(minimum);
}

/**
 * Throws `DecodeError` for a certificate that is none.
 * @param host as the user gave it, name or address
 */
export function describeCertificate(certificate: X509Certificate, host = ''): ServerCertificate {
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
    chainProblem: NOT_CHECKED,
    nameMatches: isFor(certificate, host),
    x509: certificate,
  };
}

/**
 * The other end's certificate; undefined where it sent none. Only once the handshake is over, and only once: a TLS
 * socket gives it away but one time.
 */
export function peerCertificate(secure: TLSSocket, host: string, options: TlsOptions): ServerCertificate | undefined {
  const certificate = secure.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  if (options.verifyChain !== true) return describeCertificate(certificate, host);
  return {
    ...describeCertificate(certificate, host),
    chainProblem: secure.authorized ? undefined : chainProblem(secure),
  };
}

function isFor(certificate: X509Certificate, host: string): boolean {
  if (host === '') return false;
  // [RFC 6125] 6.4: names without regard to case; a trailing dot is DNS's, not the certificate's.
  return (isIP(host) === 0 ? certificate.checkHost(host.replace(/\.$/, '')) : certificate.checkIP(host)) !== undefined;
}

/** Typed as an error, in fact OpenSSL's code in most cases. */
function chainProblem(secure: TLSSocket): string {
  const problem: unknown = secure.authorizationError;
  return problem instanceof Error ? problem.message : String(problem);
}

function onlyVersion(version: TlsVersion): ConnectionOptions {
  const name = protocolName(version) as SecureVersion;
  return { minVersion: name, maxVersion: name };
}

/** OpenSSL's. */
function protocolName(version: TlsVersion): string {
  return version === '1.0' ? 'TLSv1' : `TLSv${version}`;
}

const NOT_CHECKED = 'not checked';

const TLS_OPTIONS: ConnectionOptions = {
  rejectUnauthorized: false,
  checkServerIdentity: () => undefined,
  minVersion: 'TLSv1',
  // Level 0 lets in what Windows Server 2008 offers: TLS 1.0 with SHA-1, and keys of 1024 bits.
  ciphers: 'DEFAULT:@SECLEVEL=0',
  // Windows does not take the empty records that OpenSSL sends before each other one in TLS 1.0: a TSRequest is to be in the first.
  secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT | constants.SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS,
};

let knownAuthorities: SecureContext | undefined;

/** Node's list, the operating system's store and NODE_EXTRA_CA_CERTS. Made once: reading the store takes a while. */
function systemContext(): SecureContext {
  knownAuthorities ??= createSecureContext({
    ...TLS_OPTIONS,
    ca: [...new Set([...getCACertificates('default'), ...getCACertificates('system')])],
  });
  return knownAuthorities;
}
