import type { GraphicsKind } from '#protocol/connector/graphics-offer.ts';
import type { SignInServices } from '../access/sign-in-services.ts';
import type { AlertRules } from '../alerts/alert-rules.ts';
import type { Alerts } from '../alerts/alerts.ts';
import type { Audit } from '../audit/audit.ts';
import type { Forwarder } from '../audit/forwarding/forwarder.ts';
import type { Receivers } from '../audit/forwarding/receivers.ts';
import type { Trail } from '../audit/trail.ts';
import type { Evidence, Verifications } from '../evidence/evidence.ts';
import type { LiveRecordings } from '../library/live-recordings.ts';
import type { NotificationServices } from '../notifications/notification-services.ts';
import type { Reports } from '../reports/reports.ts';
import type { AccessServices } from '../requests/access-services.ts';
import type { LegalHolds } from '../retention/legal-holds.ts';
import type { Retention } from '../retention/retention.ts';
import type { RetentionSettings } from '../retention/retention-settings.ts';
import type { StorageReport } from '../retention/storage-report.ts';
import type { AccessGuard } from '../sessions/access-guard.ts';
import type { SessionHistory } from '../sessions/session-history.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { Supervision } from '../sessions/supervision.ts';
import type { SettingsStore } from '../settings/settings.ts';
import type { Targets } from '../targets/targets.ts';
import type { Tickets } from '../tunnel/tickets.ts';
import type { AccountCredentials } from '../vault/account-credentials.ts';
import type { MasterPasswords } from '../vault/master-passwords.ts';
import type { Providers } from '../vault/providers/providers.ts';
import type { Rewrap } from '../vault/rewrap.ts';
import type { Rotations } from '../vault/rotation/rotations.ts';
import type { SecretUses } from '../vault/secret-uses.ts';
import type { VaultAccounts } from '../vault/vault-accounts.ts';
import type { ServedFile } from './send-file.ts';

/** What the API's routes work with. */
export interface Services extends SignInServices, NotificationServices, AccessServices {
  readonly audit: Audit;
  readonly trail: Trail;
  readonly receivers: Receivers;
  readonly forwarder: Forwarder;
  readonly reports: Reports;
  readonly accessGuard: AccessGuard;
  readonly targets: Targets;
  readonly rewrap: Rewrap;
  readonly rotations: Rotations;
  readonly vaultAccounts: VaultAccounts;
  readonly providers: Providers;
  readonly masterPasswords: MasterPasswords;
  readonly credentials: AccountCredentials;
  readonly secretUses: SecretUses;
  readonly settings: SettingsStore;
  readonly sessions: Sessions;
  readonly supervision: Supervision;
  readonly alertRules: AlertRules;
  readonly alerts: Alerts;
  readonly history: SessionHistory;
  readonly tickets: Tickets;
  readonly recordings: RecordingFiles;
  readonly evidence: Evidence;
  readonly verifications: Verifications;
  readonly retention: Retention;
  readonly retentionSettings: RetentionSettings;
  readonly holds: LegalHolds;
  readonly storageReport: () => Promise<StorageReport>;
  readonly live: LiveRecordings;
  /** What RDP servers are offered besides classic bitmaps. */
  readonly graphics: readonly GraphicsKind[];
  readonly version: string;
}

/** A finished recording's files, decrypted on the way; nothing where they are not there. */
export interface RecordingFiles {
  /** Rejects with `recording_unreadable` where the file is not as it was written, or its key is gone; `recording_unreachable` where its place does not answer. */
  video(id: string): Promise<ServedFile | undefined>;
  thumbnail(id: string): Promise<ServedFile | undefined>;
}
