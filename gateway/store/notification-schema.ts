import type { Selectable } from 'kysely';

/** The tables of telling people and programs. */
export interface NotificationSchema {
  notifications: NotificationsTable;
  outbox: OutboxTable;
  webhooks: WebhooksTable;
  declined_mails: DeclinedMailsTable;
}

/** What a person sees under the bell. */
export interface NotificationsTable {
  id: string;
  user_id: string;
  kind: string;
  title: string;
  text: string;
  path: string;
  created_at: number;
  read_at: number | null;
}

/** What is still to be sent, or was: kept until it arrived, whatever happens to the gateway. */
export interface OutboxTable {
  id: string;
  /** mail | webhook */
  channel: string;
  /** A mail address, or a webhook's id. */
  recipient: string;
  kind: string;
  /** Sealed for this row: a mail may carry links that only its recipient may have. */
  body: Uint8Array;
  created_at: number;
  /** waiting | sent | failed */
  state: string;
  attempts: number;
  next_at: number;
  done_at: number | null;
  last_error: string;
}

export interface WebhooksTable {
  id: string;
  name: string;
  url: string;
  kinds_json: string;
  /** Sealed for the id. */
  secret: Uint8Array;
  enabled: number;
  created_at: number;
}

/** One row: this person wants no mails of this kind. */
export interface DeclinedMailsTable {
  user_id: string;
  kind: string;
}

export type NotificationRow = Selectable<NotificationsTable>;
export type OutboxRow = Selectable<OutboxTable>;
export type WebhookRow = Selectable<WebhooksTable>;
