import type { RecordedEvent } from '../player/events.ts';
import { request, requestBytes } from './request.ts';
import type {
  Account,
  AccountType,
  ConnectionReport,
  EvidenceKey,
  InputLogPolicy,
  LegalHold,
  LiveRecording,
  Recording,
  RecordingRetention,
  Retention,
  RetentionRule,
  Role,
  Session,
  SessionEnd,
  Settings,
  StorageReport,
  Target,
  TargetSecurity,
  User,
  Verification,
  Verified,
  Watermarks,
} from './types.ts';
import type { AccountLookup } from './vault.ts';

export interface TargetFields extends TargetSecurity {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly inputLog: InputLogPolicy;
}

/** What is not said is as it usually is. */
export type NewTarget = Pick<TargetFields, 'name' | 'host' | 'port'> & Partial<TargetFields>;

export interface AccountFields {
  readonly username: string;
  readonly password?: string;
  readonly domain: string;
  readonly type: AccountType;
  readonly masterPassword: boolean;
  readonly providerId?: string;
  readonly lookup?: AccountLookup;
}

export interface SessionFields {
  /** The request that gives access; not needed where the policy asks nothing. */
  readonly requestId?: string;
  readonly targetId: string;
  readonly accountId: string;
  readonly width: number;
  readonly height: number;
  /** Windows keyboard layout identifier. */
  readonly keyboardLayout: number;
}

/** Which recordings; times in ISO 8601. All of these are optional. */
export interface RecordingFilter {
  readonly limit?: number;
  /** Only those that come after this one in the list. */
  readonly after?: string;
  readonly search?: string;
  readonly user?: string;
  readonly target?: string;
  readonly account?: string;
  readonly from?: string;
  readonly to?: string;
  readonly minSeconds?: number;
  readonly maxSeconds?: number;
  readonly state?: Recording['state'];
  readonly held?: boolean;
}

const id = encodeURIComponent;

