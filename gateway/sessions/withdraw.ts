import { type Action, can } from '../access/can.ts';
import { toActor, type User } from '../access/users.ts';
import type { Sessions } from './sessions.ts';

/** Ends what a user has open and may no longer have; without the user, all of it. */
export function withdrawFromUser(sessions: Sessions, userId: string, user?: User): void {
  const may = (action: Action) => user !== undefined && !user.disabled && can(toActor(user), action);
  for (const session of sessions.list()) {
    if (session.facts.user.id === userId && !may('session.open')) {
      session.end('ended_by_admin', 'the user may no longer use the gateway');
    }
    if (!may('session.watch')) session.dismissViewers(userId, 'forbidden');
  }
}

/** Ends what was opened in sign-ins that are over before their time, and the live views of their user. */
export function withdrawSignIns(sessions: Sessions, userId: string, references: readonly string[]): void {
  if (references.length === 0) return;
  for (const session of sessions.list()) {
    const { signIn } = session.facts;
    if (signIn !== undefined && references.includes(signIn.reference)) {
      session.end('ended_by_admin', 'the sign-in that it was opened in was ended');
    }
    session.dismissViewers(userId, 'unauthenticated');
  }
}

/** Ends what a user has open, because the directory no longer lets her have it. */
export function withdrawByDirectory(sessions: Sessions, userId: string, why: string): void {
  for (const session of sessions.list()) {
    if (session.facts.user.id === userId) session.end('directory_withdrawn', why);
    session.dismissViewers(userId, 'directory_withdrawn');
  }
}
