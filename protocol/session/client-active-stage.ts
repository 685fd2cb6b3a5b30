import type { ClipboardAction, ClipboardOutput } from '../channels/cliprdr/clipboard-channel.ts';
import { DisplayControl } from '../channels/display-control.ts';
import type { FramePace } from '../channels/rdpgfx/graphics-channel.ts';
import { Work } from '../codecs/decoding-work.ts';
import { activationMessages } from '../connector/client-activation.ts';
import type { MessageChannel } from '../connector/message-channel.ts';
import { type Redirection, redirectionOf } from '../connector/redirection.ts';
import type { JoinedChannel, Share } from '../connector/types.ts';
import { concatBytes } from '../core/bytes.ts';
import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { type GraphicsUpdate, UpdateCode } from '../graphics/update.ts';
import { decodeSetErrorInfo, ErrorInfo } from '../pdu/error-info.ts';
import { decodeFastPathUpdates, FragmentAssembler } from '../pdu/fast-path.ts';
import type { InputEvent } from '../pdu/input.ts';
import { type LockKeys, lockKeysOf } from '../pdu/lock-keys.ts';
import {
  DisconnectReason,
  decodeMcsPdu,
  indicationChannel,
  indicationStart,
  mcsMessage,
  sendDataRequest,
} from '../pdu/mcs-domain.ts';
import { decodeSaveSessionInfo } from '../pdu/save-session-info.ts';
import { decodeEnhancedRedirection } from '../pdu/server-redirection.ts';
import { decodeKeyboardIndicators, encodeRefreshRect, encodeSuppressOutput } from '../pdu/session-control.ts';
import {
  type DemandActive,
  decodeDemandActive,
  decodeShareControlPdus,
  decodeShareData,
  SHARE_DATA_COMPRESSED,
  ShareControlType,
  type ShareDataPdu,
  ShareDataType,
  shareDataMessage,
} from '../pdu/share.ts';
import { decodeSlowPathGraphics, decodeSlowPathPointer, type SlowPathUpdate } from '../pdu/slow-path-update.ts';
import { decodeStatusInfo } from '../pdu/status-info.ts';
import { frameKind } from '../pdu/tpkt.ts';
import { decodeX224 } from '../pdu/x224.ts';
import { type ChannelOutput, ChannelRouter } from './channel-router.ts';
import { ClientInput } from './client-input.ts';
import { type CloseEvidence, type CloseReason, closeReason } from './close-reason.ts';
import { drawingWork } from './drawing-work.ts';
import { statusNotice } from './logon-notice.ts';
import { type LogonOutput, LogonProgress } from './logon-progress.ts';
import { acknowledgesFrames, SurfaceFrames } from './surface-frames.ts';

export interface ActiveStageOptions {
  /** Our MCS user id. */
  readonly userId: number;
  readonly ioChannelId: number;
  readonly share: Share;
  /** What the server said before of why the session ends. */
  readonly errorInfo?: number;
  /** The session's keyboard layout, for servers that take no Unicode input; what is typed in Unicode is lost there unless given. */
  readonly keyboardLayout?: number;
  /** Static virtual channels that are joined; none unless given. */
  readonly channels?: readonly JoinedChannel[];
  /** Where auto-detection, heartbeats and multitransport requests come in, if it was joined. */
  readonly messageChannel?: { readonly id: number; readonly channel: MessageChannel };
  /** Answers a Demand Active: the Confirm Active's body, and what was agreed. */
  readonly activate: (demand: DemandActive) => { readonly confirmActive: Uint8Array; readonly share: Share };
}

export type ActiveOutput =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'graphics'; readonly update: GraphicsUpdate }
  /** A frame is whole, with what was handed over last, and is acknowledged as `paceFrames` says. */
  | { readonly kind: 'frame-ended' }
  | LogonOutput
  /** Some of what was typed has no key on the keyboard layout, and the server takes nothing but keys. Told once. */
  | { readonly kind: 'text-lost' }
  /** The toggle keys as the server has them. */
  | { readonly kind: 'lock-keys'; readonly lockKeys: LockKeys }
  /** The session goes on elsewhere. */
  | { readonly kind: 'redirect'; readonly redirection: Redirection }
  /** What happens to the server's clipboard, and what it wants of ours. */
  | ClipboardOutput
  | { readonly kind: 'closed'; readonly reason: CloseReason };

