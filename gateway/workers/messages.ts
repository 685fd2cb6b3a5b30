import type { GraphicsKind } from '#protocol/connector/graphics-offer.ts';
import type { SessionEnd } from '#protocol/tunnel/sink.ts';
import type { Actor } from '../access/can.ts';
import type { RecordingMode } from '../access/policy-rules.ts';
import type { AlertRule } from '../alerts/alert-rules.ts';
import type { ErrorCode } from '../errors.ts';
import type { Downgrade } from '../rdp/security.ts';
import type { CertificateFacts, TrustDecision } from '../rdp/trust.ts';
import type { FileTransferRecord } from '../sessions/file-transfer.ts';
import type { Freeze, Freezer } from '../sessions/input-gate.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import type { EndWords, Notice, RecordingResult } from '../sessions/ports.ts';
import type { SessionAlert, SessionFacts } from '../sessions/session-contract.ts';
import type { OfSignIns, ViewerInfo } from '../sessions/session-viewers.ts';
import type { Attachment } from '../tunnel/attach-gate.ts';
import type { ElsewhereAttachment } from '../tunnel/tunnel.ts';
import type { CredentialPrompt } from '../vault/account-credentials.ts';
import { MessageError } from './channel.ts';

/** What a worker needs to know from its start on. */
export interface WorkerSetup {
  /** From 1 on, for the log; the one that replaces a worker has its number. */
  readonly number: number;
  readonly tls: { readonly cert: string; readonly key: string };
  /** The same for all workers, so that a browser resumes with one what it began with another. */
  readonly tlsTicketKeys: Uint8Array;
  /** Unix socket where control answers HTTP. */
  readonly controlPath: string;
  /** Unix socket where this worker listens, for control and for the other workers. */
  readonly ownPath: string;
  readonly origins: readonly string[];
  readonly proxies: string | undefined;
  readonly recordingsDirectory: string;
  readonly ffmpegPath: string;
  /** Of all workers together; nothing: as many as there is room for. */
  readonly encoders: number | undefined;
  /** How many there are. */
  readonly workers: number;
  readonly signingKeyFile: string;
  readonly graphics: readonly GraphicsKind[];
  readonly hardwareId: Uint8Array;
  readonly rules: readonly AlertRule[];
}

/** What control has a worker do. A connection comes beside these, as `CONNECTION` with its socket. */
export type WorkerCalls = {
  setup(setup: WorkerSetup): Promise<void>;
  /** The rules for what is typed and copied, after each change. */
  rules(rules: readonly AlertRule[]): Promise<void>;
  command(sessionId: string, command: SessionCommand): void;
  /** Waits for the recording of a worker that is gone, or finishes it. */
  recover(sessionId: string, recordingKey: Uint8Array | undefined): Promise<RecordingResult | 'left' | undefined>;
  /** All sessions are over: leave, once the recordings are finished. */
  leave(): void;
};

/** `[CONNECTION, number]` comes with a socket that a worker takes over. */
export const CONNECTION = 'connection';

/** What is done to a session by its supervisors, in the words of `LiveSession`. */
export type SessionCommand =
  | { readonly kind: 'end'; readonly code: ErrorCode; readonly detail: string; readonly words: EndWords | undefined }
  | {
      readonly kind: 'freeze';
      readonly by: Freezer;
      readonly reason: string;
      readonly since: number;
      readonly order: number;
    }
  | { readonly kind: 'unfreeze'; readonly by: By; readonly reason: string; readonly order: number }
  | { readonly kind: 'message'; readonly by: By; readonly text: string }
  | { readonly kind: 'notice'; readonly notice: Notice }
  | {
      readonly kind: 'alerted';
      readonly alert: SessionAlert;
      readonly tell: boolean;
      readonly typed: string | undefined;
    }
  | { readonly kind: 'type-secret'; readonly secret: Uint8Array; readonly enter: boolean }
  | { readonly kind: 'dismiss'; readonly userId: string; readonly code: ErrorCode; readonly which: OfSignIns }
  | { readonly kind: 'recording-watched' }
  | { readonly kind: 'playing'; readonly number: number; readonly info: ViewerInfo; readonly announce: boolean }
  | { readonly kind: 'played'; readonly number: number };

