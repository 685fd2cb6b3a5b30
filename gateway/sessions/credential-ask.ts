import { GatewayError } from '../errors.ts';
import type { CredentialPrompt, SuppliedCredential, Want } from '../vault/account-credentials.ts';
import type { Notice } from './ports.ts';

/** How long the owner may take to answer. */
const ASK_WITHIN_MS = 5 * 60_000;

/**
 * Asks the owner of a session for what only she knows, and keeps her answer while a connection is being made: for a
 * redirection, and for each attempt to bring a lost one back. Once the desktop is there, it is forgotten.
 */
export class CredentialAsk {
  readonly #tell: (notice: Notice) => void;
  #pending:
    | { readonly prompt: CredentialPrompt; readonly answer: PromiseWithResolvers<SuppliedCredential> }
    | undefined;
  #timer: NodeJS.Timeout | undefined;
  #kept: SuppliedCredential | undefined;
  /** The connection is there, or the session over: nothing is said in advance any more. */
  #isSettled = false;

  /** @param tell brings the question to the owner's browser, which asks what it is */
  constructor(tell: (notice: Notice) => void) {
    this.#tell = tell;
  }

  get prompt(): CredentialPrompt | undefined {
    return this.#pending?.prompt;
  }

  /** The answer is a copy, for the caller to wipe. Rejects with `credential_not_given`. */
  async ask(prompt: CredentialPrompt): Promise<SuppliedCredential> {
    // What was wrong is asked for again.
    if (prompt.again === 'master_password_wrong') this.#keep({ ...this.#kept, masterPassword: undefined });
    this.#isSettled = false;
    if (!answers(this.#kept, prompt.wants)) {
      this.#giveUp('asked anew');
      const answer = Promise.withResolvers<SuppliedCredential>();
      this.#pending = { prompt, answer };
      this.#timer = setTimeout(() => this.#giveUp('nobody answered in time'), ASK_WITHIN_MS);
      this.#timer.unref();
      this.#tell({ code: 'credential_needed', message: 'This desktop asks you for a password.' });
      this.#keep({ ...this.#kept, ...(await answer.promise) });
    }
    const { username, domain, password, masterPassword } = this.#kept ?? {};
    return {
      ...(username === undefined ? {} : { username }),
      ...(domain === undefined ? {} : { domain }),
      ...(password === undefined ? {} : { password: password.copy() }),
      ...(masterPassword === undefined ? {} : { masterPassword: masterPassword.copy() }),
    };
  }

  /** Throws `bad_request` where something is missing of what was asked, `conflict` where nothing is and nothing will be. */
  supply(credential: SuppliedCredential): void {
    const pending = this.#pending;
    if (pending === undefined) {
      // It would stay in memory for as long as the session lasts.
      if (this.#isSettled) throw refused(credential);
      this.#keep({ ...this.#kept, ...credential });
      return;
    }
    const missing = pending.prompt.wants.find((want) => !answers({ ...this.#kept, ...credential }, [want]));
    if (missing !== undefined) throw new GatewayError('bad_request', `there is no ${missing} in it`);
    clearTimeout(this.#timer);
    this.#pending = undefined;
    pending.answer.resolve(credential);
  }

  /** The connection is there. */
  forget(): void {
    this.#isSettled = true;
    this.#keep(undefined);
  }

  /** The session is over. */
  stop(): void {
    this.#giveUp('the session has ended');
    this.forget();
  }

  #giveUp(detail: string): void {
    clearTimeout(this.#timer);
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.answer.reject(new GatewayError('credential_not_given', detail));
  }

  #keep(next: Loose<SuppliedCredential> | undefined): void {
    for (const name of ['password', 'masterPassword'] as const) {
      const present = this.#kept?.[name];
      if (present !== undefined && present !== next?.[name]) present.wipe();
    }
    this.#kept = next as SuppliedCredential | undefined;
  }
}

function refused({ password, masterPassword }: SuppliedCredential): GatewayError {
  password?.wipe();
  masterPassword?.wipe();
  return new GatewayError('conflict', 'nothing is asked');
}

type Loose<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

function answers(given: SuppliedCredential | undefined, wants: readonly Want[]): boolean {
  const has: Readonly<Record<Want, boolean>> = {
    username: given?.username !== undefined && given.username !== '',
    password: given?.password !== undefined,
    'master-password': given?.masterPassword !== undefined,
  };
  return wants.every((want) => has[want]);
}
