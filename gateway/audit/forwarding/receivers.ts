import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { GatewayError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import type { AuditReceiverRow } from '../../store/audit-schema.ts';
import { KeptQuery } from '../../store/kept-query.ts';
import type { Store } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Destination } from './delivery.ts';
import type { SyslogFormat } from './syslog.ts';

export const transports = ['tcp', 'tls'] as const;
export const confirmations = ['close', 'none'] as const;

export interface ReceiverFields {
  readonly name: string;
  readonly enabled: boolean;
  readonly format: SyslogFormat;
  readonly transport: Destination['transport'];
  readonly host: string;
  readonly port: number;
  readonly authorities: string;
  readonly clientCertificate: string;
  readonly confirmation: Destination['confirmation'];
}

/** Where the trail is forwarded to, and how far it has come. */
export interface Receiver extends ReceiverFields {
  readonly id: string;
  readonly hasClientKey: boolean;
  /** The last row that arrived. */
  readonly cursor: number;
  readonly maybe: number;
  readonly head: number;
  readonly sentAt: string | null;
  readonly lastError: string;
  readonly failedAt: string | null;
  readonly told: boolean;
}

export type ReceiverChange = Partial<ReceiverFields> & { readonly clientKey?: string | null };

/** How far a receiver has come. */
export interface Progress {
  readonly cursor?: number;
  readonly maybe?: number;
  readonly head?: number;
  readonly sentAt?: number;
  readonly lastError?: string;
  readonly failedAt?: number | null;
  readonly told?: boolean;
}

const ALL = new KeptQuery((store) => store.selectFrom('audit_receivers').selectAll().orderBy('name'));

/** What is set up to forward to. */
export class Receivers {
  readonly #store: Store;
  readonly #vault: Vault;

  constructor(store: Store, vault: Vault) {
    this.#store = store;
    this.#vault = vault;
  }

  async list(): Promise<Receiver[]> {
    return (await ALL.rows(this.#store)).map(toReceiver);
  }

  async get(id: string): Promise<Receiver> {
    return toReceiver(await this.#row(id));
  }

  async find(id: string): Promise<Receiver | undefined> {
    const row = await this.#store.selectFrom('audit_receivers').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toReceiver(row);
  }

  /** @param cursor the last row that it is not sent */
  async create(fields: ReceiverFields, clientKey: string | null, cursor: number): Promise<Receiver> {
    const id = newId();
    requireUsable(fields, clientKey ?? '');
    const key = clientKey === null || clientKey === '' ? null : this.#vault.seal(clientKey, sealName(id));
    await this.#guardName(
      this.#store
        .insertInto('audit_receivers')
        .values({ id, ...toColumns(fields), client_key: key, created_at: Date.now(), cursor })
        .execute(),
    );
    return this.get(id);
  }

  async change(id: string, { clientKey, ...change }: ReceiverChange): Promise<Receiver> {
    const row = await this.#row(id);
    const { clientKey: present, ...fields } = { ...toReceiver(row), clientKey: this.#keyOf(row) };
    const next = { ...fields, ...change };
    const key = clientKey === undefined ? present : (clientKey ?? '');
    requireUsable(next, key);
    const columns = { ...toColumns(next), client_key: key === '' ? null : this.#vault.seal(key, sealName(id)) };
    await this.#guardName(this.#store.updateTable('audit_receivers').set(columns).where('id', '=', id).execute());
    return this.get(id);
  }

  async remove(id: string): Promise<Receiver> {
    const removed = await this.get(id);
    await this.#store.deleteFrom('audit_receivers').where('id', '=', id).execute();
    return removed;
  }

  async destination(id: string): Promise<Destination> {
    const row = await this.#row(id);
    return { ...toReceiver(row), clientKey: this.#keyOf(row) };
  }

  async progress(id: string, progress: Progress): Promise<void> {
    const { cursor, maybe, head, sentAt, lastError, failedAt, told } = progress;
    await this.#store
      .updateTable('audit_receivers')
      .set({
        ...(cursor === undefined ? {} : { cursor }),
        ...(maybe === undefined ? {} : { maybe }),
        ...(head === undefined ? {} : { head }),
        ...(sentAt === undefined ? {} : { sent_at: sentAt }),
        ...(lastError === undefined ? {} : { last_error: lastError }),
        ...(failedAt === undefined ? {} : { failed_at: failedAt }),
        ...(told === undefined ? {} : { told: told ? 1 : 0 }),
      })
      .where('id', '=', id)
      .execute();
  }

  #keyOf(row: AuditReceiverRow): string {
    return row.client_key === null ? '' : this.#vault.open(Uint8Array.from(row.client_key), sealName(row.id));
  }

  async #row(id: string): Promise<AuditReceiverRow> {
    const row = await this.#store.selectFrom('audit_receivers').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) throw new GatewayError('not_found', 'there is no such receiver');
    return row;
  }

  async #guardName(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!/UNIQUE constraint failed: audit_receivers\.name/.test((error as Error).message)) throw error;
      throw new GatewayError('conflict', 'there is a receiver of this name already', { cause: error });
    }
  }
}

/** Throws `conflict` for certificates and keys that no connection could be made with. */
function requireUsable({ authorities, clientCertificate }: ReceiverFields, clientKey: string): void {
  const attempt = (what: string, check: () => unknown) => {
    try {
      check();
    } catch (cause) {
      throw new GatewayError('conflict', what, { cause });
    }
  };
  if (authorities !== '') attempt('the authorities are no certificates in PEM', () => new X509Certificate(authorities));
  if ((clientCertificate === '') !== (clientKey === '')) {
    throw new GatewayError('conflict', 'a client certificate and its key go together');
  }
  if (clientCertificate === '') return;
  attempt('the client certificate is no certificate in PEM', () => new X509Certificate(clientCertificate));
  attempt('the client key is no private key in PEM', () => createPrivateKey(clientKey));
  attempt('the client key is not that of the certificate', () =>
    createSecureContext({ cert: clientCertificate, key: clientKey }),
  );
}

function toColumns(fields: ReceiverFields) {
  const { name, enabled, format, transport, host, port, authorities, clientCertificate, confirmation } = fields;
  const texts = { name, format, transport, host, port, authorities, confirmation };
  return { ...texts, enabled: enabled ? 1 : 0, client_certificate: clientCertificate };
}

function toReceiver(row: AuditReceiverRow): Receiver {
  const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString());
  return {
    id: row.id,
    name: row.name,
    enabled: row.enabled === 1,
    format: row.format as SyslogFormat,
    transport: row.transport as Destination['transport'],
    host: row.host,
    port: row.port,
    authorities: row.authorities,
    clientCertificate: row.client_certificate,
    hasClientKey: row.client_key !== null,
    confirmation: row.confirmation as Destination['confirmation'],
    cursor: row.cursor,
    maybe: row.maybe,
    head: row.head,
    sentAt: iso(row.sent_at),
    lastError: row.last_error,
    failedAt: iso(row.failed_at),
    told: row.told === 1,
  };
}

function sealName(id: string): string {
  return `audit receiver ${id}`;
}
