import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { GatewayError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import type { PasskeyRow } from '../../store/sign-in-schema.ts';
import type { Store } from '../../store/store.ts';
import type { User } from '../users.ts';
import { CHALLENGE_LIFE_MS, type Challenges } from './challenges.ts';
import { type RelyingParty, requireOwnOrigin } from './relying-party.ts';

const NAME = 'Oriel';
/** Of one user: more than anybody has devices. */
export const MAX_PASSKEYS = 20;

/** A passkey, as its user and administrators see it. */
export interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
  /** Whether it may leave the device that it was made on, as those of a password manager do. */
  readonly synced: boolean;
  /** Not taken any more: its counter went back, so somebody has a copy. */
  readonly cloned: boolean;
}

/** What a page hands to the browser, and back with the answer. */
export interface Asked<Options> {
  readonly options: Options;
  readonly state: string;
}

export interface PasskeyAnswer {
  readonly state: string;
  readonly response: AuthenticationResponseJSON;
}

export interface NewPasskey {
  readonly state: string;
  readonly response: RegistrationResponseJSON;
  readonly name: string;
}

/** A passkey showed a counter that was shown before: it, or the one that was used in between, is a copy. */
export class ClonedPasskey extends GatewayError {
  readonly userId: string;
  readonly passkey: string;
  constructor(row: Pick<PasskeyRow, 'user_id' | 'name'>) {
    super('passkey_cloned');
    this.userId = row.user_id;
    this.passkey = row.name;
  }
}

/** Passkeys ([WebAuthn] Level 3) of the gateway's users: asked for, checked, kept. */
export class Passkeys {
  readonly #store: Store;
  readonly #challenges: Challenges;
  readonly #relyingParty: () => RelyingParty;

  /** @param relyingParty for whom they are, now; throws where the gateway's address takes none */
  constructor(store: Store, challenges: Challenges, relyingParty: () => RelyingParty) {
    this.#store = store;
    this.#challenges = challenges;
    this.#relyingParty = relyingParty;
  }

  /** Where passkeys work, or why they do not. */
  facts(): { readonly host: string | null; readonly origin: string | null; readonly problem: string | null } {
    try {
      const { id, origins } = this.#relyingParty();
      return { host: id, origin: origins[0] ?? null, problem: null };
    } catch (error) {
      if (error instanceof GatewayError) return { host: null, origin: null, problem: error.detail ?? error.code };
      throw error;
    }
  }

  async list(userId: string): Promise<Passkey[]> {
    const rows = await this.#rows(userId);
    return rows.map(toPasskey);
  }

