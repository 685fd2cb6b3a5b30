import { GatewayError } from '../errors.ts';
import type { Directory } from './directory/directory.ts';
import type { Client } from './known-devices.ts';
import type { PasswordCheck, PasswordProof } from './sign-in.ts';
import type { User, Users } from './users.ts';

/**
 * Whose password that is: of the gateway's own users first, so that the first administrator gets in whatever becomes of
 * the directory; then of those in the directory.
 */
export class Passwords implements PasswordCheck {
  readonly #users: Users;
  readonly #directory: Directory;

  constructor(users: Users, directory: Directory) {
    this.#users = users;
    this.#directory = directory;
  }

  async check(username: string, password: string, { address }: Client): Promise<PasswordProof | undefined> {
    const own = await this.#users.authenticate(username, password);
    if (own !== undefined) return { user: own, method: 'password' };
    // Whoever has a password here signs in with that one, and nobody of the same name in the directory does.
    if ((await this.#users.findByName(username))?.hasPassword === true) return undefined;
    const user = await this.#directory.authenticate(username, password, address);
    return user && { user, method: 'ldap' };
  }

  async requireWelcome(user: User): Promise<void> {
    await this.#directory.requireCurrent(user);
    if ((await this.#users.find(user.id))?.disabled !== false) throw new GatewayError('directory_refused');
  }
}
