import type { Audit } from '../audit/audit.ts';
import type { Logger } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { Mail, type MailBody } from './mail.ts';
import { MailPreferences } from './mail-preferences.ts';
import { Notifications } from './notifications.ts';
import { Outbox } from './outbox.ts';
import { NotificationRulesStore } from './rules.ts';
import { Webhooks } from './webhooks.ts';

export interface NotificationServices {
  readonly notifications: Notifications;
  readonly notificationRules: NotificationRulesStore;
  readonly mail: Mail;
  readonly mailPreferences: MailPreferences;
  readonly webhooks: Webhooks;
  readonly outbox: Outbox;
}

export interface NotificationServicesParts {
  readonly store: Store;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly log: Logger;
  publicUrl(): string;
}

/** Puts together what tells people and programs. The outbox sends once it is started. */
export function createNotificationServices(parts: NotificationServicesParts): NotificationServices {
  const { store, vault, audit, log, publicUrl } = parts;
  const mail = new Mail(store, vault);
  const webhooks = new Webhooks(store, vault);
  const notificationRules = new NotificationRulesStore(store);
  const mailPreferences = new MailPreferences(store, notificationRules, mail);
  const outbox = new Outbox({
    store,
    vault,
    audit,
    log,
    carriers: {
      mail: (parcel) => mail.send(parcel, parcel.body as MailBody),
      webhook: (parcel) => webhooks.send(parcel),
    },
  });
  const notifications = new Notifications({
    store,
    rules: notificationRules,
    mail,
    mailPreferences,
    webhooks,
    outbox,
    publicUrl,
  });
  return { notifications, notificationRules, mail, mailPreferences, webhooks, outbox };
}