  /** How many a user has; one that was copied is still asked for, or its loss would be a way around it. */
  async count(userId: string): Promise<number> {
    return (await this.#rows(userId)).length;
  }

  /** Whose passkey that is, before anything is known of the answer: for bounds and for the log. */
  async ownerOf(credentialId: string): Promise<string | undefined> {
    return (await this.#byCredential(credentialId))?.user_id;
  }

  /** Asks for any passkey that the browser has for this gateway: its user is known by it. */
  askAnybody(origin: string): Promise<Asked<PublicKeyCredentialRequestOptionsJSON>> {
    return this.#ask('sign-in', null, origin, [], 'required');
  }

  /** Asks for one of the passkeys of whoever is signed in, or half so. */
  async ask(user: Pick<User, 'id'>, reference: string, origin: string) {
    const rows = await this.#rows(user.id);
    if (rows.length === 0) throw new GatewayError('conflict', 'there is no passkey');
    const taken = rows.filter((row) => row.cloned_at === null);
    if (taken.length === 0) throw new GatewayError('passkey_cloned');
    return this.#ask('second-factor', reference, origin, taken, 'preferred');
  }

  /** Asks the browser to make one. It is discoverable, so that it can do without a user name. */
  async askNew(user: User, reference: string, origin: string): Promise<Asked<PublicKeyCredentialCreationOptionsJSON>> {
    const relyingParty = this.#relyingParty();
    requireOwnOrigin(relyingParty, origin);
    const { challenge, state } = this.#challenges.issue('register', reference);
    const options = await generateRegistrationOptions({
      rpName: NAME,
      rpID: relyingParty.id,
      userName: user.username,
      userDisplayName: user.displayName ?? user.username,
      userID: userHandle(user.id),
      challenge: fromBase64Url(challenge),
      timeout: CHALLENGE_LIFE_MS,
      attestationType: 'none',
      excludeCredentials: (await this.#rows(user.id)).map(toDescriptor),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
    return { options, state };
  }

  /** Keeps one that the browser has made. Throws `passkey_refused`, `challenge_expired`, `conflict`. */
  async register(user: User, reference: string, { state, response, name }: NewPasskey): Promise<Passkey> {
    const { id, origins } = this.#relyingParty();
    const asked = this.#challenges.read(state, 'register', reference);
    const { registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: asked.challenge,
      expectedOrigin: [...origins],
      expectedRPID: id,
      requireUserVerification: true,
    }).catch(refuse);
    if (registrationInfo === undefined) throw new GatewayError('passkey_refused');
    this.#challenges.use(asked);
    if ((await this.#rows(user.id)).length >= MAX_PASSKEYS) {
      throw new GatewayError('conflict', `nobody has more than ${MAX_PASSKEYS} passkeys`);
    }
    const { credential, credentialBackedUp, credentialDeviceType } = registrationInfo;
    const row: PasskeyRow = {
      id: newId(),
      user_id: user.id,
      credential_id: credential.id,
      public_key: Uint8Array.from(credential.publicKey),
      counter: credential.counter,
      transports_json: JSON.stringify(credential.transports ?? []),
      name,
      synced: credentialBackedUp || credentialDeviceType === 'multiDevice' ? 1 : 0,
      created_at: Date.now(),
      last_used_at: null,
      cloned_at: null,
    };
    const { numInsertedOrUpdatedRows } = await this.#store
      .insertInto('passkeys')
      .values(row)
      .onConflict((conflict) => conflict.column('credential_id').doNothing())
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === 0n) throw new GatewayError('conflict', 'that passkey is registered already');
    return toPasskey(row);
  }

  /** Whom a passkey signs in, with user verification: it is both factors. */
  signIn(answer: PasskeyAnswer): Promise<{ readonly userId: string; readonly passkey: Passkey }> {
    return this.#verify(answer, 'sign-in', null, undefined);
  }

  /** Checks a passkey of this user, within a sign-in. */
  confirm(userId: string, reference: string, answer: PasskeyAnswer) {
    return this.#verify(answer, 'second-factor', reference, userId);
  }

  async rename(userId: string, id: string, name: string): Promise<Passkey> {
    await this.#store
      .updateTable('passkeys')
      .set({ name })
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .execute();
    return this.get(userId, id);
  }

  async get(userId: string, id: string): Promise<Passkey> {
    const row = (await this.#rows(userId)).find((one) => one.id === id);
    if (row === undefined) throw new GatewayError('not_found', 'there is no such passkey');
    return toPasskey(row);
  }

  /** Removes one, or all. Returns how many there were. */
  async remove(userId: string, id?: string): Promise<number> {
    let query = this.#store.deleteFrom('passkeys').where('user_id', '=', userId);
    if (id !== undefined) query = query.where('id', '=', id);
    return Number((await query.executeTakeFirstOrThrow()).numDeletedRows);
  }

  async #ask(
    purpose: 'sign-in' | 'second-factor',
    reference: string | null,
    origin: string,
    rows: readonly PasskeyRow[],
    userVerification: 'required' | 'preferred',
  ): Promise<Asked<PublicKeyCredentialRequestOptionsJSON>> {
    const relyingParty = this.#relyingParty();
    requireOwnOrigin(relyingParty, origin);
    const { challenge, state } = this.#challenges.issue(purpose, reference);
    const options = await generateAuthenticationOptions({
      rpID: relyingParty.id,
      challenge: fromBase64Url(challenge),
      allowCredentials: rows.map(toDescriptor),
      timeout: CHALLENGE_LIFE_MS,
      userVerification,
    });
    return { options, state };
  }

  async #verify(
    { state, response }: PasskeyAnswer,
    purpose: 'sign-in' | 'second-factor',
    reference: string | null,
    userId: string | undefined,
  ) {
    const { id, origins } = this.#relyingParty();
    const asked = this.#challenges.read(state, purpose, reference);
    const row = await this.#byCredential(response.id);
    if (row === undefined || (userId !== undefined && row.user_id !== userId)) {
      throw new GatewayError('passkey_refused', 'not known');
    }
    const { userHandle: handle } = response.response;
    // [WebAuthn] 7.2 step 6: without a user name, the handle must be there.
    if ((handle ?? (userId === undefined ? '' : undefined)) !== undefined && handle !== handleText(row.user_id)) {
      throw new GatewayError('passkey_refused', 'made for somebody else');
    }
    if (row.cloned_at !== null) throw new GatewayError('passkey_cloned');
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response,
      expectedChallenge: asked.challenge,
      expectedOrigin: [...origins],
      expectedRPID: id,
      requireUserVerification: purpose === 'sign-in',
      // The counter is for us to judge, once the signature is known to be right: before, it is anybody's claim.
      credential: { id: row.credential_id, publicKey: Uint8Array.from(row.public_key), counter: 0 },
    }).catch(refuse);
    if (!verified) throw new GatewayError('passkey_refused', 'the signature is wrong');
    this.#challenges.use(asked);
    await this.#count(row, authenticationInfo.newCounter);
    return { userId: row.user_id, passkey: toPasskey(row) };
  }

  /** [WebAuthn] 6.1.1: a counter only grows, unless an authenticator has none and says 0 each time. */
  async #count(row: PasskeyRow, counter: number): Promise<void> {
    const now = Date.now();
    const { numUpdatedRows } = await this.#store
      .updateTable('passkeys')
      .set({ counter, last_used_at: now })
      .where('id', '=', row.id)
      .where('cloned_at', 'is', null)
      .where((where) =>
        where.or([where('counter', '<', counter), where.and([where('counter', '=', 0), where.lit(counter === 0)])]),
      )
      .executeTakeFirstOrThrow();
    if (numUpdatedRows > 0n) return;
    await this.#store.updateTable('passkeys').set({ cloned_at: now }).where('id', '=', row.id).execute();
    throw new ClonedPasskey(row);
  }

