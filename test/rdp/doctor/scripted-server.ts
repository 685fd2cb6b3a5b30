import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import { nodeCrypto } from '../../../gateway/rdp/node-crypto.ts';
import { describeCertificate } from '../../../gateway/rdp/tls-peer.ts';
import { ServerAcceptor } from '../../../protocol/connector/server-acceptor.ts';
import { ErrorInfo, encodeSetErrorInfo } from '../../../protocol/pdu/error-info.ts';
import { mcsMessage, sendDataIndication } from '../../../protocol/pdu/mcs-domain.ts';
import { decodeConnectionRequest, encodeConnectionConfirm } from '../../../protocol/pdu/nego.ts';
import { SERVER_CHANNEL_ID, ShareDataType, shareDataMessage } from '../../../protocol/pdu/share.ts';
import { CredSspServer, type CredSspServerOptions } from '../../../protocol/security/credssp-server.ts';
import type { PasswordCredentials } from '../../../protocol/security/ts-credentials.ts';
import { findTsRequestSize } from '../../../protocol/security/ts-request.ts';
import { type FakePeer, fakePeer, type Identity } from '../fake-peer.ts';

export const USERNAME = 'ann';
export const PASSWORD = 'Canary-Pass-1!';
export const HYBRID = 2;
export const SSL = 1;
const IO_CHANNEL = 1003;
const SHARE_ID = 0x000103ea;

/** What a server does in place of what it should. Each part left out is as a well-behaved server has it. */
export interface Script {
  readonly identity: Identity;
  readonly tls?: SecureContextOptions;
  /** The Connection Confirm for what was asked. */
  readonly select?: (requested: number, flags: number) => Uint8Array;
  /** In place of TLS. */
  readonly insteadOfTls?: (socket: Socket) => void;
  /** In place of NLA. */
  readonly insteadOfNla?: (secure: TLSSocket) => void;
  /** On the client's second TSRequest, which holds its proof. */
  readonly insteadOfProof?: (secure: TLSSocket) => void;
  readonly credssp?: Partial<CredSspServerOptions> & { readonly aheadMs?: number };
  /** On the Client Info PDU, in place of licensing and what follows. */
  /** Told what the client delegated. */
  readonly onLogon?: (credentials: PasswordCredentials | undefined) => void;
  readonly insteadOfLicensing?: (session: ScriptedSession) => void;
  /** When the desktop is there, which stays blank. */
  readonly onDesktop?: (session: ScriptedSession) => void;
}

/** The client is logged on and waits. */
export interface ScriptedSession {
  /** On the I/O channel. */
  sendIo(userData: Uint8Array): void;
  /** As it is. */
  send(bytes: Uint8Array): void;
  end(): void;
}

/** A server with NLA that does as it is told. */
export function scriptedServer(script: Script): Promise<FakePeer> {
  const { cert, key } = script.identity;
  const context = createSecureContext({ cert, key, ...script.tls });
  const { peer } = describeCertificate(new X509Certificate(cert));
  return fakePeer((socket) => {
    socket.once('data', (request: Buffer) => {
      const { negotiation } = decodeConnectionRequest(new Uint8Array(request));
      const select = script.select ?? hybridOnly;
      const requested = negotiation?.protocols ?? 0;
      const confirm = select(requested, negotiation?.flags ?? 0);
      socket.write(confirm);
      if (script.insteadOfTls !== undefined) {
        script.insteadOfTls(socket);
        return;
      }
      const secure = new TLSSocket(socket, { isServer: true, secureContext: context });
      secure.on('error', () => {});
      secure.once('secure', () => {
        if (confirm[15] === SSL) serveSession(secure, script, requested);
        else if (script.insteadOfNla !== undefined) script.insteadOfNla(secure);
        else authenticate(secure, script, requested, peer);
      });
    });
  });
}

/** Ends the session as servers do: Set Error Info, then the MCS disconnect. */
export function endWith(errorInfo: number): (session: ScriptedSession) => void {
  return (session) => {
    const body = encodeSetErrorInfo({ errorInfo });
    session.sendIo(LICENSED);
    session.sendIo(shareDataMessage(ShareDataType.setErrorInfo, SHARE_ID, SERVER_CHANNEL_ID, body));
    session.send(mcsMessage({ kind: 'disconnectProviderUltimatum', reason: 1 }));
    session.end();
  };
}

/** [MS-RDPBCGR] 2.2.10.1.1.4 TS_LOGON_INFO_EXTENDED with nothing but TS_LOGON_ERRORS_INFO, by hand. */
export function logonError(type: number, data: number): (session: ScriptedSession) => void {
  const body = new Uint8Array(4 + 2 + 4 + 4 + 8 + 570);
  const view = new DataView(body.buffer);
  view.setUint32(0, 3, true);
  view.setUint16(4, 18, true);
  view.setUint32(6, 2, true);
  view.setUint32(10, 8, true);
  view.setUint32(14, type, true);
  view.setUint32(18, data, true);
  return (session) =>
    session.sendIo(shareDataMessage(ShareDataType.saveSessionInfo, SHARE_ID, SERVER_CHANNEL_ID, body));
}

