/**
 * The server's side of the connection sequence ([MS-RDPBCGR] 1.3.1.1), sans-IO: the mirror image of
 * client-connector.ts. All transitions are in this file.
 */
import { concatBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import { findCapability } from '../pdu/capability-sets.ts';
import { decodeClientInfo } from '../pdu/client-info.ts';
import { ErrorInfo, encodeSetErrorInfo } from '../pdu/error-info.ts';
import { encodeSynchronize } from '../pdu/finalization.ts';
import { FrameBuffer } from '../pdu/frame-buffer.ts';
import { decodeConferenceCreateRequest } from '../pdu/gcc.ts';
import { type ClientData, decodeClientData } from '../pdu/gcc-client-data.ts';
import { VALID_CLIENT_ALERT } from '../pdu/licensing.ts';
import { decodeConnectInitial } from '../pdu/mcs.ts';
import { DisconnectReason, decodeMcsPdu, type McsPdu, mcsMessage, sendDataIndication } from '../pdu/mcs-domain.ts';
import { decodeConnectionRequest, encodeConnectionConfirm, SecurityProtocol } from '../pdu/nego.ts';
import {
  decodeRdstlsRequest,
  encodeRdstlsCapabilities,
  encodeRdstlsResponse,
  RDSTLS_VERSION,
  RdstlsResult,
} from '../pdu/rdstls.ts';
import { decodeBasicSecurityHeader, SecurityFlags } from '../pdu/security-header.ts';
import {
  decodeConfirmActive,
  decodeShareControlPdus,
  decodeShareData,
  encodeDemandActive,
  SERVER_CHANNEL_ID,
  type ShareControlPdu,
  ShareControlType,
  ShareDataType,
  shareControlMessage,
  shareDataMessage,
  sizeOfDemandActive,
} from '../pdu/share.ts';
import { frameKind } from '../pdu/tpkt.ts';
import { decodeX224 } from '../pdu/x224.ts';
import type { TlsPeer } from '../security/certificate.ts';
import { CredSspServer } from '../security/credssp-server.ts';
import { GeneralExtraFlags } from './capability-flags.ts';
import { EarlyFrames } from './early-frames.ts';
import { licenseUserData } from './license-exchange.ts';
import { NetworkDetection } from './network-detection.ts';
import { acceptSecurityExchange, offerSecurity, type ServerCommencement } from './security-exchange.ts';
import { agreeShare, demandActive, requestedDesktop } from './server-capabilities.ts';
import { finalizationAnswer } from './server-finalization.ts';
import { chooseProtocol } from './server-negotiation.ts';
import {
  connectResponseMessage,
  IO_CHANNEL_ID,
  isDetectable,
  isEncrypted,
  RT_SUCCESSFUL,
  takesErrorInfo,
} from './server-settings.ts';
import { FIND_SIZE, type Joined, type Secured, type Settled, type State, type StateOf } from './server-state.ts';
import type { AcceptedConnection, AcceptorOutput, Logon, RefusalReason, ServerConfig } from './server-types.ts';

/** Static channels follow the I/O channel, the user's own channel follows them. */
const FIRST_STATIC_CHANNEL_ID = IO_CHANNEL_ID + 1;

const SHARE_ID = 0x000103ea;

/** [T125] section 7 Result: the one for every failure ([MS-RDPBCGR] 3.3.5.3.9). */
const RT_UNSPECIFIED_FAILURE = 14;

/** What a client may send before it is let in is small; this bounds it. */
const MAX_EARLY_BYTES = 1024 * 1024;

/** [MS-RDPBCGR] 3.3.5.3.3: the GCC Conference Create Request of an extended client. */
const MAX_SETTINGS_BYTES = 4096;

/** [MS-RDPBCGR] 2.2.10.2 AUTHZ_SUCCESS. */
const EARLY_USER_AUTHORIZED = new Uint8Array(4);

/** Feed it what the client sends, do what comes out in order. Throws `DecodeError` when the client breaks the protocol. */
export class ServerAcceptor {
  readonly #config: ServerConfig;
  readonly #crypto: CryptoProvider;
  readonly #frames = new FrameBuffer();
  #state: State = { name: 'connection-initiation' };
  readonly #early = new EarlyFrames(MAX_EARLY_BYTES);

  constructor(config: ServerConfig, crypto: CryptoProvider) {
    this.#config = config;
    this.#crypto = crypto;
  }

  get stateName(): State['name'] {
    return this.#state.name;
  }

  /**
   * The TLS handshake is done.
   * @param own this server's certificate, as the client sees it
   * @param now milliseconds since the epoch
   */
  tlsEstablished(own: TlsPeer, now: number): AcceptorOutput[] {
    const state = this.#state;
    if (state.name !== 'security-upgrade') throw new UsageError(`TLS was established in ${state.name}`);
    const { protocol, requested } = state;
    const { nla, computerName } = this.#config;
    if (protocol === SecurityProtocol.rdstls) {
      this.#state = { name: 'rdstls', requested };
      return [send(encodeRdstlsCapabilities({ supportedVersions: RDSTLS_VERSION }))];
    }
    if (protocol === SecurityProtocol.ssl || nla === undefined) {
      this.#state = { name: 'basic-settings-exchange', secured: { protocol, requested, identity: undefined } };
    } else {
      const credssp = new CredSspServer({ lookup: nla.lookup, computerName }, this.#crypto, now, own);
      this.#state = { name: 'credssp', protocol, requested, credssp };
    }
    return [];
  }

  /** @param now milliseconds since the epoch */
  receive(bytes: Uint8Array, now: number): AcceptorOutput[] {
    const { name } = this.#state;
    if (name === 'connected' || name === 'over') throw new UsageError(`bytes came in ${name}`);
    const outputs: AcceptorOutput[] = [];
    this.#frames.push(bytes);
    try {
      for (;;) {
        const frame = this.#frames.take(FIND_SIZE[this.#state.name]);
        if (frame === undefined) break;
        this.#step(frame, now, outputs);
      }
      this.#reportConnected(outputs);
    } catch (error) {
      this.#state = { name: 'over' };
      throw error;
    }
    return outputs;
  }

  /** Time has passed: a client that does not answer what it said it would is let in all the same. */
  tick(now: number): AcceptorOutput[] {
    const state = this.#state;
    if (state.name !== 'connect-time-auto-detection') return [];
    const { settled, clientInfo } = state;
    const { detection } = settled.messageChannel;
    const outputs: AcceptorOutput[] = [];
    detection.expire(now);
    if (!detection.waiting) this.#admit(settled, clientInfo, outputs);
    return outputs;
  }

  #step(frame: Uint8Array, now: number, out: AcceptorOutput[]): void {
    const state = this.#state;
    switch (state.name) {
      case 'connection-initiation':
        this.#initiate(frame, out);
        return;
      case 'credssp':
        this.#authenticate(state, frame, out);
        return;
      case 'rdstls':
        this.#takeRdstls(state, frame, out);
        return;
      case 'basic-settings-exchange':
        this.#settle(state.secured, frame, out);
        return;
      case 'channel-connection':
        this.#connectChannel(state, frame, now, out);
        return;
      case 'connect-time-auto-detection':
        this.#detect(state, frame, now, out);
        return;
      case 'capabilities-exchange':
      case 'connection-finalization':
      case 'connected':
        this.#shareFrame(state.joined.settled, frame, out);
        return;
      default:
        throw new DecodeError(
          'unexpected_message',
          'connection sequence',
          state.name,
          0,
          'the client spoke out of turn',
        );
    }
  }

  #initiate(frame: Uint8Array, out: AcceptorOutput[]): void {
    const { negotiation } = decodeConnectionRequest(frame);
    const requested = negotiation?.protocols ?? SecurityProtocol.rdp;
    const confirm = chooseProtocol(requested, this.#config);
    // A client that knows of no negotiation hears nothing of it ([MS-RDPBCGR] 3.3.5.3.1).
    if (negotiation !== undefined) out.push(send(encodeConnectionConfirm(confirm)));
    else if (confirm.kind === 'response') out.push(send(encodeConnectionConfirm({ kind: 'none' })));
    if (confirm.kind !== 'response') {
      this.#refuse('security_protocol', out);
      return;
    }
    if (confirm.protocol !== SecurityProtocol.rdp && this.#frames.length > 0) {
      throw new DecodeError('unexpected_message', 'RDP_NEG_REQ', 'end', 0, 'bytes before the TLS handshake');
    }
    if (confirm.protocol === SecurityProtocol.rdp) {
      const secured = { protocol: confirm.protocol, requested, identity: undefined };
      this.#state = { name: 'basic-settings-exchange', secured };
      return;
    }
    this.#state = { name: 'security-upgrade', protocol: confirm.protocol, requested };
    out.push({ kind: 'start-tls' });
  }

  #authenticate(state: StateOf<'credssp'>, frame: Uint8Array, out: AcceptorOutput[]): void {
    const { protocol, requested, credssp } = state;
    const step = credssp.receive(frame);
    if (step.send !== undefined) out.push(send(step.send));
    if (step.error !== undefined) {
      this.#refuse('logon_failed', out, step.error);
      return;
    }
    if (!step.done) return;
    if (protocol === SecurityProtocol.hybridEx) out.push(send(EARLY_USER_AUTHORIZED));
    this.#state = { name: 'basic-settings-exchange', secured: { protocol, requested, identity: credssp.identity } };
  }

  #takeRdstls({ requested }: StateOf<'rdstls'>, frame: Uint8Array, out: AcceptorOutput[]): void {
    const resultCode = this.#config.rdstls?.(decodeRdstlsRequest(frame)) ?? RdstlsResult.accessDenied;
    out.push(send(encodeRdstlsResponse({ resultCode })));
    if (resultCode !== RdstlsResult.success) {
      this.#refuse('logon_failed', out);
      return;
    }
    const secured = { protocol: SecurityProtocol.rdstls, requested, identity: undefined };
    this.#state = { name: 'basic-settings-exchange', secured };
  }

  #settle(secured: Secured, frame: Uint8Array, out: AcceptorOutput[]): void {
    const message = decodeX224(frame);
    if (message.kind === 'disconnect') {
      this.#refuse('client_closed', out);
      return;
    }
    const initial = decodeConnectInitial(new ReadCursor(message.cursor.rest(), 'MCS Connect Initial'));
    if (initial.userData.length > MAX_SETTINGS_BYTES) {
      throw new DecodeError('limit_exceeded', 'MCS Connect Initial', 'userData', 0, `${initial.userData.length} bytes`);
    }
    const conference = new ReadCursor(initial.userData, 'GCC Conference Create Request');
    const clientData = decodeClientData(decodeConferenceCreateRequest(conference));
    const { serverSelectedProtocol = secured.protocol } = clientData.core;
    if (serverSelectedProtocol !== secured.protocol) {
      const heard = `the client heard of protocol ${serverSelectedProtocol}`;
      throw new DecodeError('invalid_value', 'TS_UD_CS_CORE', 'serverSelectedProtocol', 0, heard);
    }
    const asked = clientData.channels ?? [];
    const channels = asked.map((channel, i) => ({ ...channel, id: FIRST_STATIC_CHANNEL_ID + i }));
    const userId = FIRST_STATIC_CHANNEL_ID + channels.length;
    const commencement = this.#offerSecurity(secured, clientData);
    if (commencement === 'refused') {
      this.#refuse('security_protocol', out);
      return;
    }
    const messageChannel =
      this.#config.autoDetect === true && isDetectable(clientData)
        ? { id: userId + 1, detection: new NetworkDetection() }
        : undefined;
    const settled = {
      ...{ secured, clientData, userId, channels },
      ...(messageChannel !== undefined && { messageChannel }),
      ...(commencement !== undefined && { commencement }),
    };
    this.#state = { name: 'channel-connection', settled, attached: false, joined: [] };
    out.push(send(connectResponseMessage(initial, settled)));
  }

  #offerSecurity(secured: Secured, { security }: ClientData): ServerCommencement | 'refused' | undefined {
    const { legacy } = this.#config;
    if (secured.protocol !== SecurityProtocol.rdp || legacy === undefined) return undefined;
    const { encryptionMethods = 0, extEncryptionMethods = 0 } = security ?? {};
    // Clients of the French locale have them in the other field ([MS-RDPBCGR] 2.2.1.3.3).
    return offerSecurity(legacy, encryptionMethods || extEncryptionMethods, this.#crypto) ?? 'refused';
  }

  #connectChannel(state: StateOf<'channel-connection'>, frame: Uint8Array, now: number, out: AcceptorOutput[]): void {
    const { settled, attached, joined } = state;
    const pdu = this.#domainPdu(settled.frames?.open(frame) ?? frame, out);
    if (pdu === undefined) return;
    switch (pdu.kind) {
      case 'erectDomainRequest':
        return;
      case 'attachUserRequest':
        this.#state = { ...state, attached: true };
        out.push(send(mcsMessage({ kind: 'attachUserConfirm', result: RT_SUCCESSFUL, initiator: settled.userId })));
        return;
      case 'channelJoinRequest': {
        const { channelId, initiator } = pdu;
        // Whoever joins twice has its answer already ([MS-RDPBCGR] 3.3.5.3.8).
        if (joined.includes(channelId)) return;
        const known = [settled.userId, IO_CHANNEL_ID, ...settled.channels.map((channel) => channel.id)];
        const isKnown = known.includes(channelId) || channelId === settled.messageChannel?.id;
        if (isKnown) this.#state = { ...state, joined: [...joined, channelId] };
        const result = isKnown ? RT_SUCCESSFUL : RT_UNSPECIFIED_FAILURE;
        out.push(send(mcsMessage({ kind: 'channelJoinConfirm', result, initiator, requested: channelId, channelId })));
        return;
      }
      case 'sendDataRequest':
        if (attached && pdu.channelId === IO_CHANNEL_ID) {
          if (isEncrypted(settled.commencement) && settled.frames === undefined) {
            const { messageChannel } = settled;
            const channels = {
              ioChannelId: IO_CHANNEL_ID,
              ...(messageChannel !== undefined && { messageChannelId: messageChannel.id }),
            };
            const frames = acceptSecurityExchange(pdu.userData, settled.commencement, channels, this.#crypto);
            this.#state = { ...state, settled: { ...settled, frames } };
            return;
          }
          this.#logOn(settled, pdu.userData, now, out);
          return;
        }
    }
    throw new DecodeError('unexpected_message', 'DomainMCSPDU', pdu.kind, 0, 'in the channel connection phase');
  }

  #logOn(settled: Settled, userData: Uint8Array, now: number, out: AcceptorOutput[]): void {
    const cursor = new ReadCursor(userData, 'TS_INFO_PACKET');
    const { flags } = decodeBasicSecurityHeader(cursor);
    if (!(flags & SecurityFlags.infoPacket)) {
      throw cursor.error('unexpected_message', 'flags', `0x${flags.toString(16)} instead of a Client Info PDU`);
    }
    const { password, ...clientInfo } = decodeClientInfo(cursor);
    if (!this.#isAllowed(settled, { user: clientInfo.userName, domain: clientInfo.domain, password })) {
      out.push(this.#sendIo(settled, licenseUserData(VALID_CLIENT_ALERT)));
      if (takesErrorInfo(settled.clientData)) {
        const body = encodeSetErrorInfo({ errorInfo: ErrorInfo.freshCredentialsRequired });
        out.push(this.#sendShareData(settled, ShareDataType.setErrorInfo, body));
      }
      out.push(send(mcsMessage({ kind: 'disconnectProviderUltimatum', reason: DisconnectReason.providerInitiated })));
      this.#refuse('logon_failed', out);
      return;
    }
    const { messageChannel } = settled;
    if (messageChannel === undefined) {
      this.#admit(settled, clientInfo, out);
      return;
    }
    this.#state = { name: 'connect-time-auto-detection', settled: { ...settled, messageChannel }, clientInfo };
    out.push(this.#sendOn(messageChannel.id, settled, messageChannel.detection.requestRoundTrip(now, true)));
  }

  /** Who logged on by NLA or RDSTLS is in already. */
  #isAllowed({ secured }: Settled, logon: Logon): boolean {
    if (secured.identity !== undefined || secured.protocol === SecurityProtocol.rdstls) return true;
    const { tls, legacy } = this.#config;
    const authority = secured.protocol === SecurityProtocol.rdp ? legacy : tls;
    return authority?.authenticate(logon) === true;
  }

  /** Round trip, then bandwidth, then what came of them: [MS-RDPBCGR] 1.3.1.1, Optional Connect-Time Auto-Detection. */
  #detect(
    state: StateOf<'connect-time-auto-detection'>,
    received: Uint8Array,
    now: number,
    out: AcceptorOutput[],
  ): void {
    const { settled, clientInfo } = state;
    const { id, detection } = settled.messageChannel;
    const pdu = this.#domainPdu(settled.frames?.open(received) ?? received, out);
    if (pdu === undefined) return;
    if (pdu.kind !== 'sendDataRequest' || pdu.channelId !== id) {
      throw new DecodeError('unexpected_message', 'DomainMCSPDU', pdu.kind, 0, 'in connect-time auto-detection');
    }
    const measured = detection.receive(pdu.userData, now);
    if (measured === undefined) return;
    const next = measured.kind === 'round-trip' ? detection.measureConnecting(now) : [detection.report()];
    for (const message of next) if (message !== undefined) out.push(this.#sendOn(id, settled, message));
    if (!detection.waiting) this.#admit(settled, clientInfo, out);
  }

  #admit(settled: Settled, clientInfo: Joined['clientInfo'], out: AcceptorOutput[]): void {
    out.push(this.#sendIo(settled, licenseUserData(VALID_CLIENT_ALERT)));
    this.#demand({ settled, clientInfo, demanded: requestedDesktop(settled.clientData.core, this.#config.fit) }, out);
  }

  #demand(joined: Joined, out: AcceptorOutput[]): void {
    const { width, height, colorDepth } = joined.demanded;
    const demand = demandActive(SHARE_ID, width, height, colorDepth);
    const cursor = new WriteCursor(sizeOfDemandActive(demand));
    encodeDemandActive(demand, cursor);
    this.#state = { name: 'capabilities-exchange', joined };
    out.push(
      this.#sendIo(
        joined.settled,
        shareControlMessage(ShareControlType.demandActive, SERVER_CHANNEL_ID, cursor.finish()),
      ),
    );
  }

  #shareFrame(settled: Settled, received: Uint8Array, out: AcceptorOutput[]): void {
    const frame = settled.frames?.open(received) ?? received;
    if (frameKind(frame[0] ?? 0) === 'fast-path') {
      this.#early.keep(frame);
      return;
    }
    const pdu = this.#domainPdu(frame, out);
    if (pdu === undefined) return;
    if (pdu.kind !== 'sendDataRequest') {
      throw new DecodeError('unexpected_message', 'DomainMCSPDU', pdu.kind, 0, 'after the channel connection phase');
    }
    if (pdu.channelId !== IO_CHANNEL_ID) {
      this.#early.keep(frame);
      return;
    }
    if (pdu.userData.length === 0) return;
    let active = false;
    for (const share of decodeShareControlPdus(pdu.userData)) active = this.#sharePdu(share, settled, out) || active;
    if (active) this.#early.keep(frame);
  }

  /** Returns whether the PDU is for the active stage. */
  #sharePdu(pdu: ShareControlPdu, settled: Settled, out: AcceptorOutput[]): boolean {
    const state = this.#state;
    if (pdu.type === ShareControlType.confirmActive && state.name === 'capabilities-exchange') {
      const { joined } = state;
      const confirm = decodeConfirmActive(new ReadCursor(pdu.body, 'TS_CONFIRM_ACTIVE_PDU'));
      const agreed = agreeShare(confirm, joined.demanded);
      const general = findCapability(agreed.clientCapabilities, 'general');
      const isSalted = ((general?.extraFlags ?? 0) & GeneralExtraFlags.encryptedSaltedChecksum) !== 0;
      if (isSalted) settled.frames?.useSaltedMac();
      this.#state = { name: 'connection-finalization', joined, agreed };
      out.push(this.#sendShareData(settled, ShareDataType.synchronize, encodeSynchronize({ targetUser: 0 })));
      return false;
    }
    if (pdu.type !== ShareControlType.data || state.name !== 'connection-finalization') return true;
    const { type, body } = decodeShareData(new ReadCursor(pdu.body, 'TS_SHAREDATAHEADER'));
    const answer = finalizationAnswer(type, body, settled.userId);
    if (answer === 'unknown') return true;
    if (answer !== undefined) out.push(this.#sendShareData(settled, answer.type, answer.body));
    if (type === ShareDataType.fontList) this.#state = { ...state, name: 'connected' };
    return false;
  }

  /** Only when all that came is sorted: what is left over belongs to the active stage. */
  #reportConnected(out: AcceptorOutput[]): void {
    if (this.#state.name !== 'connected') return;
    const { joined, agreed } = this.#state;
    const { secured, commencement: _commencement, frames, ...settled } = joined.settled;
    const rest = this.#frames.takeRest();
    const result: AcceptedConnection = {
      ...settled,
      protocol: secured.protocol,
      identity: secured.identity,
      ioChannelId: IO_CHANNEL_ID,
      clientInfo: joined.clientInfo,
      ...agreed,
      ...(frames !== undefined && { security: { frames, sealed: rest } }),
      pending: concatBytes(...this.#early.take(), ...(frames === undefined ? [rest] : [])),
    };
    out.push({ kind: 'connected', result });
  }

  /** `undefined`: the client left. */
  #domainPdu(frame: Uint8Array, out: AcceptorOutput[]): McsPdu | undefined {
    const message = decodeX224(frame);
    const pdu = message.kind === 'data' ? decodeMcsPdu(message.cursor) : undefined;
    if (pdu !== undefined && pdu.kind !== 'disconnectProviderUltimatum') return pdu;
    this.#refuse('client_closed', out);
    return undefined;
  }

  #refuse(reason: RefusalReason, out: AcceptorOutput[], error?: Error): void {
    this.#state = { name: 'over' };
    this.#early.take();
    out.push({ kind: 'refused', reason, ...(error !== undefined && { error }) });
  }

  #sendShareData(settled: Settled, type: number, body: Uint8Array): AcceptorOutput {
    return this.#sendIo(settled, shareDataMessage(type, SHARE_ID, SERVER_CHANNEL_ID, body));
  }

  #sendIo(settled: Settled, userData: Uint8Array): AcceptorOutput {
    return this.#sendOn(IO_CHANNEL_ID, settled, userData);
  }

  #sendOn(channelId: number, { frames }: Settled, userData: Uint8Array): AcceptorOutput {
    const frame = sendDataIndication(channelId, userData);
    return send(frames?.seal(frame) ?? frame);
  }
}

function send(bytes: Uint8Array): AcceptorOutput {
  return { kind: 'send', bytes };
}
