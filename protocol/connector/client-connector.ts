/**
 * The client's connection sequence ([MS-RDPBCGR] 1.3.1.1), sans-IO: from the X.224 Connection Request to Font Map.
 * All transitions are in this file.
 */
import { concatBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { ReadCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import { findCapability } from '../pdu/capability-sets.ts';
import { decodeSetErrorInfo, ErrorInfo } from '../pdu/error-info.ts';
import { FrameBuffer } from '../pdu/frame-buffer.ts';
import { decodeConferenceCreateResponse } from '../pdu/gcc.ts';
import { decodeServerData } from '../pdu/gcc-server-data.ts';
import { decodeConnectResponse } from '../pdu/mcs.ts';
import { decodeMcsPdu, type McsPdu, mcsMessage, sendDataRequest } from '../pdu/mcs-domain.ts';
import {
  type ConnectionConfirm,
  decodeConnectionConfirm,
  encodeConnectionRequest,
  SecurityProtocol,
} from '../pdu/nego.ts';
import { decodeEnhancedRedirection } from '../pdu/server-redirection.ts';
import {
  beginsShareControl,
  decodeDemandActive,
  decodeShareControlPdus,
  decodeShareData,
  type ShareControlPdu,
  ShareControlType,
  ShareDataType,
} from '../pdu/share.ts';
import { decodeStatusInfo } from '../pdu/status-info.ts';
import { frameKind } from '../pdu/tpkt.ts';
import { decodeX224, refusalReason } from '../pdu/x224.ts';
import type { TlsPeer } from '../security/certificate.ts';
import { CredSspClient } from '../security/credssp-client.ts';
import { GeneralExtraFlags } from './capability-flags.ts';
import { activationMessages } from './client-activation.ts';
import { activateShare } from './client-capabilities.ts';
import { attached, channelsToJoin, confirmJoin } from './client-channels.ts';
import { closedIn, failureIn } from './client-failures.ts';
import { clientInfoMessage, connectInitialMessage, credSspSettings, encryptionMethods } from './client-settings.ts';
import { FIND_SIZE, type Joined, joinedOf, type ShareState, type State, type StateOf } from './client-state.ts';
import { ConnectError } from './connect-error.ts';
import { EarlyFrames } from './early-frames.ts';
import { LicenseExchange, licenseBody } from './license-exchange.ts';
import { MessageChannel } from './message-channel.ts';
import {
  checkRequestedProtocols,
  requestedProtocols,
  requestFlags,
  selectedProtocol,
  takesExtendedClientData,
  wantsLegacyAnew,
} from './negotiation.ts';
import { answerRdstlsCapabilities, checkRdstlsResponse } from './rdstls-client.ts';
import { type Redirection, redirectionOf } from './redirection.ts';
import { autoReconnectCookie, checkServerSecurity, commenceSecurity } from './security-exchange.ts';
import type { ClientConfig, ConnectionPhase, ConnectorOutput } from './types.ts';

/** Bytes of active-stage frames kept until the sequence is over: a few full-screen updates, no more. */
const MAX_EARLY_BYTES = 16 * 1024 * 1024;

/** [MS-RDPBCGR] 2.2.10.2. */
const AUTHZ_SUCCESS = 0;

/**
 * Feed it what the server sends, do what comes out in order. Throws `ConnectError` when the connection cannot be made
 * and `DecodeError` when the server breaks the protocol; after either, only `explainClose` may still be called.
 */
export class ClientConnector {
  readonly #config: ClientConfig;
  readonly #crypto: CryptoProvider;
  readonly #frames = new FrameBuffer();
  readonly #messageChannel = new MessageChannel();
  #state: State = { name: 'start' };
  #confirm: ConnectionConfirm = { kind: 'none' };
  #errorInfo: number = ErrorInfo.none;
  #credSspVersion: number | undefined;
  readonly #early = new EarlyFrames(MAX_EARLY_BYTES);

  constructor(config: ClientConfig, crypto: CryptoProvider) {
    this.#config = config;
    this.#crypto = crypto;
  }

  /** For logs and tests. */
  get stateName(): State['name'] {
    return this.#state.name;
  }

  start(): ConnectorOutput[] {
    if (this.#state.name !== 'start') throw new UsageError('the connector was started before');
    const negotiation = { flags: requestFlags(this.#config), protocols: requestedProtocols(this.#config) };
    const { routing } = this.#config;
    this.#state = { name: 'connection-initiation' };
    return [
      phase('negotiating'),
      send(encodeConnectionRequest({ ...(routing !== undefined && { routing }), negotiation })),
    ];
  }

  /**
   * The TLS handshake is done and the certificate is trusted.
   * @param now milliseconds since the epoch
   */
  tlsEstablished(peer: TlsPeer, now: number): ConnectorOutput[] {
    const state = this.#state;
    if (state.name !== 'security-upgrade') throw new UsageError(`TLS was established in ${state.name}`);
    if (state.protocol === SecurityProtocol.ssl) return this.#exchangeBasicSettings(state.protocol);
    if (state.protocol === SecurityProtocol.rdstls) {
      this.#state = { name: 'rdstls-capabilities' };
      return [phase('authenticating')];
    }
    const credssp = new CredSspClient(credSspSettings(this.#config), this.#crypto, now, peer);
    this.#state = { name: 'credssp', protocol: state.protocol, credssp };
    return [phase('authenticating'), sendAlone(credssp.start())];
  }

  /** @param now milliseconds since the epoch */
  receive(bytes: Uint8Array, now: number): ConnectorOutput[] {
    const { name } = this.#state;
    if (name === 'start' || name === 'connected' || name === 'failed') throw new UsageError(`bytes came in ${name}`);
    const outputs: ConnectorOutput[] = [];
    this.#frames.push(bytes);
    try {
      for (;;) {
        const frame = this.#nextFrame();
        if (frame === undefined) break;
        this.#step(frame, now, outputs);
      }
      this.#reportConnected(outputs);
    } catch (error) {
      const failedIn = this.#state.name;
      this.#fail();
      throw failureIn(failedIn, error);
    }
    return outputs;
  }

  /** The transport ended before the sequence did: what that means, here. */
  explainClose(): ConnectError {
    return closedIn(this.#state.name) ?? this.#silentlyClosed();
  }

  #nextFrame(): Uint8Array | undefined {
    return this.#frames.take(FIND_SIZE[this.#state.name]);
  }

  #step(frame: Uint8Array, now: number, out: ConnectorOutput[]): void {
    const state = this.#state;
    switch (state.name) {
      case 'connection-initiation':
        this.#confirmed(frame, out);
        return;
      case 'credssp':
        this.#authenticate(state, frame, out);
        return;
      case 'rdstls-capabilities':
        this.#requestRdstls(frame, out);
        return;
      case 'rdstls-response':
        checkRdstlsResponse(frame);
        out.push(...this.#exchangeBasicSettings(SecurityProtocol.rdstls));
        return;
      case 'early-user-authorization':
        this.#authorized(state, frame, out);
        return;
      case 'basic-settings-exchange':
        this.#settled(state, frame, out);
        return;
      case 'attach-user':
        this.#attached(state, this.#domainPdu(frame), out);
        return;
      case 'channel-join':
        this.#channelJoined(state, this.#domainPdu(frame), out);
        return;
      case 'licensing':
      case 'capabilities-exchange':
      case 'connection-finalization':
        this.#shareFrame(state, frame, now, out);
        return;
      default:
        throw new DecodeError(
          'unexpected_message',
          'connection sequence',
          state.name,
          0,
          'the server spoke out of turn',
        );
    }
  }

  #confirmed(frame: Uint8Array, out: ConnectorOutput[]): void {
    const refusal = refusalReason(frame);
    if (refusal !== undefined) throw this.#serverClosed(`the server refused the connection with reason ${refusal}`);
    const confirm = decodeConnectionConfirm(frame);
    if (wantsLegacyAnew(confirm, this.#config)) {
      this.#redirect({ hosts: [], changes: { legacySecurity: 'required' } }, out);
      return;
    }
    this.#confirm = confirm;
    const protocol = selectedProtocol(confirm, this.#config);
    if (protocol === SecurityProtocol.rdp) {
      out.push(...this.#exchangeBasicSettings(protocol));
      return;
    }
    if (this.#frames.length > 0) {
      // The server never speaks first in TLS: whoever sent these wants them taken for what TLS protects.
      throw new ConnectError('tls_refused', 'bytes came in the clear before the tls handshake');
    }
    this.#state = { name: 'security-upgrade', protocol };
    out.push(phase('securing'), { kind: 'start-tls' });
  }

  #authenticate(state: StateOf<'credssp'>, frame: Uint8Array, out: ConnectorOutput[]): void {
    const { protocol, credssp } = state;
    const step = credssp.receive(frame);
    if (step.send !== undefined) out.push(sendAlone(step.send));
    if (!step.done) return;
    this.#credSspVersion = credssp.negotiatedVersion;
    if (protocol === SecurityProtocol.hybridEx) this.#state = { name: 'early-user-authorization', protocol };
    else out.push(...this.#exchangeBasicSettings(protocol));
  }

  #requestRdstls(frame: Uint8Array, out: ConnectorOutput[]): void {
    const request = this.#config.redirected?.rdstls;
    if (request === undefined) throw new UsageError('RDSTLS without what a redirection brings');
    out.push(send(answerRdstlsCapabilities(frame, request)));
    this.#state = { name: 'rdstls-response' };
  }

  #authorized(state: StateOf<'early-user-authorization'>, frame: Uint8Array, out: ConnectorOutput[]): void {
    const result = new ReadCursor(frame, 'EARLY_USER_AUTH_RESULT_PDU').u32('authorizationResult');
    if (result !== AUTHZ_SUCCESS) {
      throw new ConnectError('account_restricted', 'the account may not log on by remote desktop', {
        reason: 'logon_type_not_granted',
      });
    }
    out.push(...this.#exchangeBasicSettings(state.protocol));
  }

  #exchangeBasicSettings(protocol: number): ConnectorOutput[] {
    this.#state = { name: 'basic-settings-exchange', protocol };
    return [
      phase('settings'),
      send(connectInitialMessage(this.#config, protocol, takesExtendedClientData(this.#confirm))),
    ];
  }

  #settled(state: StateOf<'basic-settings-exchange'>, frame: Uint8Array, out: ConnectorOutput[]): void {
    const response = decodeConnectResponse(this.#dataCursor(frame, 'MCS Connect Response'));
    if (response.result !== 0 || response.domain === undefined) {
      throw this.#serverClosed(`the server refused mcs with result ${response.result}`);
    }
    const conference = new ReadCursor(response.domain.userData, 'GCC Conference Create Response');
    const serverData = decodeServerData(decodeConferenceCreateResponse(conference));
    checkRequestedProtocols(serverData.core, this.#confirm, this.#config);
    checkServerSecurity(serverData.security, encryptionMethods(this.#config, state.protocol));
    this.#state = { name: 'attach-user', protocol: state.protocol, serverData };
    out.push(
      phase('channels'),
      send(mcsMessage({ kind: 'erectDomainRequest', subHeight: 0, subInterval: 0 })),
      send(mcsMessage({ kind: 'attachUserRequest' })),
    );
  }

  #attached(state: StateOf<'attach-user'>, pdu: McsPdu, out: ConnectorOutput[]): void {
    if (pdu.kind !== 'attachUserConfirm') throw unexpected(pdu, 'Attach User Confirm');
    if (pdu.result !== 0 || pdu.initiator === undefined) {
      throw this.#serverClosed(`the server refused to attach a user with ${pdu.result}`);
    }
    const joined = attached(this.#config, state, pdu.initiator);
    const ids = channelsToJoin(joined);
    if (ids.length === 0) {
      this.#commenceSecurity(joined, out);
      return;
    }
    this.#state = { name: 'channel-join', joined, awaited: new Set(ids) };
    // One at a time: some servers answer only the first of several requests that come in one read.
    out.push(joinRequest(joined.userId, joined.userId));
  }

  #channelJoined(state: StateOf<'channel-join'>, pdu: McsPdu, out: ConnectorOutput[]): void {
    if (pdu.kind !== 'channelJoinConfirm') throw unexpected(pdu, 'Channel Join Confirm');
    const { joined, awaited, refused } = confirmJoin(state, pdu);
    if (refused !== undefined) throw this.#serverClosed(`the server refused channel ${refused} with ${pdu.result}`);
    const [next] = awaited;
    if (next === undefined) {
      this.#commenceSecurity(joined, out);
      return;
    }
    this.#state = { name: 'channel-join', joined, awaited };
    out.push(joinRequest(joined.userId, next));
  }

  #commenceSecurity(joined: Joined, out: ConnectorOutput[]): void {
    const { serverData, ioChannelId, messageChannelId } = joined;
    const channels = { ioChannelId, ...(messageChannelId !== undefined && { messageChannelId }) };
    const security = commenceSecurity(serverData.security, channels, this.#crypto);
    if (security === undefined) {
      this.#sendClientInfo(joined, out);
      return;
    }
    out.push(this.#sendIo(joined, security.exchange));
    this.#sendClientInfo({ ...joined, security }, out);
  }

  #sendClientInfo(joined: Joined, out: ConnectorOutput[]): void {
    const { serverCertificate } = joined.serverData.security;
    const { username: userName, clientName: machineName, hardwareId } = this.#config;
    const exchange = new LicenseExchange(
      {
        ...{ userName, machineName },
        ...(hardwareId !== undefined && { hardwareId }),
        ...(serverCertificate !== undefined && { serverCertificate }),
      },
      this.#crypto,
    );
    this.#state = { name: 'licensing', joined, exchange };
    const { autoReconnect } = this.#config;
    const cookie = autoReconnect && autoReconnectCookie(this.#crypto, autoReconnect, joined.security?.clientRandom);
    out.push(phase('licensing'), this.#sendIo(joined, clientInfoMessage(this.#config, joined.protocol, cookie)));
  }

  /** From Client Info on: licensing, then share PDUs on the I/O channel, and what other channels have to say. */
  #shareFrame(state: ShareState, received: Uint8Array, now: number, out: ConnectorOutput[]): void {
    const frame = state.joined.security?.frames.open(received) ?? received;
    if (frameKind(frame[0] ?? 0) === 'fast-path') {
      this.#early.keep(frame);
      return;
    }
    const pdu = this.#domainPdu(frame);
    if (pdu.kind !== 'sendDataIndication') throw unexpected(pdu, 'MCS Send Data Indication');
    const { userId, ioChannelId, messageChannelId } = state.joined;
    if (pdu.channelId === messageChannelId) {
      const answer = this.#messageChannel.receive(pdu.userData, now);
      if (answer !== undefined) out.push(this.#send(state.joined, sendDataRequest(userId, messageChannelId, answer)));
      return;
    }
    if (pdu.channelId !== ioChannelId) {
      this.#early.keep(frame);
      return;
    }
    // Some servers send empty Send Data Indications to keep the connection alive.
    if (pdu.userData.length === 0) return;
    // A server may redirect, or say what is wrong, before it comes to licensing; that has no security header.
    if (state.name === 'licensing' && !beginsShareControl(pdu.userData)) {
      this.#license(state, pdu.userData, out);
      return;
    }
    let active = false;
    for (const share of decodeShareControlPdus(pdu.userData)) {
      active = this.#sharePdu(share, out) || active;
      if (this.stateName === 'failed') return;
    }
    // A frame for the active stage is kept whole; what we understood in it, the active stage passes over.
    if (active) this.#early.keep(frame);
  }

  #license(state: StateOf<'licensing'>, userData: Uint8Array, out: ConnectorOutput[]): void {
    const step = state.exchange.receive(licenseBody(userData));
    if (step.send !== undefined) out.push(this.#sendIo(state.joined, step.send));
    if (!step.done) return;
    this.#state = { name: 'capabilities-exchange', joined: state.joined };
    out.push(phase('capabilities'));
  }

  /** Returns whether the PDU is for the active stage. */
  #sharePdu(pdu: ShareControlPdu, out: ConnectorOutput[]): boolean {
    const state = this.#state;
    switch (pdu.type) {
      case ShareControlType.demandActive:
        // A server may change its mind before the finalization is over (another size, a reconnected session).
        if (state.name === 'connected') return true;
        this.#activate(joinedOf(state), pdu, out);
        return false;
      case ShareControlType.deactivateAll:
        if (state.name === 'connected') return true;
        this.#state = { name: 'capabilities-exchange', joined: joinedOf(state) };
        this.#early.dropPictures();
        return false;
      case ShareControlType.data:
        return this.#shareData(pdu.body, out);
      case ShareControlType.serverRedirect:
        this.#redirectTo(pdu.body, out);
        return false;
      default:
        return false;
    }
  }

  #shareData(body: Uint8Array, out: ConnectorOutput[]): boolean {
    const data = decodeShareData(new ReadCursor(body, 'TS_SHAREDATAHEADER'));
    const state = this.#state;
    switch (data.type) {
      case ShareDataType.setErrorInfo:
        this.#errorInfo = decodeSetErrorInfo(new ReadCursor(data.body, 'TS_SET_ERROR_INFO_PDU')).errorInfo;
        return state.name === 'connected';
      case ShareDataType.statusInfo:
        if (state.name === 'connected') return true;
        out.push({ kind: 'status', ...decodeStatusInfo(new ReadCursor(data.body, 'TS_STATUS_INFO_PDU')) });
        return false;
      case ShareDataType.synchronize:
      case ShareDataType.control:
        return false;
      case ShareDataType.fontMap:
        if (state.name !== 'connection-finalization') return state.name === 'connected';
        this.#finish(state);
        return false;
      default:
        return true;
    }
  }

  #redirectTo(body: Uint8Array, out: ConnectorOutput[]): void {
    const packet = decodeEnhancedRedirection(new ReadCursor(body, 'RDP_SERVER_REDIRECTION_PACKET'));
    const redirection = redirectionOf(packet);
    if (redirection !== undefined) this.#redirect(redirection, out);
  }

  #redirect(redirection: Redirection, out: ConnectorOutput[]): void {
    this.#fail();
    out.push({ kind: 'redirect', redirection });
  }

  #activate(joined: Joined, pdu: ShareControlPdu, out: ConnectorOutput[]): void {
    const demand = decodeDemandActive(new ReadCursor(pdu.body, 'TS_DEMAND_ACTIVE_PDU'));
    const { confirmActive, share } = activateShare(demand, this.#config);
    this.#state = { name: 'connection-finalization', joined, share };
    const general = findCapability(share.serverCapabilities, 'general');
    const isSalted = ((general?.extraFlags ?? 0) & GeneralExtraFlags.encryptedSaltedChecksum) !== 0;
    if (isSalted) joined.security?.frames.useSaltedMac();
    const messages = activationMessages(joined.userId, share.shareId, confirmActive);
    out.push(phase('finalizing'), ...messages.map((message) => this.#sendIo(joined, message)));
  }

  #finish(state: StateOf<'connection-finalization'>): void {
    const { joined, share } = state;
    const { messageChannelId, security: _security, ...others } = joined;
    const message =
      messageChannelId === undefined ? {} : { messageChannel: { id: messageChannelId, channel: this.#messageChannel } };
    const version = this.#credSspVersion === undefined ? {} : { credSspVersion: this.#credSspVersion };
    const result = { ...others, ...message, ...version, ...this.#told(), share };
    this.#state = { name: 'connected', result, security: joined.security?.frames };
  }

  /** Only when all that came is sorted: what is left over belongs to the active stage. */
  #reportConnected(out: ConnectorOutput[]): void {
    if (this.#state.name !== 'connected') return;
    const { result, security: frames } = this.#state;
    const rest = this.#frames.takeRest();
    const early = this.#early.take();
    const pending = frames === undefined ? [...early, rest] : early;
    const security = frames === undefined ? {} : { security: { frames, sealed: rest } };
    out.push({ kind: 'connected', result: { ...result, ...security, pending: concatBytes(...pending) } });
  }

  #fail(): void {
    if (this.#state.name === 'credssp') this.#state.credssp.wipe();
    this.#state = { name: 'failed' };
    this.#early.take();
  }

  #sendIo(joined: Joined, userData: Uint8Array): ConnectorOutput {
    return this.#send(joined, sendDataRequest(joined.userId, joined.ioChannelId, userData));
  }

  #send({ security }: Joined, frame: Uint8Array): ConnectorOutput {
    return send(security?.frames.seal(frame) ?? frame);
  }

  #dataCursor(frame: Uint8Array, context: string): ReadCursor {
    const message = decodeX224(frame);
    if (message.kind === 'disconnect') throw this.#serverClosed(`the server's transport ended with ${message.reason}`);
    return new ReadCursor(message.cursor.rest(), context);
  }

  #domainPdu(frame: Uint8Array): McsPdu {
    const pdu = decodeMcsPdu(this.#dataCursor(frame, 'DomainMCSPDU'));
    if (pdu.kind !== 'disconnectProviderUltimatum') return pdu;
    throw this.#serverClosed(`the server ended the connection with reason ${pdu.reason}`);
  }

  #serverClosed(message: string): ConnectError {
    return new ConnectError('server_closed', message, this.#told());
  }

  /** The transport ended, and a server that had to say something would have said it before. */
  #silentlyClosed(): ConnectError {
    return new ConnectError(
      this.#errorInfo === ErrorInfo.none ? 'closed_silently' : 'server_closed',
      'the server closed the connection',
      this.#told(),
    );
  }

  #told(): { readonly errorInfo?: number } {
    return this.#errorInfo === ErrorInfo.none ? {} : { errorInfo: this.#errorInfo };
  }
}

function phase(name: ConnectionPhase): ConnectorOutput {
  return { kind: 'phase', phase: name };
}

function send(bytes: Uint8Array): ConnectorOutput {
  return { kind: 'send', bytes };
}

/** [MS-CSSP] 2.2.1, note 8: Windows takes what a TLS record holds for one whole TSRequest. */
function sendAlone(bytes: Uint8Array): ConnectorOutput {
  return { kind: 'send', bytes, alone: true };
}

function joinRequest(initiator: number, channelId: number): ConnectorOutput {
  return send(mcsMessage({ kind: 'channelJoinRequest', initiator, channelId }));
}

function unexpected(pdu: McsPdu, wanted: string): DecodeError {
  return new DecodeError('unexpected_message', wanted, 'DomainMCSPDU', 0, `${pdu.kind} came instead`);
}