export const { serverDeniedConnection, outOfMemory, disconnectedByOtherConnection } = ErrorInfo;

/** [MS-RDPBCGR] 2.2.1.12: STATUS_VALID_CLIENT, with its security header; from the specification's layout, by hand. */
export const LICENSED = licenseAlert(7, 2);

/** A licensing error alert: preamble (type 0xff, version 3, size 16), code, transition, an empty blob. */
export function licenseAlert(code: number, transition: number): Uint8Array {
  return Uint8Array.from([0x80, 0, 0, 0, 0xff, 3, 16, 0, code, 0, 0, 0, transition, 0, 0, 0, 4, 0, 0, 0]);
}

export function response(protocol: number, flags = 0): Uint8Array {
  return encodeConnectionConfirm({ kind: 'response', protocol, flags });
}

export function refusal(code: number): Uint8Array {
  return encodeConnectionConfirm({ kind: 'failure', code });
}

/** As Windows with NLA required. */
export function hybridOnly(requested: number): Uint8Array {
  return (requested & HYBRID) === 0 ? refusal(5) : response(HYBRID);
}

export interface CertificateOptions {
  readonly name?: string;
  readonly keySize?: number;
  readonly algorithm?: string;
  readonly from?: Date;
  readonly to?: Date;
}

/** For `localhost` unless named otherwise. */
export async function makeIdentity(options: CertificateOptions = {}): Promise<Identity> {
  const { name = 'localhost', keySize = 2048, algorithm = 'sha256', from, to } = options;
  const made = await generate([{ name: 'commonName', value: name }], {
    keySize,
    algorithm,
    ...(from !== undefined && { notBeforeDate: from }),
    ...(to !== undefined && { notAfterDate: to }),
  });
  return { cert: made.cert, key: made.private };
}

function authenticate(
  secure: TLSSocket,
  script: Script,
  requested: number,
  peer: ReturnType<typeof describeCertificate>['peer'],
): void {
  const { aheadMs = 0, ...options } = script.credssp ?? {};
  const lookup = () => ({ password: PASSWORD });
  const server = new CredSspServer(
    { lookup, computerName: 'WINSRV', domainName: 'LAB', ...options },
    nodeCrypto,
    Date.now() + aheadMs,
    peer,
  );
  let pending = Buffer.alloc(0);
  let requests = 0;
  const receive = (chunk: Buffer): void => {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const size = findTsRequestSize(pending);
      if (size === undefined || pending.length < size) return;
      requests++;
      if (requests === 2 && script.insteadOfProof !== undefined) {
        script.insteadOfProof(secure);
        return;
      }
      const step = server.receive(new Uint8Array(pending.subarray(0, size)));
      pending = pending.subarray(size);
      if (step.send !== undefined) secure.write(step.send);
      if (step.error !== undefined) secure.end();
      if (!step.done) continue;
      script.onLogon?.(server.credentials);
      secure.off('data', receive);
      serveSession(secure, script, requested, pending);
      return;
    }
  };
  secure.on('data', receive);
}

/**
 * The acceptor believes in TLS alone: what the client says it heard of the negotiation, TS_UD_CS_CORE's
 * serverSelectedProtocol ([MS-RDPBCGR] 2.2.1.3.2), is made to agree with that.
 */
function asOverTls(chunk: Buffer): Uint8Array {
  const bytes = new Uint8Array(chunk);
  const core = chunk.indexOf(Buffer.from([0x01, 0xc0, 0xd8, 0x00]));
  if (core !== -1) bytes.set([SSL, 0, 0, 0], core + 4 + 208);
  return bytes;
}

/** MCS and on. The acceptor is led past its own beginning, which has been played by hand. */
function serveSession(secure: TLSSocket, script: Script, requested: number, first: Buffer = Buffer.alloc(0)): void {
  const acceptor = new ServerAcceptor({ computerName: 'WINSRV', tls: { authenticate: () => true } }, nodeCrypto);
  acceptor.receive(Uint8Array.from([3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, requested | SSL, 0, 0, 0]), 0);
  acceptor.tlsEstablished({ certificate: new Uint8Array(0), subjectPublicKey: new Uint8Array(0) }, 0);
  const session: ScriptedSession = {
    send: (bytes) => secure.write(bytes),
    sendIo: (userData) => secure.write(sendDataIndication(IO_CHANNEL, userData)),
    end: () => secure.end(),
  };
  let over = false;
  const receive = (chunk: Buffer): void => {
    if (over || chunk.length === 0) return;
    const outputs = acceptor.receive(asOverTls(chunk), 0);
    if (script.insteadOfLicensing !== undefined && acceptor.stateName === 'capabilities-exchange') {
      over = true;
      script.insteadOfLicensing(session);
      return;
    }
    for (const output of outputs) {
      if (output.kind === 'send') secure.write(output.bytes);
      // What a connected client gets from here on is nothing: no picture ever comes.
      if (output.kind === 'connected') {
        over = true;
        script.onDesktop?.(session);
      }
    }
  };
  secure.on('data', receive);
  receive(first);
}
