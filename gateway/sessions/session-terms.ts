import type { PolicyRules, RecordingMode, TransferDirection } from '../access/policy-rules.ts';
import type { InputLogPolicy } from './input-log.ts';

/** What the policy that a session was opened under says of it; never changes while it lasts. */
export interface SessionTerms {
  readonly requestId: string;
  readonly entitlementId: string;
  readonly policy: { readonly id: string; readonly name: string };
  readonly emergency: boolean;
  /** What was said when access was asked for; empty where nothing was. */
  readonly reason: string;
  readonly ticket: string;
  /** When access ends, by the wall clock. */
  readonly endsAt: number;
  /** How long the session lasts at most. 0: as long as access does. */
  readonly sessionMs: number;
  /** How long nothing may be typed or clicked. 0: for ever. */
  readonly idleMs: number;
  /** So long before an end, its owner is warned. */
  readonly warnMs: readonly number[];
  /** Null: as the gateway is set up. */
  readonly recording: RecordingMode | null;
  /** Null: as the target says. */
  readonly inputLog: InputLogPolicy | null;
  readonly liveView: boolean;
  /** Null: as the settings say. */
  readonly liveViewAnnounced: boolean | null;
  /** Whether the account's password may be typed into it, and whether somebody is told. */
  readonly typeSecret: boolean;
  readonly secretNotice: boolean;
  /** Whether the user's master password is asked for. */
  readonly masterPassword: boolean;
  readonly clipboard: TransferDirection;
  readonly files: TransferDirection;
}

export function termsOf(
  rules: PolicyRules,
  access: Pick<SessionTerms, 'requestId' | 'entitlementId' | 'policy' | 'emergency' | 'reason' | 'ticket' | 'endsAt'>,
): SessionTerms {
  const ms = (minutes: number) => minutes * 60_000;
  return {
    ...access,
    sessionMs: ms(rules.sessionMinutes),
    idleMs: ms(rules.idleMinutes),
    warnMs: rules.warnMinutes.map(ms),
    recording: rules.recording,
    inputLog: rules.inputLog,
    liveView: rules.liveView,
    liveViewAnnounced: rules.liveViewAnnounced,
    typeSecret: rules.typeSecret,
    secretNotice: rules.secretNotice,
    masterPassword: rules.masterPassword,
    clipboard: rules.clipboard,
    files: rules.files,
  };
}
