import { createTransport } from 'nodemailer';
import { SettingsDocument } from '../settings/document.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { type Parcel, Undeliverable } from './outbox.ts';

/** `starttls` and `tls`: with a certificate that this machine's authorities vouch for. `none`: a relay on this host. */
export const mailSecurities = ['starttls', 'tls', 'none'] as const;

export interface MailSettings {
  readonly enabled: boolean;
  readonly host: string;
  readonly port: number;
  readonly security: (typeof mailSecurities)[number];
  /** Empty: the server takes mail without a sign-in. */
  readonly username: string;
  readonly from: string;
}

export interface MailSettingsView extends MailSettings {
  readonly hasPassword: boolean;
}

/** What a mail says; the recipient is the parcel's. */
export interface MailBody {
  readonly subject: string;
  readonly text: string;
}

const defaults: MailSettings & { readonly sealedPassword: string | null } = {
  enabled: false,
  host: '',
  port: 587,
  security: 'starttls',
  username: '',
  from: '',
  sealedPassword: null,
};

const SEAL_NAME = 'smtp password';
const TIMEOUT_MS = 30_000;

/** Mail by SMTP, as an administrator has set it up. */
export class Mail {
  readonly #document: SettingsDocument<typeof defaults>;
  readonly #vault: Vault;

  constructor(store: Store, vault: Vault) {
    this.#document = new SettingsDocument(store, 'mail', defaults);
    this.#vault = vault;
  }

  async read(store?: Store): Promise<MailSettingsView> {
    const { sealedPassword, ...settings } = await this.#document.read(store);
    return { ...settings, hasPassword: sealedPassword !== null };
  }

  /** @param change `password`: null takes it away */
  async change(change: Partial<MailSettings> & { readonly password?: string | null }): Promise<MailSettingsView> {
    const { password, ...rest } = change;
    const sealedPassword =
      typeof password === 'string' ? Buffer.from(this.#vault.seal(password, SEAL_NAME)).toString('base64') : null;
    await this.#document.change({ ...rest, ...(password === undefined ? {} : { sealedPassword }) });
    return this.read();
  }

  /** Hands a mail to the server. Throws `Undeliverable` when the server will never take it for that recipient. */
  async send(parcel: Pick<Parcel, 'id' | 'recipient' | 'kind'>, { subject, text }: MailBody): Promise<void> {
    const settings = await this.#document.read();
    if (settings.host === '' || settings.from === '') throw new Error('no mail server is set up');
    const { host, port, security, username, sealedPassword } = settings;
    const transport = createTransport({
      host,
      port,
      secure: security === 'tls',
      requireTLS: security === 'starttls',
      ignoreTLS: security === 'none',
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
      ...(username === '' ? {} : { auth: { user: username, pass: this.#password(sealedPassword) } }),
    });
    try {
      await transport.sendMail({
        from: settings.from,
        to: { name: '', address: parcel.recipient },
        subject,
        text,
        // The same over every attempt: mail programs show what they got twice once.
        messageId: `<${parcel.id}@${domainOf(settings.from)}>`,
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Oriel-Kind': parcel.kind },
      });
    } catch (error) {
      const { code, responseCode = 0 } = error as { code?: string; responseCode?: number };
      if (code === 'EENVELOPE' && responseCode >= 500) {
        throw new Undeliverable((error as Error).message, { cause: error });
      }
      throw error;
    } finally {
      transport.close();
    }
  }

  #password(sealed: string | null): string {
    return sealed === null ? '' : this.#vault.open(Uint8Array.from(Buffer.from(sealed, 'base64')), SEAL_NAME);
  }
}

function domainOf(from: string): string {
  return /@([A-Za-z0-9.-]+)>?\s*$/.exec(from)?.[1] ?? 'oriel.invalid';
}
