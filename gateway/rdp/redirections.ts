import type { Redirection } from '#protocol/connector/redirection.ts';
import type { ServerCertificate } from './tls-peer.ts';

/** More than any farm needs; a server that sends further sends in a circle. */
export const MAX_REDIRECTIONS = 5;

/** Where Server Redirections have led: what they change about the connections that follow. */
export class Redirections {
  #last: Redirection | undefined;
  #hostIndex = 0;
  #inARow = 0;

  /** Whether the way leads on from where it began. */
  get any(): boolean {
    return this.#last !== undefined;
  }

  /** So many, since `settled`. */
  get inARow(): number {
    return this.#inARow;
  }

  /** Where to go in place of the target's own host. */
  get host(): string | undefined {
    return this.#last?.hosts[this.#hostIndex];
  }

  /** What of a client's configuration is other than the target's. */
  get changes(): Redirection['changes'] {
    return this.#last?.changes ?? {};
  }

  /** Takes the next step. False where there were too many in a row. */
  follow(next: Redirection): boolean {
    this.#inARow++;
    if (this.#inARow > MAX_REDIRECTIONS) return false;
    // What an earlier server said of routing goes; a change of security stays.
    const { legacySecurity } = this.changes;
    const { host } = this;
    // A routing token is for whoever was connected to when it came.
    const stay = host === undefined ? [] : [host];
    this.#last = {
      ...next,
      changes: { ...(legacySecurity !== undefined && { legacySecurity }), ...next.changes },
      hosts: next.hosts.length === 0 ? stay : next.hosts,
    };
    this.#hostIndex = 0;
    return true;
  }

  /**
   * What an RDSTLS logon took is good once, and so may the account be that it was made for (GNOME makes one for each): who comes back begins at the target.
   * @returns whether there was any
   */
  forgetPassing(): boolean {
    const { redirected, legacySecurity } = this.changes;
    if (redirected?.rdstls === undefined) return false;
    this.#last = legacySecurity === undefined ? undefined : { hosts: [], changes: { legacySecurity } };
    this.#hostIndex = 0;
    this.#inARow = 0;
    return true;
  }

  /** A redirection may name several ways to the same server. False where there is no further one. */
  nextHost(): boolean {
    const more = this.#hostIndex + 1 < (this.#last?.hosts.length ?? 0);
    if (more) this.#hostIndex++;
    return more;
  }

  /** The way has led somewhere: what comes later counts anew. */
  settled(): void {
    this.#inARow = 0;
  }

  /** A server that we trust named this very certificate for the one that it sent us to. */
  vouchesFor(certificate: ServerCertificate): boolean {
    const vouched = this.#last?.certificate;
    return vouched !== undefined && Buffer.compare(vouched, certificate.peer.certificate) === 0;
  }
}
