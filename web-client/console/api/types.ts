/** What the API gives, as far as the pages use it. The gateway describes it all in /api/openapi.json. */

import type { SessionQuestion } from './vault.ts';

export type Role =
  | 'user'
  | 'approver'
  | 'session-admin'
  | 'auditor'
  | 'vault-admin'
  | 'policy-admin'
  | 'system-admin'
  | 'admin';

export interface User {
  readonly id: string;
  readonly username: string;
  readonly roles: readonly Role[];
  readonly disabled: boolean;
  readonly createdAt: string;
  readonly email: string | null;
  /** Without one the user signs in through single sign-on only. */
  readonly hasPassword: boolean;
  /** Two-step sign-in is set up. */
  readonly secondFactor: boolean;
  /** The name that people know, as the directory has it. */
  readonly displayName: string | null;
  readonly directoryAccount: { readonly username: string; readonly domain: string } | null;
}

export interface Account {
  readonly id: string;
  /** Empty: whoever connects says it, or is it. */
  readonly username: string;
  readonly domain: string;
  readonly type: AccountType;
  /** Whether its users give their master password for it. */
  readonly masterPassword: boolean;
}

/** Where the password is: kept here, asked of whoever connects, of her directory account, with a provider. */
export type AccountType = 'vaulted' | 'prompted' | 'directory' | 'provider';

export type NlaPolicy = 'required' | 'preferred' | 'never';

export type CertificateTrust = 'first_use' | 'pinned' | 'system';
export type TlsVersion = '1.0' | '1.1' | '1.2' | '1.3';
export type InputLogPolicy = 'full' | 'counts' | 'off';

/** What a connection to a target must be at least. */
export interface TargetSecurity {
  readonly nla: NlaPolicy;
  readonly certificateTrust: CertificateTrust;
  readonly minimumTls: TlsVersion;
  readonly restrictedAdmin: boolean;
  readonly legacySecurity: 'refused' | 'accepted';
  /** 2 to 6. */
  readonly oldestCredSsp: number;
}

export interface Target extends TargetSecurity {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly inputLog: InputLogPolicy;
  readonly demo: boolean;
  /** SHA-256 fingerprints: of the certificate that is trusted, and of another that the server showed since. */
  readonly certificate: { readonly trusted: string | null; readonly offered: string | null };
  readonly createdAt: string;
  readonly accounts: readonly Account[];
}

interface Named {
  readonly id: string;
  readonly name: string;
}

interface Person {
  readonly id: string;
  readonly username: string;
}

export interface ConnectionSecurity {
  readonly protocol: 'hybrid_ex' | 'hybrid' | 'ssl' | 'rdstls' | 'rdp';
  /** Version, where there was NLA. */
  readonly credSsp: number | null;
  readonly tls: TlsVersion | null;
  readonly cipher: string | null;
  /** SHA-256 of the server's certificate. */
  readonly certificate: string | null;
}

