import { type Kysely, type Migration, sql } from 'kysely';
import { oldestCredSsp } from './migrations/0004-oldest-credssp.ts';
import { access } from './migrations/0005-access.ts';
import { requests } from './migrations/0006-requests.ts';
import { signIn } from './migrations/0008-sign-in.ts';
import { notifications } from './migrations/0009-notifications.ts';
import { recordingKeys } from './migrations/0010-recording-keys.ts';
import { retention } from './migrations/0012-retention.ts';
import { eventText } from './migrations/0013-event-text.ts';
import { alertRules } from './migrations/0014-alert-rules.ts';
import { declinedMails } from './migrations/0016-declined-mails.ts';
import { vault } from './migrations/0017-vault.ts';
import { rotation } from './migrations/0018-rotation.ts';
import { directory } from './migrations/0019-directory.ts';
import { passkeys } from './migrations/0020-passkeys.ts';
import { auditChain } from './migrations/0021-audit-chain.ts';
import { forwardingAndHistory } from './migrations/0022-forwarding-and-history.ts';

/**
 * The steps from an empty file to today's tables, run in the order of their names at every start.
 * A step that was released is never changed: the next change is a new step.
 */
export const migrations: Record<string, Migration> = {
  '0001_first': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('users')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('username', sql`text collate nocase`, (column) => column.notNull().unique())
        .addColumn('password_hash', 'text', (column) => column.notNull())
        .addColumn('roles_json', 'text', (column) => column.notNull())
        .addColumn('disabled', 'integer', (column) => column.notNull())
        .addColumn('created_at', 'integer', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('login_sessions')
        .addColumn('token_hash', 'blob', (column) => column.primaryKey())
        .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
        .addColumn('created_at', 'integer', (column) => column.notNull())
        .addColumn('last_seen_at', 'integer', (column) => column.notNull())
        .addColumn('expires_at', 'integer', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('login_sessions_user').on('login_sessions').column('user_id').execute();
      await db.schema
        .createTable('targets')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('host', 'text', (column) => column.notNull())
        .addColumn('port', 'integer', (column) => column.notNull())
        .addColumn('nla', 'text', (column) => column.notNull())
        .addColumn('trusted_certificate', 'text')
        .addColumn('offered_certificate', 'text')
        .addColumn('demo', 'integer', (column) => column.notNull())
        .addColumn('created_at', 'integer', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('accounts')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('target_id', 'text', (column) => column.notNull().references('targets.id').onDelete('cascade'))
        .addColumn('username', 'text', (column) => column.notNull())
        .addColumn('domain', 'text', (column) => column.notNull())
        .addColumn('secret', 'blob', (column) => column.notNull())
        .addColumn('created_at', 'integer', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('accounts_target').on('accounts').column('target_id').execute();
      await db.schema
        .createTable('settings')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('value_json', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('sessions')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('user_id', 'text', (column) => column.notNull())
        .addColumn('username', 'text', (column) => column.notNull())
        .addColumn('target_id', 'text', (column) => column.notNull())
        .addColumn('target_name', 'text', (column) => column.notNull())
        .addColumn('account_id', 'text', (column) => column.notNull())
        .addColumn('account_username', 'text', (column) => column.notNull())
        .addColumn('width', 'integer', (column) => column.notNull())
        .addColumn('height', 'integer', (column) => column.notNull())
        .addColumn('created_at', 'integer', (column) => column.notNull())
        .addColumn('started_at', 'integer')
        .addColumn('ended_at', 'integer')
        .addColumn('end_code', 'text')
        .addColumn('recording', 'text', (column) => column.notNull())
        .addColumn('recording_duration_ms', 'integer')
        .addColumn('recording_bytes', 'integer')
        .execute();
      await db.schema.createIndex('sessions_created').on('sessions').column('created_at').execute();
      await db.schema
        .createTable('audit')
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('at', 'integer', (column) => column.notNull())
        .addColumn('actor_id', 'text')
        .addColumn('actor', 'text', (column) => column.notNull())
        .addColumn('address', 'text', (column) => column.notNull())
        .addColumn('action', 'text', (column) => column.notNull())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('session_id', 'text')
        .addColumn('details_json', 'text', (column) => column.notNull())
        .execute();
      // Append-only for every user of this file, not only for our own code.
      for (const verb of ['update', 'delete']) {
        await sql`create trigger ${sql.raw(`audit_no_${verb}`)} before ${sql.raw(verb)} on audit
          begin select raise(abort, 'audit is append-only'); end`.execute(db);
      }
    },
  },
  '0002_target_security': {
    async up(db: Kysely<unknown>) {
      // What there was before: trust on first use, no Restricted Admin mode, no standard RDP security. TLS below 1.2 was
      // taken without a word; that is now for the target to allow.
      for (const [name, type, value] of [
        ['certificate_trust', 'text', 'first_use'],
        ['minimum_tls', 'text', '1.2'],
        ['restricted_admin', 'integer', 0],
        ['legacy_security', 'text', 'refused'],
      ] as const) {
        await db.schema
          .alterTable('targets')
          .addColumn(name, type, (column) => column.notNull().defaultTo(value))
          .execute();
      }
    },
  },
  '0003_evidence': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('targets')
        .addColumn('input_log', 'text', (column) => column.notNull().defaultTo('counts'))
        .execute();
      await db.schema
        .createTable('verifications')
        .addColumn('session_id', 'text', (column) => column.primaryKey())
        .addColumn('at', 'integer', (column) => column.notNull())
        .addColumn('username', 'text', (column) => column.notNull())
        .addColumn('report_json', 'text', (column) => column.notNull())
        .execute();
    },
  },
  '0010_recording_keys': recordingKeys,
  '0012_retention': retention,
  '0013_event_text': eventText,
  '0014_alert_rules': alertRules,
  '0016_declined_mails': declinedMails,
  '0019_directory': directory,
  '0020_passkeys': passkeys,
  '0017_vault': vault,
  '0018_rotation': rotation,
  '0004_oldest_credssp': oldestCredSsp,
  '0005_access': access,
  '0006_requests': requests,
  '0008_sign_in': signIn,
  '0009_notifications': notifications,
  '0021_audit_chain': auditChain,
  '0022_forwarding_and_history': forwardingAndHistory,
};
