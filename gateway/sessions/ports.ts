import type { ClipboardAction, ClipboardOutput } from '#protocol/channels/cliprdr/clipboard-channel.ts';
import type { GraphicsUpdate } from '#protocol/graphics/update.ts';
import type { InputEvent } from '#protocol/pdu/input.ts';
import type { LockKeys } from '#protocol/pdu/lock-keys.ts';
import type { ClipboardNews, DeflatedState } from '#protocol/tunnel/messages.ts';
import type { SessionEnd, SessionSink } from '#protocol/tunnel/sink.ts';
import type { ErrorCode } from '../errors.ts';
import type { ConnectionSecurity } from '../rdp/security.ts';
import type { TlsVersion } from '../rdp/tls-peer.ts';
import type { CertificateFacts, TrustDecision } from '../rdp/trust.ts';
import type { Credentials, LegacySecurity, NlaPolicy } from '../targets/targets.ts';

/**
 * What a session is plugged into: the RDP driver on one side, the owner's browser on the other, the pixel host beside.
 * `gateway/main.ts` brings the real ones; tests bring theirs.
 */

/** A connection to an RDP server. */
export interface Driver {
  input(events: readonly InputEvent[]): void;
  /** Stops reading from the server until `resume`: TCP then slows the server down. */
  pause(): void;
  resume(): void;
  /**
   * The owner has drawn so many of all the updates that came, and has yet to draw so many bytes. From the first report
   * on the server is kept from getting far ahead: its frames are acknowledged late.
   */
  drawn(updates: number, behindBytes: number): void;
  /** The owner does not look, and reports seldom: it is not waited for until it reports again. */
  unwatched(): void;
  /** Asks the server to paint everything again. */
  refresh(): void;
  /** Tells the server that nobody looks, or that somebody does again. */
  suppressOutput(suppress: boolean): void;
  /** Asks for a desktop of this size; a server that cannot do that lets it be. */
  resize(width: number, height: number): void;
  /** Says something to the desktop's clipboard; nothing where it has none. */
  clipboard(action: ClipboardAction): void;
  /** Leaves the server in good form, and closes. Nothing is called back afterwards. */
  close(): void;
}

export interface DriverOptions {
  readonly sessionId: string;
  readonly host: string;
  readonly port: number;
  readonly nla: NlaPolicy;
  readonly width: number;
  readonly height: number;
  readonly keyboardLayout: number;
  /** Whether the desktop's clipboard is joined at all; not unless given. */
  readonly clipboard?: boolean;
  /** What licence servers know this gateway by: 16 bytes. */
  readonly hardwareId?: Uint8Array;
  readonly credentials: Credentials;
  /** For further connections of the same session, after a redirection or a loss. Without it there are none. */
  readCredentials?(): Promise<Credentials>;
  /** What the connection must be at least; the driver's own strict minimum unless given. */
  readonly security?: DriverSecurity;
  /** Asked before any credential is sent. */
  trustCertificate(certificate: CertificateFacts): Promise<boolean | TrustDecision>;
}

/** Less than this is refused, with a code of its own. */
export interface DriverSecurity {
  readonly minimumTls: TlsVersion;
  readonly restrictedAdmin: boolean;
  readonly legacySecurity: LegacySecurity;
  /** Oldest version of CredSSP. */
  readonly oldestCredSsp: number;
  /** Have the certificate checked by this machine's authorities, for `trustCertificate`. */
  readonly verifyChain: boolean;
}

export interface DriverEvents {
  /**
   * The connection sequence has entered this phase. Once the desktop was there: `reconnecting` when the connection is
   * lost and will be brought back, `connected` when it is back; everything is drawn anew then.
   */
  phase(name: string): void;
  /** What was negotiated: before `connected`, and each time that a lost connection is back. */
  secured?(security: ConnectionSecurity): void;
  /** The desktop is there. */
  connected(): void;
  graphics(update: GraphicsUpdate): void;
  /** No more updates are to be expected at once. Comes after those that were handed over. */
  settled(): void;
  /** Bytes read from the server since the last call. */
  bytes(count: number): void;
  /** The toggle keys as the server has them. */
  lockKeys(lockKeys: LockKeys): void;
  /** What happens to the desktop's clipboard. Data in it is only good during the call. */
  clipboard?(output: ClipboardOutput): void;
  /** What the user should know, before the end or without one. */
  notice(notice: { readonly code: string; readonly message: string }): void;
  /** The connection is over; nothing is called afterwards. `words` where the driver knows better ones than the table. */
  closed(code: ErrorCode, detail: string, words?: EndWords): void;
}

/** What a user is told. */
export interface EndWords {
  readonly message: string;
  readonly hint?: string;
}

export type Connect = (options: DriverOptions, events: DriverEvents) => Driver;