/** How a session ended, in the gateway's words. */
export interface SessionEnd {
  readonly at: string;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

export interface Session {
  readonly id: string;
  readonly state: 'pending' | 'connecting' | 'active';
  readonly user: Person;
  readonly target: Named;
  readonly account: Person;
  readonly width: number;
  readonly height: number;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly phase: string | null;
  /** What the connection came to; null before it did. */
  readonly security: ConnectionSecurity | null;
  readonly bytesFromServer: number;
  readonly bytesToBrowser: number;
  readonly viewers: readonly { readonly username: string; readonly since: string }[];
  readonly recording: 'off' | 'starting' | 'recording' | 'failed';
  /** When the recording was last in trouble, which may have passed. */
  readonly recordingTrouble: string | null;
  /** What the recorder said last; null where nothing is recorded, or it has not said anything yet. */
  readonly recordingHealth: RecordingHealth | null;
  readonly frozen: { readonly by: string; readonly reason: string; readonly since: string } | null;
  readonly alerts: readonly {
    readonly rule: Named;
    readonly kind: string;
    readonly action: string;
    readonly detail: string;
    readonly at: string;
  }[];
  readonly endsAt: string;
  /** What its owner is asked for before it can be connected. */
  readonly asks: SessionQuestion | null;
  /** Whether its owner may have the password of the account typed. */
  readonly typesSecret: boolean;
  readonly lastInputAt: string | null;
}

export interface RecordingHealth {
  readonly segments: number;
  readonly segmentStartedAt: string | null;
  /** Of video, written so far. */
  readonly bytes: number;
  /** How long the oldest change of the picture waits to get into the video. */
  readonly behindMs: number;
  /** When everything until then was made durable. */
  readonly savedAt: string | null;
  readonly reportedAt: string;
}

export interface Recording {
  readonly id: string;
  readonly state: 'recording' | 'finishing' | 'ready' | 'failed' | 'deleted';
  readonly user: Person;
  readonly target: Named;
  readonly account: Person;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly endCode: string | null;
  readonly durationMs: number | null;
  readonly bytes: number | null;
  /** Under legal hold. */
  readonly held: boolean;
  readonly deletedAt: string | null;
  readonly deletedBy: 'age' | 'size' | null;
  /** With a search: where its words are in the events, milliseconds of the video. */
  readonly found?: readonly { readonly at: number; readonly text: string }[];
}

/** A recording that goes on, as far as it is. Times are milliseconds of the video. */
export interface LiveRecording {
  readonly now: number;
  readonly segments: readonly { readonly startMs: number; readonly ended: boolean }[];
}

/** What a target's recordings may come to; null: no limit. */
export interface RetentionRule {
  readonly maxAgeDays: number | null;
  readonly maxBytes: number | null;
}

export interface Watermarks {
  readonly warnFreeBytes: number;
  readonly stopFreeBytes: number;
}

export interface LegalHold {
  readonly at: string;
  readonly by: string;
  readonly reason: string;
}

/** How long one recording is kept. */
export interface RecordingRetention {
  readonly rule: RetentionRule;
  readonly keptUntil: string | null;
  readonly hold: LegalHold | null;
}

/** What recordings take, how fast that grows, and how long there is room for it. */
export interface StorageReport {
  readonly state: 'ok' | 'low' | 'full' | 'unknown';
  readonly freeBytes: number | null;
  readonly totalBytes: number | null;
  readonly watermarks: Watermarks;
  readonly recordings: number;
  readonly bytes: number;
  readonly held: { readonly recordings: number; readonly bytes: number };
  readonly bytesPerDay: number;
  readonly daysLeft: number | null;
  readonly lastSweep: { readonly at: string; readonly deleted: number } | null;
  readonly clockDoubt: { readonly lastSeen: string; readonly since: string; readonly until: string } | null;
  readonly targets: readonly TargetStorage[];
}

export interface TargetStorage {
  readonly target: Named;
  readonly recordings: number;
  readonly bytes: number;
  readonly minutes: number;
  readonly kbPerMinute: number | null;
  readonly bytesPerDay: number;
  readonly rule: RetentionRule;
  readonly ownRule: boolean;
  readonly bytesInTheEnd: number | null;
}

export interface Retention {
  readonly default: RetentionRule;
  readonly targets: readonly { readonly target: Named; readonly rule: RetentionRule }[];
  readonly watermarks: Watermarks;
}

/** What a check of a recording's evidence came to. */
export interface Verified {
  readonly verdict: 'whole' | 'altered' | 'cut-short' | 'no-evidence';
  /** The report in words, several lines. */
  readonly text: string;
  readonly report: {
    /** Where one of this gateway's keys signed it. */
    readonly recording: { readonly session: string } | null;
    /** What is not as it was signed, the first first. */
    readonly findings: readonly VerificationFinding[];
    /** Of a file that is cut short and else as it was signed: the video's time, in milliseconds, up to which that is sure. */
    readonly untilMs?: number;
  };
}

/** Something that is not as it was signed, and where: in the video's time, in the events (from 0), in the file's bytes. */
export interface VerificationFinding {
  readonly message: string;
  readonly fromMs?: number;
  readonly untilMs?: number;
  readonly event?: number;
  readonly start?: number;
  readonly end?: number;
}

export interface Verification extends Verified {
  readonly at: string;
  readonly by: string;
}

export interface EvidenceKey {
  readonly algorithm: 'Ed25519';
  /** SHA-256 of the key's DER form, hex. */
  readonly id: string;
  readonly pem: string;
}

export interface AuditEntry {
  readonly id: number;
  readonly at: string;
  readonly actorId: string | null;
  readonly actor: string;
  readonly address: string;
  readonly action: string;
  readonly outcome: 'done' | 'refused';
  readonly subject: string;
  readonly sessionId: string | null;
  readonly hash: string;
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

export interface Settings {
  readonly announceShadow: boolean;
}

/** What testing a connection came to. */
export interface ConnectionReport {
  readonly host: string;
  readonly port: number;
  readonly durationMs: number;
  readonly verdict: 'ok' | 'warning' | 'failed';
  readonly steps: readonly ReportStep[];
}

export interface ReportStep {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly summary: string;
  readonly facts: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  readonly durationMs: number;
  readonly diagnoses: readonly ReportDiagnosis[];
}

export interface ReportDiagnosis {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  readonly cause: string;
  readonly fix: string;
  readonly detail?: string;
}
