import type { Actor } from '../access/can.ts';
import type { ErrorCode } from '../errors.ts';
import type { ConnectionSecurity } from '../rdp/security.ts';
import type { CredentialPrompt, SuppliedCredential } from '../vault/account-credentials.ts';
import type { Download } from './file-downloads.ts';
import type { Freeze, Freezer } from './input-gate.ts';
import type { EndWords, RecordingHealth, RecordingResult } from './ports.ts';
import type { KeptAlert, SessionAlert, SessionFacts } from './session-contract.ts';
import type { OfSignIns, SeenViewer, ViewerInfo } from './session-viewers.ts';

/**
 * A session as the gateway sees it that lists, supervises and ends it, whichever process it runs in: `Session` in this
 * one, `WorkerSession` in another.
 */
export interface LiveSession {
  readonly id: string;
  readonly facts: SessionFacts;
  readonly state: LivePhase;
  readonly recording: 'off' | 'starting' | 'recording' | 'failed';
  /** What was negotiated with the server; once the desktop is there. */
  readonly security: ConnectionSecurity | undefined;
  readonly bytesFromServer: number;
  readonly bytesToBrowser: number;
  /** When the desktop was there. */
  readonly startedAt: number | undefined;
  /** When it ends at the latest, by the wall clock: with its access or its sign-in, or when it has lasted as long as it may. */
  readonly endsAt: number;
  /** When something was last typed or clicked; when the desktop was there, until then. */
  readonly lastInputAt: number | undefined;
  /** From when on idleness counts, if it does: the last input, or the end of a freeze since. */
  readonly idleSince: number | undefined;
  /** Since when and by whom the owner's input is held back, if it is. */
  readonly frozen: Freeze | undefined;
  /** What rules were fired by it, the newest last. */
  readonly alerts: readonly KeptAlert[];
  /** What its owner is asked for at present, before a connection can be made. */
  readonly asks: CredentialPrompt | undefined;
  /** What went wrong last with the recording; it may have passed. */
  readonly recordingTrouble: { readonly detail: string; readonly at: number } | undefined;
  /** How its recording is doing, as of the last time that the pixel host said so. */
  readonly recordingHealth: (RecordingHealth & { readonly reportedAt: number }) | undefined;
  readonly viewers: readonly SeenViewer[];
  /** What there is of the recording, once there will be no more of it. Nothing where none was begun. */
  readonly recordingFinished: Promise<RecordingResult | 'left' | undefined>;
  /** The owner's answer to what she is asked, or what she says before. It is kept until there is a connection. */
  supply(credential: SuppliedCredential): void;
  /**
   * Holds the owner's input back, and lets go of what is held down. A session that is frozen stays as it is.
   * @returns whether it was not before
   */
  freeze(by: Freezer, reason: string, since?: number): boolean;
  /** @returns whether it was frozen */
  unfreeze(by: Pick<Actor, 'id' | 'username'>, reason: string): boolean;
  /**
   * Types a secret where the caret is. It passes by all that looks at what the owner types.
   * @param secret UTF-16LE, for the caller to wipe
   * @param enter whether the Enter key is pressed after it
   */
  typeSecret(secret: Uint8Array, enter: boolean): void;
  /** Shows the owner a text. Throws `not_ready` while nobody is there to read it. */
  message(by: Pick<Actor, 'id' | 'username'>, text: string): void;
  /** A rule was fired. @param tell whether the owner is told @param typed what was typed, for a log that has all input */
  alerted(alert: SessionAlert, tell: boolean, typed?: string): void;
  /**
   * Somebody plays the recording of this session while it is made, and so sees it with a few seconds of delay.
   * @returns how to say that she no longer does
   */
  playing(info: ViewerInfo, announce: boolean): () => void;
  /** Somebody asks how far the recording is: for a while it should not be far behind. */
  recordingWatched(): void;
  /** Closes the live views of one user, who may no longer watch: all of hers, unless told. */
  dismissViewers(userId: string, code: ErrorCode, which?: OfSignIns): void;
  /**
   * Warns of its limits, and ends it at them.
   * @param wall milliseconds since the epoch, by the wall clock
   * @returns milliseconds for which there is nothing to look at, unless that clock is set
   */
  tick(wall: number): number;
  /** A file that was copied in the desktop. Rejects with `not_found`, `conflict`, `too_many_requests`, `connection_lost`. */
  download(list: number, index: number): Promise<Download>;
  /** Ends the session, from whatever state. The first reason is the one that counts. `detail` is for the log. */
  end(code: ErrorCode, detail?: string, words?: EndWords): void;
}

/** Where a session is. */
export type LivePhase =
  | { readonly name: 'pending' | 'active' | 'ended' }
  | {
      readonly name: 'connecting';
      /** Of the connection sequence. */
      readonly phase: string;
    };
