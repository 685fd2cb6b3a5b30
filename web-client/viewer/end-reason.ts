import type { EndReason } from './worker-messages.ts';

const orderlyEnds: ReadonlySet<string> = new Set([
  'ended_by_user',
  'ended_by_admin',
  'ended_by_rule',
  'directory_withdrawn',
  'idle_too_long',
  'session_too_long',
  'sign_in_expired',
  'logged_off',
  'disconnected_by_server',
  'browser_gone',
]);

/** Whether somebody wished for this end, or said before when it would be; every other is a failure. */
export function isOrderly({ code }: EndReason): boolean {
  return orderlyEnds.has(code);
}

export const viewerBroken: EndReason = {
  code: 'viewer_failed',
  message: 'The viewer could not be started.',
  hint: 'Reload the page. If that does not help, update your browser.',
};

/** Of what was thrown: its own `code`, `message` and `hint` where it has them. */
export function reasonOf(error: unknown): EndReason {
  const { code, message, hint } = error as { code?: unknown; message?: unknown; hint?: unknown };
  return {
    code: typeof code === 'string' ? code : 'viewer_failed',
    message: typeof message === 'string' ? message : 'The session could not be started.',
    ...(typeof hint === 'string' ? { hint } : {}),
  };
}
