import type { Audit } from '../audit/audit.ts';
import type { Notifier } from '../notifications/kinds.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import type { AlertRule } from './alert-rules.ts';

/**
 * Writes down that a rule was fired, and tells whoever should know.
 *
 * INVARIANT: what was typed is in none of it.
 */
export async function writeAlert(
  { audit, notifier }: { readonly audit: Audit; readonly notifier: Notifier },
  session: Pick<LiveSession, 'id' | 'facts'>,
  { id, name, action, condition, tellUser }: AlertRule,
  detail: string,
): Promise<void> {
  const { user, target, account } = session.facts;
  await audit.record({
    action: 'session.alert',
    subject: target.name,
    sessionId: session.id,
    details: { owner: user.username, rule: name, ruleId: id, kind: condition.kind, action, detail },
  });
  await notifier.publish({
    kind: 'session.alert',
    title: `${name}: ${user.username} on ${target.name}`,
    text: `The session of ${user.username} as ${account.username}: ${detail}. ${consequences[action]}`,
    path: '/sessions',
    audience: tellUser ? { requester: [user.id] } : {},
    facts: {
      sessionId: session.id,
      user: user.username,
      target: target.name,
      account: account.username,
      rule: name,
      condition: condition.kind,
      action,
    },
  });
}

const consequences = {
  alert: 'It goes on.',
  freeze: 'It was frozen.',
  end: 'It was ended.',
} as const;