/** Something that whoever looks at a session should know; docs/tunnel.md has the codes. */
export interface Notice {
  readonly code: string;
  readonly message: string;
  readonly viewers?: number;
  /** Whose word or doing it is. */
  readonly from?: string;
}

/** The owner's browser, as the session sees it. */
export interface Owner {
  /** Bytes of graphics sent so far. */
  readonly bytesSent: number;
  /** Whether its pictures come from the pixel host: without that it sees nothing. */
  readonly needsPixels: boolean;
  /** It has not drawn for long what it was sent: nobody sees what is typed and clicked now. */
  readonly isBlind: boolean;
  phase(name: string): void;
  graphics(update: GraphicsUpdate): void;
  /** No more updates are to be expected at once: those that have come are to be sent. */
  settled(): void;
  notice(notice: Notice): void;
  /** The toggle keys as the server has them. */
  lockKeys(lockKeys: LockKeys): void;
  /** What there is to know of the desktop's clipboard, and what was copied there. */
  clipboard(news: ClipboardNews): void;
  /** Says why, and closes. */
  end(end: SessionEnd): void;
}

/** How the recording of a session ended. */
export interface RecordingResult {
  readonly durationMs: number;
  readonly bytes: number;
  /** Milliseconds since the epoch, of a session whose end nobody else saw. */
  readonly endedAt?: number;
}

/** How a recording that goes on is doing. Times are milliseconds since the epoch. */
export interface RecordingHealth {
  /** So many were begun, the last of them at that time. */
  readonly segments: number;
  readonly segmentStartedAt: number | undefined;
  /** Of video, written so far. */
  readonly bytes: number;
  /** How long the oldest change of the picture waits that is on its way into the video; 0: there is none. */
  readonly behindMs: number;
  /** When everything that was there was last made durable. */
  readonly savedAt: number | undefined;
}

/** One session's place in the pixel host. */
export interface PixelSession {
  readonly sink: SessionSink;
  /**
   * Settles when the recording is finished: with its result, or with nothing where there is no recording to keep. `left`:
   * it could not be finished and is tried again; `finishedLater` tells, or the next start of the gateway does it.
   */
  readonly finished: Promise<RecordingResult | 'left' | undefined>;
  /**
   * A line for the recording's event log; goes nowhere where nothing is recorded.
   * @param at milliseconds since the epoch
   */
  event(type: string, fields: Readonly<Record<string, unknown>>, at: number): void;
  /**
   * An event of this type is being summed up: a gateway that is killed leaves what there was of it.
   * @param fields what it would hold if it were written at that moment; nothing once it has been
   */
  pending(type: string, fields: (at: number) => Readonly<Record<string, unknown>> | undefined): void;
  /** A viewer in Regions mode. Messages come out as tunnel messages, ready to send. */
  watch(viewer: PixelViewer): PixelWatch;
  /** The owner's browser, which has drawn all updates up to now itself: it is sent what changes from here on. */
  watchAsOwner(owner: PixelOwner): PixelOwnerWatch;
  /** Somebody plays the recording while it goes on: for a while it should not be far behind. */
  recordingWatched(): void;
}

export interface PixelViewer {
  /** @param updates who has drawn it has seen so many of the session's updates */
  send(message: Uint8Array, updates: number): void;
  /** The host cannot serve this viewer any more. */
  failed(): void;
}

export interface PixelOwner extends PixelViewer {
  /** With what it was sent it shows so many of the session's updates. */
  shows(updates: number): void;
  /** Answers `takeState`; nothing more is sent after it. Nothing: there is too much of it, and pictures go on as before. */
  state(state: DeflatedState | undefined): void;
}

export interface PixelOwnerWatch extends PixelWatch {
  /** What it takes to draw the updates from here on in the browser again. @param limit bytes, deflated */
  takeState(limit: number): void;
}

export interface PixelWatch {
  /** The browser has drawn everything up to this message. */
  acknowledge(seq: number): void;
  close(): void;
}

export interface PixelOptions {
  readonly sessionId: string;
  readonly width: number;
  readonly height: number;
  readonly record: boolean;
  /** What the recording is encrypted with, 32 bytes. */
  readonly recordingKey?: Uint8Array | undefined;
  /** Every few seconds, how the recording is doing. */
  health?(health: RecordingHealth): void;
  /** Recording is in trouble that may pass; the session may end with it. */
  troubled?(detail: string): void;
  /** A recording that was `left` is finished now; nothing: there is none after all. */
  finishedLater?(result: RecordingResult | undefined): void;
  /** The recording cannot go on, the host died, or the server's pictures break the protocol. Called at most once. */
  failed(detail: string, code: 'recorder_unavailable' | 'recording_failed' | 'protocol_error'): void;
}

export interface Pixels {
  /** Rejects with a `GatewayError` `recorder_unavailable` when the session should be recorded and cannot be. */
  open(options: PixelOptions): Promise<PixelSession>;
}
