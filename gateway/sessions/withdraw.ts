import { type Action, can } from '../access/can.ts';
import { toActor, type User } from '../access/users.ts';
import { isOfSignIns, type OfSignIns } from './session-viewers.ts';
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

/**
 * Ends what a user has opened in sign-ins that are over before their time: desktops and live views.
 * @param which without a choice, all of it, also of sign-ins that were over before: their desktops go on beyond them
 * @param code of the desktops
 */
export function withdrawSignIns(
  sessions: Sessions,
  userId: string,
  which: OfSignIns = {},
  code: 'ended_by_admin' | 'ended_by_user' = 'ended_by_admin',
): void {
  for (const session of sessions.list()) {
    const { user, signIn } = session.facts;
    if (user.id === userId && isOfSignIns(signIn?.reference, which)) {
      session.end(code, 'the sign-in that it was opened in was ended');
    }
    session.dismissViewers(userId, 'unauthenticated', which);
  }
}

/** Ends what a user has open, because the directory no longer lets her have it. */
export function withdrawByDirectory(sessions: Sessions, userId: string, why: string): void {
  for (const session of sessions.list()) {
    if (session.facts.user.id === userId) session.end('directory_withdrawn', why);
    session.dismissViewers(userId, 'directory_withdrawn');
  }
}