/** The gateway's API, as functions. Each throws `ApiError`. */
export const gateway = {
  logout: () => request<void>('POST', '/logout'),
  changePassword: (current: string, password: string) => request<void>('POST', '/me/password', { current, password }),

  targets: (signal?: AbortSignal) => request<readonly Target[]>('GET', '/targets', undefined, signal),
  target: (target: string, signal?: AbortSignal) => request<Target>('GET', `/targets/${id(target)}`, undefined, signal),
  addTarget: (fields: NewTarget) => request<Target>('POST', '/targets', fields),
  changeTarget: (target: string, fields: Partial<TargetFields>) =>
    request<Target>('PATCH', `/targets/${id(target)}`, fields),
  removeTarget: (target: string) => request<void>('DELETE', `/targets/${id(target)}`),
  trustCertificate: (target: string, fingerprint?: string) =>
    request<Target>('POST', `/targets/${id(target)}/trust`, fingerprint === undefined ? {} : { fingerprint }),
  /** Tests the connection to a target, with one of its accounts or without. Takes up to a minute. */
  testTarget: (target: string, accountId: string | undefined, signal?: AbortSignal) =>
    request<ConnectionReport>(
      'POST',
      `/targets/${id(target)}/test`,
      accountId === undefined ? {} : { accountId },
      signal,
    ),
  testUnsavedTarget: (
    fields: TargetSecurity & { readonly host: string; readonly port: number },
    signal?: AbortSignal,
  ) => request<ConnectionReport>('POST', '/targets/test', fields, signal),
  addAccount: (target: string, fields: AccountFields) =>
    request<Account>('POST', `/targets/${id(target)}/accounts`, withoutEmpty(fields, 'domain')),
  changeAccount: (target: string, account: string, fields: Partial<AccountFields>) =>
    request<Account>('PATCH', `/targets/${id(target)}/accounts/${id(account)}`, fields),
  removeAccount: (target: string, account: string) =>
    request<void>('DELETE', `/targets/${id(target)}/accounts/${id(account)}`),

  sessions: (signal?: AbortSignal) => request<readonly Session[]>('GET', '/sessions', undefined, signal),
  session: (session: string, signal?: AbortSignal) =>
    request<Session>('GET', `/sessions/${id(session)}`, undefined, signal),
  /** How it ended; nothing while it goes on. */
  sessionEnd: (session: string, signal?: AbortSignal) =>
    request<{ end: SessionEnd | null }>('GET', `/sessions/${id(session)}/end`, undefined, signal),
  openSession: (fields: SessionFields) => request<{ id: string; ticket: string }>('POST', '/sessions', fields),
  watchSession: (session: string) => request<{ ticket: string }>('POST', `/sessions/${id(session)}/watch`),
  endSession: (session: string) => request<void>('DELETE', `/sessions/${id(session)}`),

  /** The newest first. */
  recordings: (filter: RecordingFilter, signal?: AbortSignal) =>
    request<readonly Recording[]>('GET', `/recordings${queryOf(filter)}`, undefined, signal),
  recording: (recording: string, signal?: AbortSignal) =>
    request<Recording>('GET', `/recordings/${id(recording)}`, undefined, signal),
  videoUrl: (recording: string) => `/api/recordings/${id(recording)}/video.mp4`,
  downloadUrl: (recording: string) => `/api/recordings/${id(recording)}/video.mp4?download=1`,
  thumbnailUrl: (recording: string) => `/api/recordings/${id(recording)}/thumbnail.jpg`,
  recordingEvents: (recording: string, signal?: AbortSignal) =>
    request<readonly RecordedEvent[]>('GET', `/recordings/${id(recording)}/events`, undefined, signal),
  /** The last check; null when there was none. */
  verification: (recording: string, signal?: AbortSignal) =>
    request<Verification | null>('GET', `/recordings/${id(recording)}/verification`, undefined, signal),
  verify: (recording: string) => request<Verification>('POST', `/recordings/${id(recording)}/verification`),
  verifyFile: (file: File) => request<Verified>('POST', '/evidence/check', file),
  liveRecording: (recording: string, signal?: AbortSignal) =>
    request<LiveRecording>('GET', `/recordings/${id(recording)}/live`, undefined, signal),
  /** What is new of a segment from this byte on. */
  liveSegment: (recording: string, segment: number, from: number, signal?: AbortSignal) =>
    requestBytes(`/recordings/${id(recording)}/live/${segment}?from=${from}`, signal),
  recordingRetention: (recording: string, signal?: AbortSignal) =>
    request<RecordingRetention>('GET', `/recordings/${id(recording)}/retention`, undefined, signal),
  holdRecording: (recording: string, reason: string) =>
    request<LegalHold>('POST', `/recordings/${id(recording)}/hold`, { reason }),
  liftHold: (recording: string) => request<void>('DELETE', `/recordings/${id(recording)}/hold`),
  storage: (signal?: AbortSignal) => request<StorageReport>('GET', '/storage', undefined, signal),
  retention: (signal?: AbortSignal) => request<Retention>('GET', '/retention', undefined, signal),
  believeClock: () => request<void>('POST', '/retention/clock'),
  changeRetention: (change: { default?: RetentionRule; watermarks?: Watermarks }) =>
    request<Retention>('PATCH', '/retention', change),
  changeTargetRetention: (target: string, rule: RetentionRule) =>
    request<Retention>('PATCH', `/retention/targets/${id(target)}`, rule),
  removeTargetRetention: (target: string) => request<void>('DELETE', `/retention/targets/${id(target)}`),
  evidenceUrl: (recording: string) => `/api/recordings/${id(recording)}/evidence.zip`,
  evidenceKey: (signal?: AbortSignal) => request<EvidenceKey>('GET', '/evidence/public-key', undefined, signal),

  users: (signal?: AbortSignal) => request<readonly User[]>('GET', '/users', undefined, signal),
  addUser: (fields: { username: string; password: string; roles: readonly Role[]; email?: string | null }) =>
    request<User>('POST', '/users', fields),
  changeUser: (
    user: string,
    fields: { password?: string; roles?: readonly Role[]; disabled?: boolean; email?: string | null },
  ) => request<User>('PATCH', `/users/${id(user)}`, fields),
  removeUser: (user: string) => request<void>('DELETE', `/users/${id(user)}`),

  settings: (signal?: AbortSignal) => request<Settings>('GET', '/settings', undefined, signal),
  changeSettings: (settings: Partial<Settings>) => request<Settings>('PATCH', '/settings', settings),
};

function withoutEmpty<T extends object>(fields: T, name: keyof T): Partial<T> {
  const { [name]: value, ...rest } = fields;
  return value === '' ? (rest as Partial<T>) : fields;
}

/** `?name=value&…` of what is there; nothing when nothing is. */
function queryOf(fields: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  return query.size === 0 ? '' : `?${query}`;
}
