import { type InputLogPolicy, inputLogPolicies } from '../sessions/input-log.ts';
import type { TimeWindow } from './time-windows.ts';

export const recordingModes = ['off', 'on', 'required'] as const;
/** `on`: recorded, and goes on when the recording fails. `required`: no recording, no session. */
export type RecordingMode = (typeof recordingModes)[number];

/** As seen from the browser. */
export const transferDirections = ['none', 'to-remote', 'from-remote', 'both'] as const;
export type TransferDirection = (typeof transferDirections)[number];

/** So many of a group say yes. Without a group: of whoever is an approver. */
export interface ApprovalStep {
  readonly needed: number;
  readonly group: string | null;
}

/** What access under a policy asks of the user, and what it gives. */
export interface PolicyRules {
  /** One after the other; none: access is granted by the policy itself. */
  readonly steps: readonly ApprovalStep[];
  /** Whether access may be had without approval, loudly and with a review afterwards. */
  readonly emergency: boolean;
  readonly reasonRequired: boolean;
  /** Codes that a reason is one of; none: any words. */
  readonly reasonCodes: readonly string[];
  readonly commentRequired: boolean;
  readonly ticketRequired: boolean;
  /** A regular expression for the whole number. */
  readonly ticketPattern: string | null;
  /** Asked whether a number is that of a ticket. HTTP or HTTPS. */
  readonly ticketWebhook: string | null;
  /** What a request gets that names no duration, and what it may get at most. */
  readonly defaultMinutes: number;
  readonly maxMinutes: number;
  readonly minutesChangeable: boolean;
  /** How long a request waits to be decided. */
  readonly pendingMinutes: number;
  /** When sessions may be opened; none: always. Emergencies do not wait. */
  readonly windows: readonly TimeWindow[];
  readonly timeZone: string;
  /** Null: as the gateway is set up. */
  readonly recording: RecordingMode | null;
  /** What of keyboard and mouse the event log keeps. Null: as the target says. */
  readonly inputLog: InputLogPolicy | null;
  readonly liveView: boolean;
  /** Whether the owner is told of a live view. Null: as the settings say. */
  readonly liveViewAnnounced: boolean | null;
  /** Without keyboard or mouse for this long, a session ends. 0: never. */
  readonly idleMinutes: number;
  /** How long one session lasts at most. 0: as long as access does. */
  readonly sessionMinutes: number;
  /** When a session is warned of its end, in minutes before it. */
  readonly warnMinutes: readonly number[];
  readonly clipboard: TransferDirection;
  readonly files: TransferDirection;
  /** From the first session until it is given back, an account is its holder's alone. */
  readonly exclusive: boolean;
  /** Sessions with one account at a time; 0: any number. */
  readonly maxSessions: number;
  /** Whether the password of an account may be shown to whoever has access. */
  readonly reveal: boolean;
  /** Whether the gateway types it into a session when its owner says so. */
  readonly typeSecret: boolean;
  /** Whether those who watch over the vault are told of either. */
  readonly secretNotice: boolean;
  /** Whether the user's master password is asked for at each use of a password that is kept here. */
  readonly masterPassword: boolean;
  /** Whether a second factor is asked for at each connect. */
  readonly stepUp: boolean;
  /** Whether somebody has to look at it afterwards. */
  readonly review: boolean;
  /** Who may review; null: every auditor. */
  readonly reviewGroup: string | null;
}

export const MAX_MINUTES = 30 * 24 * 60;

export const defaultRules: PolicyRules = {
  steps: [],
  emergency: false,
  reasonRequired: false,
  reasonCodes: [],
  commentRequired: false,
  ticketRequired: false,
  ticketPattern: null,
  ticketWebhook: null,
  defaultMinutes: 60,
  maxMinutes: 480,
  minutesChangeable: true,
  pendingMinutes: 24 * 60,
  windows: [],
  timeZone: 'UTC',
  recording: null,
  inputLog: null,
  liveView: true,
  liveViewAnnounced: null,
  idleMinutes: 10,
  sessionMinutes: 0,
  warnMinutes: [5, 1],
  clipboard: 'both',
  files: 'both',
  exclusive: false,
  maxSessions: 0,
  reveal: false,
  typeSecret: false,
  secretNotice: true,
  masterPassword: false,
  stepUp: false,
  review: false,
  reviewGroup: null,
};

/** Rules as they are stored: what a field says that is not understood, counts as its strictest. */
export function readRules(json: string): PolicyRules {
  const stored = JSON.parse(json) as Partial<PolicyRules>;
  const rules = { ...defaultRules, ...stored };
  const known = <T>(list: readonly T[], value: T, strictest: T) => (list.includes(value) ? value : strictest);
  return {
    ...rules,
    defaultMinutes: stored.defaultMinutes ?? Math.min(defaultRules.defaultMinutes, rules.maxMinutes),
    recording: rules.recording === null ? null : known(recordingModes, rules.recording, 'required'),
    inputLog: rules.inputLog === null ? null : known(inputLogPolicies, rules.inputLog, 'full'),
    clipboard: known(transferDirections, rules.clipboard, 'none'),
    files: known(transferDirections, rules.files, 'none'),
  };
}

/** Whether a session may simply be opened: nothing has to be asked for first. */
export function needsNoRequest(rules: PolicyRules): boolean {
  return rules.steps.length === 0 && !rules.reasonRequired && !rules.commentRequired && !rules.ticketRequired;
}
