/** What a session is given, what it tells, and where it is. */

import type { InputEvent } from '#protocol/pdu/input.ts';
import type { SessionEnd } from '#protocol/tunnel/sink.ts';
import type { Actor } from '../access/can.ts';
import type { RecordingMode } from '../access/policy-rules.ts';
import type { Logger } from '../log.ts';
import type { Downgrade } from '../rdp/security.ts';
import type { CertificateFacts, TrustDecision } from '../rdp/trust.ts';
import type { Account, Credentials, Target } from '../targets/targets.ts';
import type { AskUser, CredentialPrompt } from '../vault/account-credentials.ts';
import type { FileTransferRecord } from './file-transfer.ts';
import type { Connect, Driver, Owner, Pixels, RecordingResult } from './ports.ts';
import type { ClipboardDirection, ClipboardInspection } from './session-clipboard.ts';
import type { SessionTerms } from './session-terms.ts';

/** What a session is about; never changes. */
export interface SessionFacts {
  readonly id: string;
  readonly user: Pick<Actor, 'id' | 'username'>;
  readonly address: string;
  /** How the user signed in: a name for it, never the token itself. When that ends, by the wall clock, so does the session. */
  readonly signIn?: { readonly reference: string; readonly at: number; readonly endsAt: number } | undefined;
  readonly target: Target;
  readonly account: Account;
  readonly width: number;
  readonly height: number;
  readonly keyboardLayout: number;
  readonly createdAt: number;
  /** What its policy says of it. */
  readonly terms: SessionTerms;
}

/** What the gateway's books and vault do for a session. */
export interface SessionBacking {
  readonly record: RecordingMode;
  /** Makes the key that this session's recording is encrypted with. */
  createRecordingKey(): Promise<Uint8Array>;
  /** How long a session waits for its owner's browser. */
  readonly attachWithinMs: number;
  /**
   * @param ask has the owner say what only she knows
   * @param again why she is asked again, where the connection is one more of the same session
   */
  readCredentials(ask: AskUser, again: CredentialPrompt['again']): Promise<Credentials>;
  trustCertificate(certificate: CertificateFacts): Promise<boolean | TrustDecision>;
}

export interface SessionParts extends SessionBacking {
  readonly connect: Connect;
  readonly pixels: Pixels;
  readonly log: Logger;
}

/** What the gateway's books are told of a session. */
export interface SessionNews {
  /** A file went through the clipboard, or did not get all the way. */
  fileTransferred?(transfer: FileTransferRecord): void;
  /** The desktop is there. */
  connected(): void;
  /** A connection that was lost is back. */
  reconnected?(): void;
  /** The connection is protected less than it could be; comes again when that changes. */
  downgraded(downgrades: readonly Downgrade[]): void;
  ended(end: SessionEnd): void;
  /** A recording that was left unfinished at the end is there now, or is known not to come. */
  recordingFinishedLater?(result: RecordingResult | undefined): void;
}

export interface SessionEvents extends SessionNews {
  /** Looks at input before the server gets it. Without one, all of it goes through. */
  inspect?(events: readonly InputEvent[]): Inspection;
  /** Looks at text before it passes through the clipboard. Without one, all of it does. */
  inspectClipboard?(text: string, direction: ClipboardDirection): ClipboardInspection;
}

/** What becomes of input that was looked at. */
export interface Inspection {
  /** So many of the events go to the server, the first ones. */
  readonly pass: number;
  /** What is done once they have. */
  readonly act?: (() => void) | undefined;
}

/** A rule of the alerts that was fired by a session. */
export interface SessionAlert {
  readonly rule: { readonly id: string; readonly name: string };
  readonly kind: string;
  readonly action: string;
  /** In words, without anything that was typed. */
  readonly detail: string;
  readonly at: number;
}

/** One that is kept for who looks at the session. */
export interface KeptAlert extends SessionAlert {
  /** Whether the owner was told: otherwise it is none of her business. */
  readonly told: boolean;
}

/** Where a session is. Each phase carries what only it has; `#enter…` and `end` are the only ways between. */
export type SessionState =
  /** Made, and waiting for the owner's browser. */
  | { readonly name: 'pending'; readonly expiry: NodeJS.Timeout }
  /** The owner is there; the desktop is not yet. The driver comes after the recorder. */
  | { readonly name: 'connecting'; readonly owner: Owner; readonly driver: Driver | undefined; readonly phase: string }
  | { readonly name: 'active'; readonly owner: Owner; readonly driver: Driver; readonly since: number }
  | { readonly name: 'ended'; readonly end: SessionEnd; readonly at: number };
