import { randomBytes } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { Actor } from '../access/can.ts';
import { GatewayError } from '../errors.ts';
import { newId } from '../ids.ts';

export const TICKET_LIFE_MS = 30_000;
const AUDIENCE = 'oriel.tunnel';
const ALGORITHM = 'HS256';

/** What a ticket lets its holder do: attach once, in this role, to this session. */
export interface Ticket {
  readonly sessionId: string;
  readonly role: 'owner' | 'shadow';
  readonly user: Pick<Actor, 'id' | 'username'>;
  /** The sign-in that it was asked for in, by its reference: when that ends, so does this. */
  readonly signIn: string;
  /** When it ends by itself, by the wall clock. */
  readonly signInEndsAt: number;
}

/**
 * Issues and redeems attach tickets: JWTs that live for seconds and are good once. The key lives as long as the
 * process, and so do the sessions it is good for.
 */
export class Tickets {
  readonly #key = randomBytes(32);
  /** Redeemed ones, until they would have expired anyway; in the order of their expiry. */
  readonly #used = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async issue(ticket: Ticket): Promise<string> {
    const now = this.#now();
    return new SignJWT({
      role: ticket.role,
      session: ticket.sessionId,
      name: ticket.user.username,
      signIn: ticket.signIn,
      signInEndsAt: ticket.signInEndsAt,
    })
      .setProtectedHeader({ alg: ALGORITHM })
      .setAudience(AUDIENCE)
      .setSubject(ticket.user.id)
      .setJti(newId())
      .setExpirationTime(new Date(now + TICKET_LIFE_MS))
      .sign(this.#key);
  }

  /** Uses a ticket up. Throws `ticket_invalid`; never says which of the reasons it was. */
  async redeem(text: string): Promise<Ticket> {
    const { ticket, id, expiresAt } = await this.#open(text);
    const now = this.#now();
    for (const [used, expiry] of this.#used) {
      if (expiry > now) break;
      this.#used.delete(used);
    }
    if (this.#used.has(id)) throw new GatewayError('ticket_invalid');
    this.#used.set(id, expiresAt);
    return ticket;
  }

  /** What a ticket is for; it is as good as before. Throws `ticket_invalid`. */
  async read(text: string): Promise<Ticket> {
    return (await this.#open(text)).ticket;
  }

  async #open(text: string): Promise<{ readonly ticket: Ticket; readonly id: string; readonly expiresAt: number }> {
    const now = this.#now();
    const { payload } = await jwtVerify(text, this.#key, {
      algorithms: [ALGORITHM],
      audience: AUDIENCE,
      requiredClaims: ['exp', 'jti', 'sub'],
      currentDate: new Date(now),
    }).catch((error: unknown) => {
      throw new GatewayError('ticket_invalid', undefined, { cause: error });
    });
    const { jti, exp, sub, role, session, name, signIn, signInEndsAt } = payload;
    if (
      jti === undefined ||
      exp === undefined ||
      sub === undefined ||
      (role !== 'owner' && role !== 'shadow') ||
      typeof session !== 'string' ||
      typeof name !== 'string' ||
      typeof signIn !== 'string' ||
      typeof signInEndsAt !== 'number'
    ) {
      throw new GatewayError('ticket_invalid');
    }
    const ticket = { sessionId: session, role, user: { id: sub, username: name }, signIn, signInEndsAt } as const;
    return { ticket, id: jti, expiresAt: exp * 1000 };
  }
}