/** Where outputs go: a list of these, or of more kinds than these. */
export interface ActiveSink {
  push(...outputs: ActiveOutput[]): unknown;
}

/** What came and was not acted on. Numbers for logs and tests. */
export interface SkippedCounts {
  /** Drawing order updates: we offer no orders. */
  orders: number;
  /** Share Control, Share Data and update types that we do not know. */
  unknownPdus: number;
  /** Data on virtual channels that nobody opened. */
  channelData: number;
}

/**
 * The client's side of a connection that is up: graphics in, input out, Deactivation-Reactivation
 * ([MS-RDPBCGR] 1.3.1.3), the end. Takes whole frames.
 */
export class ClientActiveStage {
  readonly #options: ActiveStageOptions;
  readonly #fragments: FragmentAssembler;
  #share: Share;
  #acknowledgesFrames: boolean;
  /** `deactivated` until the server's Demand Active, `finalizing` until its Font Map: no input may be sent. */
  #state: 'active' | 'deactivated' | 'finalizing' = 'active';
  readonly #logon = new LogonProgress();
  readonly #input: ClientInput;
  #errorInfo: number;
  readonly #channels: ChannelRouter;
  readonly #display = new DisplayControl();
  readonly #frames: SurfaceFrames;
  /** What the sinks believe the desktop's size to be. */
  #desktop: { readonly width: number; readonly height: number };
  /** Bytes since the last update. */
  #received = 0;
  /** Of what was handed over since the last `reclaim`, in the units of `Work`. */
  #turnWork = 0;
  readonly skipped: SkippedCounts = { orders: 0, unknownPdus: 0, channelData: 0 };

  constructor(options: ActiveStageOptions) {
    this.#options = options;
    this.#share = options.share;
    this.#errorInfo = options.errorInfo ?? ErrorInfo.none;
    this.#acknowledgesFrames = acknowledgesFrames(options.share);
    this.#fragments = new FragmentAssembler(options.share.maxUpdateSize);
    this.#channels = new ChannelRouter(options.userId, options.channels ?? [], [this.#display]);
    this.#frames = new SurfaceFrames();
    this.#input = new ClientInput(options.keyboardLayout ?? NO_LAYOUT);
    this.#desktop = options.share;
  }

  get share(): Share {
    return this.#share;
  }

  /** Dynamic channels that the server asked for and that nobody here serves. */
  get refusedChannels(): readonly string[] {
    return this.#channels.refused;
  }