  #byCredential(credentialId: string): Promise<PasskeyRow | undefined> {
    return this.#store.selectFrom('passkeys').selectAll().where('credential_id', '=', credentialId).executeTakeFirst();
  }

  #rows(userId: string): Promise<PasskeyRow[]> {
    return this.#store.selectFrom('passkeys').selectAll().where('user_id', '=', userId).orderBy('created_at').execute();
  }
}

function toPasskey(row: PasskeyRow): Passkey {
  return {
    id: row.id,
    name: row.name,
    createdAt: new Date(row.created_at).toISOString(),
    lastUsedAt: row.last_used_at === null ? null : new Date(row.last_used_at).toISOString(),
    synced: row.synced !== 0,
    cloned: row.cloned_at !== null,
  };
}

function toDescriptor(row: PasskeyRow): { id: string; transports: string[] } {
  return { id: row.credential_id, transports: JSON.parse(row.transports_json) as string[] };
}

/** What an authenticator keeps of whom a passkey is for: our id, which says nothing of the person. */
function userHandle(userId: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(userId);
}

function handleText(userId: string): string {
  return Buffer.from(userId).toString('base64url');
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text, 'base64url'));
}

/** Whatever a browser sent that is not right: which part, is for the log and for whoever sets the gateway up. */
function refuse(cause: unknown): never {
  const origin = /response origin "([^"]*)"/.exec(cause instanceof Error ? cause.message : '')?.[1];
  throw new GatewayError('passkey_refused', origin && `it was shown to ${origin.slice(0, 200)}`, { cause });
}
