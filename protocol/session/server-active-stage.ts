import type { ClipboardAction } from '../channels/cliprdr/clipboard-channel.ts';
import type { SentGfxPdu } from '../channels/rdpgfx/server-graphics.ts';
import type { NetworkDetection, NetworkMeasurement } from '../connector/network-detection.ts';
import type { ServerShare } from '../connector/server-types.ts';
import type { JoinedChannel } from '../connector/types.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import { ErrorInfo, encodeSetErrorInfo } from '../pdu/error-info.ts';
import { encodeFragmentedUpdate } from '../pdu/fast-path.ts';
import { decodeFastPathInput } from '../pdu/fast-path-input.ts';
import { ControlAction, decodeControl, encodeControl, encodeFontMap, encodeSynchronize } from '../pdu/finalization.ts';
import { decodeSlowPathInput, type InputEvent } from '../pdu/input.ts';
import { DisconnectReason, decodeMcsPdu, mcsMessage, sendDataIndication } from '../pdu/mcs-domain.ts';
import { encodeLogonInfoExtended, encodePlainNotify } from '../pdu/save-session-info.ts';
import { encodeEnhancedRedirection, type ServerRedirection } from '../pdu/server-redirection.ts';
import {
  decodeFrameAcknowledge,
  decodeRefreshRect,
  decodeSuppressOutput,
  type InclusiveRect,
} from '../pdu/session-control.ts';
import {
  type ConfirmActive,
  type DemandActive,
  decodeConfirmActive,
  decodeShareControlPdus,
  decodeShareData,
  encodeDeactivateAll,
  encodeDemandActive,
  SERVER_CHANNEL_ID,
  ShareControlType,
  type ShareDataPdu,
  ShareDataType,
  shareControlMessage,
  shareDataMessage,
  sizeOfDemandActive,
} from '../pdu/share.ts';
import { frameKind } from '../pdu/tpkt.ts';
import { decodeX224 } from '../pdu/x224.ts';
import { type ServerChannelOutput, ServerChannels } from './server-channels.ts';

export interface ServerActiveStageOptions {
  /** The client's MCS user id. */
  readonly userId: number;
  readonly ioChannelId: number;
  readonly share: ServerShare;
  /** Static virtual channels that the client joined; none unless given. */
  readonly channels?: readonly JoinedChannel[];
  /** As in `ServerConfig`. */
  readonly compressesGraphics?: boolean;
  /** Whether the client takes Set Error Info PDUs; not unless given. */
  readonly errorInfo?: boolean;
  /** Where the network is measured; nowhere unless given. */
  readonly messageChannel?: { readonly id: number; readonly detection: NetworkDetection };
  /** What a Demand Active for this desktop size says. */
  readonly demand: (shareId: number, width: number, height: number) => DemandActive;
  /** What the client's answer means. Throws `DecodeError` or `UnsupportedError`. */
  readonly agree: (confirm: ConfirmActive, demanded: { width: number; height: number }) => ServerShare;
}

export type ServerActiveOutput =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'input'; readonly events: readonly InputEvent[] }
  /** The client wants these parts again; edges inclusive, not yet held against the desktop's size. */
  | { readonly kind: 'refresh'; readonly areas: readonly InclusiveRect[] }
  /** Nobody looks (`true`), or somebody does again. */
  | { readonly kind: 'suppress'; readonly suppressed: boolean }
  /** A reactivation is done; everything has to be drawn again. */
  | { readonly kind: 'activated'; readonly share: ServerShare }
  /** The graphics channel is open, a frame on it was drawn, or the client will have none of it; what the clipboard does. */
  | ServerChannelOutput
  /** The client has drawn a frame of surface commands. */
  | { readonly kind: 'surface-frame-acknowledged'; readonly frameId: number }
  /** A measurement of the network is done. */
  | { readonly kind: 'network-measured'; readonly measurement: NetworkMeasurement }
  /** The client left, or was told to. */
  | { readonly kind: 'closed' };

/** Where outputs go: a list of these, or of more kinds than these. */
export interface ServerActiveSink {
  push(...outputs: ServerActiveOutput[]): unknown;
}

/** The server's side of a connection that is up. Takes whole frames. */
export class ServerActiveStage {
  readonly #options: ServerActiveStageOptions;
  readonly #channels: ServerChannels;
  #share: ServerShare;
  /** Asked for by a reactivation, until the client's Confirm Active. */
  #demanded: { width: number; height: number } | undefined;
  /** Between Deactivate All and the client's Font List nothing may be drawn. */
  #active = true;
  /** Messages and types that were not acted on. */
  skipped = 0;

  constructor(options: ServerActiveStageOptions) {
    this.#options = options;
    this.#share = options.share;
    this.#channels = new ServerChannels(options.channels ?? [], options.compressesGraphics);
  }

