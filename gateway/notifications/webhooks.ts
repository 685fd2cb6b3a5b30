import { createHmac, randomBytes } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { WebhookRow } from '../store/notification-schema.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { type NotificationKind, notificationKinds } from './kinds.ts';
import { type Parcel, Undeliverable } from './outbox.ts';

/** A program that is told. */
export interface Webhook {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly kinds: readonly NotificationKind[];
  readonly enabled: boolean;
  readonly createdAt: string;
}

export interface WebhookFields {
  readonly name: string;
  readonly url: string;
  readonly kinds: readonly NotificationKind[];
  readonly enabled: boolean;
}

const TIMEOUT_MS = 15_000;
const SECRET_SIZE = 32;

/** Webhooks as the Standard Webhooks specification has them: signed, with an id and a time under the signature. */
export class Webhooks {
  readonly #store: Store;
  readonly #vault: Vault;

  constructor(store: Store, vault: Vault) {
    this.#store = store;
    this.#vault = vault;
  }

  async list(store: Store = this.#store): Promise<Webhook[]> {
    const rows = await store.selectFrom('webhooks').selectAll().orderBy('name').execute();
    return rows.map(toWebhook);
  }

  async get(id: string): Promise<Webhook> {
    return toWebhook(await this.#row(id));
  }

  /** The secret is told this once. */
  async create(fields: WebhookFields): Promise<Webhook & { readonly secret: string }> {
    const id = newId();
    const secret = `whsec_${randomBytes(SECRET_SIZE).toString('base64')}`;
    const row: WebhookRow = {
      id,
      name: fields.name,
      url: fields.url,
      kinds_json: JSON.stringify(fields.kinds),
      secret: this.#vault.seal(secret, sealName(id)),
      enabled: fields.enabled ? 1 : 0,
      created_at: Date.now(),
    };
    await this.#store.insertInto('webhooks').values(row).execute();
    return { ...toWebhook(row), secret };
  }

  async change(id: string, change: Partial<WebhookFields>): Promise<Webhook> {
    await this.#row(id);
    await this.#store
      .updateTable('webhooks')
      .where('id', '=', id)
      .set({
        id,
        ...(change.name === undefined ? {} : { name: change.name }),
        ...(change.url === undefined ? {} : { url: change.url }),
        ...(change.kinds === undefined ? {} : { kinds_json: JSON.stringify(change.kinds) }),
        ...(change.enabled === undefined ? {} : { enabled: change.enabled ? 1 : 0 }),
      })
      .execute();
    return this.get(id);
  }

  /** What waits for it is not sent any more. */
  async remove(id: string): Promise<Webhook> {
    const removed = await this.get(id);
    await this.#store.deleteFrom('webhooks').where('id', '=', id).execute();
    return removed;
  }

  /** Posts one. Anything but a 2xx is a failure; a redirect too, for the signature was meant for that address only. */
  async send(parcel: Parcel): Promise<void> {
    const row = await this.#store
      .selectFrom('webhooks')
      .selectAll()
      .where('id', '=', parcel.recipient)
      .executeTakeFirst();
    if (row === undefined) throw new Undeliverable('the webhook was removed');
    if (row.enabled === 0) throw new Error('the webhook is turned off');
    const body = JSON.stringify(parcel.body);
    const timestamp = String(Math.floor(Date.now() / 1000));
    const response = await fetch(row.url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        'Content-Type': 'application/json',
        'User-Agent': 'Oriel',
        'webhook-id': parcel.id,
        'webhook-timestamp': timestamp,
        'webhook-signature': signatureOf(
          this.#vault.open(Uint8Array.from(row.secret), sealName(row.id)),
          parcel.id,
          timestamp,
          body,
        ),
      },
      body,
    });
    await response.body?.cancel();
    if (response.status === 410) throw new Undeliverable('the receiver says that it is gone (410)');
    if (!response.ok) throw new Error(`the receiver answered ${response.status}`);
  }

  async #row(id: string): Promise<WebhookRow> {
    const row = await this.#store.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) throw new GatewayError('not_found', 'there is no such webhook');
    return row;
  }
}

/** Standard Webhooks: `v1,` and the HMAC-SHA-256 of `id.timestamp.body`, under the key behind `whsec_`. */
export function signatureOf(secret: string, id: string, timestamp: string, body: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

function sealName(id: string): string {
  return `webhook ${id}`;
}

function toWebhook(row: WebhookRow): Webhook {
  const stored = JSON.parse(row.kinds_json) as string[];
  return {
    id: row.id,
    name: row.name,
    url: row.url,
    kinds: notificationKinds.filter((kind) => stored.includes(kind)),
    enabled: row.enabled !== 0,
    createdAt: new Date(row.created_at).toISOString(),
  };
}