  /** Before anything else: tells the sinks how large the desktop is. */
  start(): ActiveOutput[] {
    return [desktopReset(this.#desktop)];
  }

  /**
   * Says when drawn frames are acknowledged, in the graphics pipeline and of surface commands alike: at once unless
   * told otherwise. Holding acknowledgements back is how a viewer that is behind slows the server down.
   */
  paceFrames(pace: FramePace): ActiveOutput[] {
    const { graphics } = this.#channels;
    const packets = this.#channels.send(graphics, graphics.pace(pace));
    const outputs = packets.map((bytes): ActiveOutput => ({ kind: 'send', bytes }));
    for (const frameId of this.#frames.pace(pace)) outputs.push(this.#acknowledgeFrame(frameId));
    return outputs;
  }

  /**
   * Acknowledges the oldest frames that are held.
   * @param queueDepth bytes that wait to be decoded, if somebody knows
   */
  acknowledgeFrames(count: number, queueDepth?: number): ActiveOutput[] {
    const outputs: ActiveOutput[] = [];
    for (const bytes of this.#channels.acknowledge(count, queueDepth)) outputs.push({ kind: 'send', bytes });
    for (const frameId of this.#frames.release(count - outputs.length)) outputs.push(this.#acknowledgeFrame(frameId));
    return outputs;
  }

  /** Whether what was handed over since `reclaim` is enough for one turn: the rest of what was read should wait for the next. */
  get isSated(): boolean {
    return this.#turnWork > TURN_WORK;
  }

  /** What was handed over before is not needed any more. */
  reclaim(): void {
    this.#turnWork = 0;
    this.#fragments.reclaim();
    this.#channels.reclaim();
  }

  /** Handles one frame and appends to `out`. Throws `DecodeError`. @param now milliseconds since the epoch */
  receiveFrame(frame: Uint8Array, out: ActiveSink, now: number): void {
    this.#received += frame.length;
    this.#options.messageChannel?.channel.received(frame.length);
    if (frameKind(frame[0] ?? 0) === 'fast-path') this.#fastPath(frame, out);
    else this.#slowPath(frame, out, now);
  }

  /**
   * Takes frames that go on with a long message as the frame before them did, without a look at anything but their heads.
   * @returns where the first other frame begins, or one that is not whole
   */
  readonly goOn = (bytes: Uint8Array, at: number): number => {
    const end = this.#channels.goOnAlike(bytes, at);
    if (end === at) return end;
    this.#received += end - at;
    this.#options.messageChannel?.channel.received(end - at);
    return end;
  };

  /** Waits while the share is down, when the server would take it for a protocol error. */
  input(events: readonly InputEvent[]): ActiveOutput[] {
    if (this.#state !== 'active') {
      this.#input.hold(events);
      return [];
    }
    const { path, parts } = this.#input.encode(events, this.#share);
    const sent = parts.map(
      (bytes): ActiveOutput => (path === 'fast' ? { kind: 'send', bytes } : this.#sendData(ShareDataType.input, bytes)),
    );
    return this.#input.takeLoss() ? [{ kind: 'text-lost' }, ...sent] : sent;
  }

  /** Has the server draw the whole desktop again. */
  refresh(): ActiveOutput[] {
    if (this.#state !== 'active') return [];
    const area = { left: 0, top: 0, right: this.#share.width - 1, bottom: this.#share.height - 1 };
    if (this.#share.refreshRect) {
      return [this.#sendData(ShareDataType.refreshRect, encodeRefreshRect({ areas: [area] }))];
    }
    // A server that stops and starts drawing begins with everything, too.
    return [...this.suppressOutput(true), ...this.suppressOutput(false)];
  }

  /** Has the server draw one pixel again: what it answers is a sign of life. Nothing at one that draws nothing on demand. */
  probe(): ActiveOutput[] {
    if (this.#state !== 'active' || !this.#share.refreshRect) return [];
    const area = { left: 0, top: 0, right: 0, bottom: 0 };
    return [this.#sendData(ShareDataType.refreshRect, encodeRefreshRect({ areas: [area] }))];
  }

  /**
   * Asks for a desktop of this size by Display Control. The server answers with a reactivation or a reset of the graphics
   * pipeline, or not at all; a wish that comes before it has opened the channel is kept.
   */
  resize(width: number, height: number): ActiveOutput[] {
    const messages = this.#display.resize(width, height);
    return this.#channels.send(this.#display, messages).map((bytes) => ({ kind: 'send', bytes }));
  }

  /** Says something to the server's clipboard; nothing where it has none. */
  clipboard(action: ClipboardAction): ActiveOutput[] {
    return this.#channels.clipboard(action).map((bytes) => ({ kind: 'send', bytes }));
  }

  /** Tells the server that nobody looks at the desktop, or that somebody does again. */
  suppressOutput(suppress: boolean): ActiveOutput[] {
    if (this.#state !== 'active' || !this.#share.suppressOutput) return [];
    const area = { left: 0, top: 0, right: this.#share.width - 1, bottom: this.#share.height - 1 };
    return [this.#sendData(ShareDataType.suppressOutput, encodeSuppressOutput({ area: suppress ? undefined : area }))];
  }

  /**
   * Leaves without logging off: the desktop goes on without us, as if its window had been closed. No Shutdown Request
   * is asked first, since its only use is to let the user think again.
   */
  shutdown(): ActiveOutput[] {
    return [
      {
        kind: 'send',
        bytes: mcsMessage({ kind: 'disconnectProviderUltimatum', reason: DisconnectReason.userRequested }),
      },
      { kind: 'closed', reason: { code: 'ended_by_user', message: 'You ended the session.' } },
    ];
  }

  transportClosed(): CloseReason {
    return this.#closeReason({ kind: 'transport-closed' });
  }

  #fastPath(frame: Uint8Array, out: ActiveSink): void {
    for (const part of decodeFastPathUpdates(frame)) {
      const update = this.#fragments.push(part);
      if (update === undefined) continue;
      if (update.code === UpdateCode.orders) this.skipped.orders++;
      else out.push(this.#drawn(update.code, update.data, drawingWork(update)));
      if (update.code === UpdateCode.surfaceCommands && this.#acknowledgesFrames) {
        const { count, acknowledge } = this.#frames.ended(update.data);
        for (let i = 0; i < count; i++) out.push(FRAME_ENDED);
        for (const frameId of acknowledge) out.push(this.#acknowledgeFrame(frameId));
      }
    }
  }

  /**
   * @param whole what drawing it takes, of which the bytes that came since the update before it have paid for a part
   * @throws DecodeError for an update that takes more than any server's picture does
   */
  #drawn(code: number, data: Uint8Array, whole: number): ActiveOutput {
    const work = whole - this.#received * Work.perByte;
    this.#received = 0;
    if (work <= 0) return { kind: 'graphics', update: { code, data } };
    if (work > MAX_UPDATE_WORK) {
      throw new DecodeError('limit_exceeded', 'graphics update', 'pixels', 0, `${Math.round(work / 1e6)} ms of work`);
    }
    this.#turnWork += work;
    return { kind: 'graphics', update: { code, data, work } };
  }

  #acknowledgeFrame(frameId: number): ActiveOutput {
    const bytes = this.#frames.acknowledgement(frameId, (body) => this.#packet(ShareDataType.frameAcknowledge, body));
    return { kind: 'send', bytes };
  }

  #channelData(channelId: number, chunk: Uint8Array, out: ActiveSink): void {
    const produced: ChannelOutput[] = [];
    const packets = this.#channels.receive(channelId, chunk, produced);
    if (packets === undefined) this.skipped.channelData++;
    let size = this.#desktop;
    for (const output of produced) if (output.kind === 'reset') size = output;
    // Sinks learn of the size before they draw what belongs to it; one message has one at most that counts.
    this.#resizeDesktop(size, out);
    for (const output of produced) {
      if (output.kind === 'pipeline') {
        out.push(this.#drawn(UpdateCode.graphicsPipeline, output.pdus, output.work));
      } else if (output.kind !== 'reset') out.push(output);
    }
    for (const bytes of packets ?? []) out.push({ kind: 'send', bytes });
  }

  #resizeDesktop({ width, height }: { readonly width: number; readonly height: number }, out: ActiveSink): void {
    if (width === this.#desktop.width && height === this.#desktop.height) return;
    this.#desktop = { width, height };
    out.push(desktopReset(this.#desktop));
  }

  #slowPath(frame: Uint8Array, out: ActiveSink, now: number): void {
    const start = indicationStart(frame);
    if (start > 0 && this.#channels.goOn(indicationChannel(frame), frame, start)) return;
    const message = decodeX224(frame);
    if (message.kind !== 'data') {
      out.push({ kind: 'closed', reason: this.#closeReason({ kind: 'x224-disconnect' }) });
      return;
    }
    const mcs = decodeMcsPdu(message.cursor);
    if (mcs.kind === 'disconnectProviderUltimatum') {
      const reason = this.#closeReason({ kind: 'mcs-disconnect', reason: mcs.reason });
      out.push({ kind: 'closed', reason });
      return;
    }
    if (mcs.kind !== 'sendDataIndication') {
      this.skipped.unknownPdus++;
      return;
    }
    if (mcs.channelId !== this.#options.ioChannelId) {
      this.#otherChannel(mcs.channelId, mcs.userData, out, now);
      return;
    }
    // Some servers send empty Send Data Indications to keep the connection alive.
    if (mcs.userData.length === 0) return;
    for (const pdu of decodeShareControlPdus(mcs.userData)) {
      switch (pdu.type) {
        case ShareControlType.data:
          this.#shareData(decodeShareData(new ReadCursor(pdu.body, 'TS_SHAREDATAHEADER')), out);
          break;
        case ShareControlType.demandActive:
          this.#reactivate(decodeDemandActive(new ReadCursor(pdu.body, 'TS_DEMAND_ACTIVE_PDU')), out);
          break;
        case ShareControlType.deactivateAll:
          this.#state = 'deactivated';
          this.#fragments.reset();
          break;
        case ShareControlType.flow:
          break;
        case ShareControlType.serverRedirect:
          if (this.#redirect(pdu.body, out)) return;
          break;
        default:
          this.skipped.unknownPdus++;
      }
    }
  }

  #otherChannel(channelId: number, userData: Uint8Array, out: ActiveSink, now: number): void {
    const { messageChannel, userId } = this.#options;
    if (messageChannel === undefined || channelId !== messageChannel.id) {
      this.#channelData(channelId, userData, out);
      return;
    }
    // INVARIANT: every request is answered, whatever the share's state: a server whose continuous network detection
    // goes unanswered stops drawing.
    const answer = messageChannel.channel.receive(userData, now);
    if (answer !== undefined) out.push({ kind: 'send', bytes: sendDataRequest(userId, channelId, answer) });
  }

  /** Whether anybody is to go anywhere. */
  #redirect(body: Uint8Array, out: ActiveSink): boolean {
    const packet = decodeEnhancedRedirection(new ReadCursor(body, 'RDP_SERVER_REDIRECTION_PACKET'));
    const redirection = redirectionOf(packet);
    if (redirection !== undefined) out.push({ kind: 'redirect', redirection });
    return redirection !== undefined;
  }

  #shareData(pdu: ShareDataPdu, out: ActiveSink): void {
    const { type, body } = pdu;
    const cursor = new ReadCursor(body, SHARE_DATA_CONTEXTS.get(type) ?? 'TS_SHAREDATAHEADER');
    if (pdu.compressedType & SHARE_DATA_COMPRESSED) {
      throw cursor.error('invalid_value', 'compressedType', 'compressed, though compression was not offered');
    }
    switch (type) {
      case ShareDataType.update:
        this.#slowPathUpdate(decodeSlowPathGraphics(cursor), out);
        break;
      case ShareDataType.pointer:
        this.#slowPathUpdate(decodeSlowPathPointer(cursor), out);
        break;
      case ShareDataType.fontMap:
        if (this.#state !== 'finalizing') break;
        this.#state = 'active';
        out.push(...this.input(this.#input.takeHeld()));
        break;
      case ShareDataType.setErrorInfo:
        this.#errorInfo = decodeSetErrorInfo(cursor).errorInfo;
        break;
      case ShareDataType.setKeyboardIndicators:
        out.push({ kind: 'lock-keys', lockKeys: lockKeysOf(decodeKeyboardIndicators(cursor).ledFlags) });
        break;
      case ShareDataType.saveSessionInfo:
        this.#logon.told(decodeSaveSessionInfo(cursor), out);
        break;
      case ShareDataType.arcStatus:
        // [MS-RDPBCGR] 2.2.4.1.1, and 3.2.5.6.1: the secret that this connection came with was no good.
        out.push({ kind: 'auto-reconnect', secret: undefined });
        break;
      case ShareDataType.statusInfo: {
        const notice = statusNotice(decodeStatusInfo(cursor).statusCode);
        if (notice !== undefined) out.push({ kind: 'logon-notice', notice });
        break;
      }
      case ShareDataType.synchronize:
      case ShareDataType.control:
      case ShareDataType.playSound:
      case ShareDataType.setKeyboardImeStatus:
      case ShareDataType.shutdownDenied:
      case ShareDataType.monitorLayout:
        break; // known, and nothing to do
      default:
        this.skipped.unknownPdus++;
    }
  }

  /** What the slow path carries, in its fast-path form. */
  #slowPathUpdate(update: SlowPathUpdate, out: ActiveSink): void {
    switch (update.kind) {
      case 'orders':
        this.skipped.orders++;
        return;
      case 'unknown':
        this.skipped.unknownPdus++;
        return;
      default: {
        const data = 'data' in update ? update.data : NO_DATA;
        const code = FAST_PATH_CODES[update.kind];
        out.push(this.#drawn(code, data, drawingWork({ code, data })));
      }
    }
  }

  /** [MS-RDPBCGR] 3.2.5.3.13: the connection sequence from Demand Active on, over again. */
  #reactivate(demand: DemandActive, out: ActiveSink): void {
    const { confirmActive, share } = this.#options.activate(demand);
    this.#share = share;
    this.#acknowledgesFrames = acknowledgesFrames(share);
    this.#state = 'finalizing';
    this.#fragments.reset(share.maxUpdateSize);
    this.#frames.reset();
    const messages = activationMessages(this.#options.userId, share.shareId, confirmActive);
    out.push(...messages.map((message) => this.#send(message)));
    this.#resizeDesktop(share, out);
  }

  #sendData(type: number, body: Uint8Array): ActiveOutput {
    return { kind: 'send', bytes: this.#packet(type, body) };
  }

  #packet(type: number, body: Uint8Array): Uint8Array {
    const { userId, ioChannelId } = this.#options;
    return sendDataRequest(userId, ioChannelId, shareDataMessage(type, this.#share.shareId, userId, body));
  }

  #send(userData: Uint8Array): ActiveOutput {
    const { userId, ioChannelId } = this.#options;
    return { kind: 'send', bytes: sendDataRequest(userId, ioChannelId, userData) };
  }

  #closeReason(how: CloseEvidence['how']): CloseReason {
    return closeReason({ errorInfo: this.#errorInfo, logonFailed: this.#logon.hasFailed, how });
  }
}

const NO_LAYOUT = 0;

/** More than a picture of the largest desktop takes, and short enough for others to have their turn. */
const TURN_WORK = 250e6;
/** 320 copies of a desktop of 1920 × 1080, or 19 of the largest that there is. */
const MAX_UPDATE_WORK = 2e9;

const FRAME_ENDED = { kind: 'frame-ended' } as const;

const NO_DATA = new Uint8Array(0);

const FAST_PATH_CODES = {
  bitmap: UpdateCode.bitmap,
  palette: UpdateCode.palette,
  synchronize: UpdateCode.synchronize,
  'pointer-hidden': UpdateCode.pointerHidden,
  'pointer-default': UpdateCode.pointerDefault,
  'pointer-position': UpdateCode.pointerPosition,
  'pointer-color': UpdateCode.pointerColor,
  'pointer-cached': UpdateCode.pointerCached,
  'pointer-new': UpdateCode.pointerNew,
  'pointer-large': UpdateCode.pointerLarge,
} as const;

const SHARE_DATA_CONTEXTS = new Map<number, string>([
  [ShareDataType.update, 'TS_GRAPHICS_PDU'],
  [ShareDataType.pointer, 'TS_POINTER_PDU'],
  [ShareDataType.setErrorInfo, 'TS_SET_ERROR_INFO_PDU'],
  [ShareDataType.statusInfo, 'TS_STATUS_INFO_PDU'],
  [ShareDataType.saveSessionInfo, 'TS_SAVE_SESSION_INFO_PDU_DATA'],
]);

function desktopReset({ width, height }: { readonly width: number; readonly height: number }): ActiveOutput {
  const data = concatBytes(Uint8Array.of(width & 0xff, width >>> 8), Uint8Array.of(height & 0xff, height >>> 8));
  return { kind: 'graphics', update: { code: UpdateCode.desktopReset, data } };
}