  get share(): ServerShare {
    return this.#share;
  }

  /** Whether updates may be sent. */
  get active(): boolean {
    return this.#active;
  }

  /** Says that the user is logged on. */
  start(): ServerActiveOutput[] {
    return [this.#sendData(ShareDataType.saveSessionInfo, encodePlainNotify())];
  }

  /** Handles one frame and appends to `out`. Throws `DecodeError`. @param now milliseconds since the epoch */
  receiveFrame(frame: Uint8Array, out: ServerActiveSink, now: number): void {
    if (frameKind(frame[0] ?? 0) === 'fast-path') {
      this.#input(decodeFastPathInput(frame), out);
      return;
    }
    const message = decodeX224(frame);
    if (message.kind !== 'data') {
      out.push({ kind: 'closed' });
      return;
    }
    const mcs = decodeMcsPdu(message.cursor);
    if (mcs.kind === 'disconnectProviderUltimatum') {
      out.push({ kind: 'closed' });
    } else if (mcs.kind !== 'sendDataRequest') {
      this.skipped++;
    } else if (mcs.channelId === this.#options.messageChannel?.id) {
      const measurement = this.#options.messageChannel.detection.receive(mcs.userData, now);
      if (measurement !== undefined) out.push({ kind: 'network-measured', measurement });
    } else if (mcs.channelId !== this.#options.ioChannelId) {
      const packets = this.#channels.receive(mcs.channelId, mcs.userData, out);
      if (packets === undefined) this.skipped++;
      for (const bytes of packets ?? []) out.push({ kind: 'send', bytes });
    } else if (mcs.userData.length > 0) {
      for (const pdu of decodeShareControlPdus(mcs.userData)) {
        if (pdu.type === ShareControlType.data) {
          this.#shareData(decodeShareData(new ReadCursor(pdu.body, 'TS_SHAREDATAHEADER')), out);
        } else if (pdu.type === ShareControlType.confirmActive) {
          this.#confirm(decodeConfirmActive(new ReadCursor(pdu.body, 'TS_CONFIRM_ACTIVE_PDU')), out);
        } else {
          this.skipped++;
        }
      }
    }
  }

  /**
   * Sends one update in as many fast-path fragments as it takes.
   * Throws `UsageError` if it is larger than the client takes, or while nothing may be drawn.
   */
  update(code: number, data: Uint8Array): ServerActiveOutput[] {
    if (!this.#active) throw new UsageError('no update may be sent during a reactivation');
    if (data.length > this.#share.maxUpdateSize) {
      throw new UsageError(`update of ${data.length} bytes, the client takes ${this.#share.maxUpdateSize}`);
    }
    return encodeFragmentedUpdate(code, data).map((bytes) => ({ kind: 'send', bytes }));
  }

  /** Sends what `write` has for the message channel; nothing where the client has none. */
  message(write: (detection: NetworkDetection) => Uint8Array | undefined): ServerActiveOutput[] {
    const { messageChannel } = this.#options;
    if (messageChannel === undefined) return [];
    const userData = write(messageChannel.detection);
    return userData === undefined ? [] : [{ kind: 'send', bytes: sendDataIndication(messageChannel.id, userData) }];
  }

  /** Opens the graphics pipeline; `graphics-ready` or `graphics-refused` follows. Nothing without `drdynvc`. */
  openGraphics(): ServerActiveOutput[] {
    return this.#channels.openGraphics().map((bytes) => ({ kind: 'send', bytes }));
  }

  /** Sends messages of the graphics pipeline; nothing while it is not open. */
  graphics(pdus: readonly SentGfxPdu[]): ServerActiveOutput[] {
    return this.#channels.graphics(pdus).map((bytes) => ({ kind: 'send', bytes }));
  }

  /** Begins with the clipboard; `clipboard-ready` follows. Nothing without `cliprdr`. */
  openClipboard(): ServerActiveOutput[] {
    return this.#channels.openClipboard().map((bytes) => ({ kind: 'send', bytes }));
  }

  /** Says something to the client's clipboard. */
  clipboard(action: ClipboardAction): ServerActiveOutput[] {
    return this.#channels.clipboard(action).map((bytes) => ({ kind: 'send', bytes }));
  }

  /** Deactivation-Reactivation ([MS-RDPBCGR] 1.3.1.3): gives the desktop a new size. */
  resize(width: number, height: number): ServerActiveOutput[] {
    const { shareId } = this.#share;
    this.#active = false;
    this.#demanded = { width, height };
    const demand = this.#options.demand(shareId, width, height);
    const cursor = new WriteCursor(sizeOfDemandActive(demand));
    encodeDemandActive(demand, cursor);
    return [
      this.#send(shareControlMessage(ShareControlType.deactivateAll, SERVER_CHANNEL_ID, encodeDeactivateAll(shareId))),
      this.#send(shareControlMessage(ShareControlType.demandActive, SERVER_CHANNEL_ID, cursor.finish())),
    ];
  }

  /** Says what is wrong with the logon, and what brings the client back after a lost connection. */
  logonInfo(info: Parameters<typeof encodeLogonInfoExtended>[0]): ServerActiveOutput[] {
    return [this.#sendData(ShareDataType.saveSessionInfo, encodeLogonInfoExtended(info))];
  }

  /** Sends the client elsewhere. */
  redirect(packet: ServerRedirection): ServerActiveOutput[] {
    const body = encodeEnhancedRedirection(packet);
    return [this.#send(shareControlMessage(ShareControlType.serverRedirect, SERVER_CHANNEL_ID, body))];
  }

  /** Ends the connection. @param errorInfo what to tell the client, one of `ErrorInfo` */
  disconnect(errorInfo: number = ErrorInfo.rpcInitiatedDisconnect): ServerActiveOutput[] {
    const reason =
      errorInfo === ErrorInfo.logoffByUser ? DisconnectReason.userRequested : DisconnectReason.providerInitiated;
    return [
      ...(this.#options.errorInfo === true
        ? [this.#sendData(ShareDataType.setErrorInfo, encodeSetErrorInfo({ errorInfo }))]
        : []),
      { kind: 'send', bytes: mcsMessage({ kind: 'disconnectProviderUltimatum', reason }) },
      { kind: 'closed' },
    ];
  }

  #shareData(pdu: ShareDataPdu, out: ServerActiveSink): void {
    const cursor = new ReadCursor(pdu.body, 'TS_SHAREDATAHEADER');
    switch (pdu.type) {
      case ShareDataType.input:
        this.#input(decodeSlowPathInput(cursor), out);
        break;
      case ShareDataType.refreshRect:
        if (this.#active) out.push({ kind: 'refresh', areas: decodeRefreshRect(cursor).areas });
        break;
      case ShareDataType.suppressOutput:
        out.push({ kind: 'suppress', suppressed: decodeSuppressOutput(cursor).area === undefined });
        break;
      case ShareDataType.frameAcknowledge:
        out.push({ kind: 'surface-frame-acknowledged', frameId: decodeFrameAcknowledge(cursor).frameId });
        break;
      case ShareDataType.shutdownRequest:
        // Somebody is logged on: the client may still leave, but is to ask its user first.
        out.push(this.#sendData(ShareDataType.shutdownDenied, NO_BODY));
        break;
      case ShareDataType.synchronize:
        break; // ours went out behind Confirm Active
      case ShareDataType.control:
        this.#control(decodeControl(cursor).action, out);
        break;
      case ShareDataType.fontList:
        if (this.#active || this.#demanded) break;
        out.push(this.#sendData(ShareDataType.fontMap, encodeFontMap()));
        this.#active = true;
        out.push({ kind: 'activated', share: this.#share });
        break;
      default:
        this.skipped++;
    }
  }

  #input(events: readonly InputEvent[], out: ServerActiveSink): void {
    if (this.#active && events.length > 0) out.push({ kind: 'input', events });
  }

  #control(action: number, out: ServerActiveSink): void {
    if (action === ControlAction.cooperate) {
      this.#reply(ShareDataType.control, encodeControl({ action, grantId: 0, controlId: 0 }), out);
    } else if (action === ControlAction.requestControl) {
      const granted = {
        action: ControlAction.grantedControl,
        grantId: this.#options.userId,
        controlId: SERVER_CHANNEL_ID,
      };
      this.#reply(ShareDataType.control, encodeControl(granted), out);
    }
  }

  #confirm(confirm: ConfirmActive, out: ServerActiveSink): void {
    if (this.#demanded === undefined) {
      this.skipped++;
      return;
    }
    this.#share = this.#options.agree(confirm, this.#demanded);
    this.#demanded = undefined;
    out.push(this.#sendData(ShareDataType.synchronize, encodeSynchronize({ targetUser: 0 })));
  }

  /** Finalization PDUs are only answered during one. */
  #reply(type: number, body: Uint8Array, out: ServerActiveSink): void {
    if (!this.#active) out.push(this.#sendData(type, body));
  }

  #sendData(type: number, body: Uint8Array): ServerActiveOutput {
    return this.#send(shareDataMessage(type, this.#share.shareId, SERVER_CHANNEL_ID, body));
  }

  #send(userData: Uint8Array): ServerActiveOutput {
    return { kind: 'send', bytes: sendDataIndication(this.#options.ioChannelId, userData) };
  }
}

const NO_BODY = new Uint8Array(0);