type By = Pick<Actor, 'id' | 'username'>;

/** What a worker asks of control, and tells it. Of sessions, only of those that run in it. */
export type ControlCalls = {
  /** The worker is set up, and takes connections. */
  ready(): void;
  /** It has the connection with this number, which was handed over as `CONNECTION`. */
  took(connection: number): void;
  /** It is alive, and there is nothing else to say. */
  alive(): void;
  /** Somebody has come with a ticket. */
  enter(ticket: string, address: string): Promise<WorkerAttachment>;
  /** A live view is over. */
  left(viewing: number): void;
  recordingKey(sessionId: string): Promise<Uint8Array>;
  credentials(sessionId: string, again: CredentialPrompt['again']): Promise<ClonedCredentials>;
  trust(sessionId: string, certificate: CertificateFacts): Promise<boolean | TrustDecision>;
  /** How sessions are now. */
  views(views: readonly (readonly [sessionId: string, view: SessionView])[]): void;
  connected(sessionId: string, view: SessionView): void;
  /** A connection that was lost is back. */
  reconnected(sessionId: string): void;
  downgraded(sessionId: string, view: SessionView, downgrades: readonly Downgrade[]): void;
  fileTransferred(sessionId: string, transfer: FileTransferRecord): void;
  /** A rule was fired by what was typed or copied. */
  alert(sessionId: string, rule: AlertRule, detail: string): Promise<void>;
  ended(sessionId: string, view: SessionView, end: SessionEnd): void;
  /** What came of its recording, after its end; once more where that was `left`. */
  recorded(sessionId: string, result: RecordingResult | 'left' | undefined): void;
};

/** What a worker that a browser came to does with it. */
export type WorkerAttachment =
  | (Extract<Attachment, { role: 'owner' }> & { readonly order: SessionOrder })
  | Extract<Attachment, { role: 'shadow' }>
  | ElsewhereAttachment;

/** A session to run from here on. */
export interface SessionOrder {
  readonly facts: SessionFacts;
  readonly record: RecordingMode;
  readonly freeze: Freeze | undefined;
}

/** `Credentials`; the bytes are the receiver's to wipe. */
export interface ClonedCredentials {
  readonly username: string;
  readonly domain: string;
  readonly password: Uint8Array;
}

const VIEW = [
  'recording',
  'security',
  'bytesFromServer',
  'bytesToBrowser',
  'startedAt',
  'endsAt',
  'lastInputAt',
  'idleSince',
  'frozen',
  'alerts',
  'recordingTrouble',
  'recordingHealth',
  'viewers',
] as const;

/** What can be seen of a session, as it was at one moment. */
export type SessionView = Pick<LiveSession, (typeof VIEW)[number] | 'state'> & {
  /** The number of the last order to freeze or release it that was carried out: `frozen` is older than the next one. */
  readonly obeyed: number;
};

/** Throws `MessageError` unless it is one: control works with what is in it. */
export function requireView(value: unknown): SessionView {
  const view = value as Partial<SessionView> | null;
  const phases: readonly unknown[] = ['pending', 'connecting', 'active', 'ended'];
  if (
    !phases.includes(view?.state?.name) ||
    !Number.isFinite(view?.endsAt) ||
    !Number.isInteger(view?.obeyed) ||
    ![view?.startedAt, view?.lastInputAt, view?.idleSince].every((at) => at === undefined || Number.isFinite(at)) ||
    !Array.isArray(view?.alerts) ||
    !Array.isArray(view?.viewers)
  ) {
    throw new MessageError('no view of a session');
  }
  return view as SessionView;
}

/** Of a session that runs here, what those elsewhere see. */
export function viewOf(session: LiveSession, obeyed: number): SessionView {
  const { state } = session;
  return {
    state: state.name === 'connecting' ? { name: state.name, phase: state.phase } : { name: state.name },
    obeyed,
    ...(Object.fromEntries(VIEW.map((name) => [name, session[name]])) as Omit<SessionView, 'state' | 'obeyed'>),
  };
}
