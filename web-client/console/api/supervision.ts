import { request } from './request.ts';

/** What about a session a rule looks at. */
export type AlertCondition =
  | { readonly kind: 'too-long'; readonly minutes: number }
  | { readonly kind: 'odd-hour'; readonly windows: readonly UsualHours[]; readonly timeZone: string }
  | { readonly kind: 'typed-text' | 'clipboard-text'; readonly pattern: string; readonly matchCase: boolean }
  | { readonly kind: 'idle'; readonly minutes: number }
  | { readonly kind: 'too-many'; readonly sessions: number; readonly per: 'user' | 'target' | 'account' };

export interface UsualHours {
  /** 1 is Monday. */
  readonly days: readonly number[];
  readonly from: string;
  readonly to: string;
}

export interface AlertRuleFields {
  readonly name: string;
  readonly condition: AlertCondition;
  readonly action: 'alert' | 'freeze' | 'end';
  readonly enabled: boolean;
  readonly tellUser: boolean;
}

export interface AlertRule extends AlertRuleFields {
  readonly id: string;
}

const id = encodeURIComponent;

/** Watching over sessions. */
export const supervision = {
  freeze: (session: string, reason: string) => request<void>('POST', `/sessions/${id(session)}/freeze`, { reason }),
  unfreeze: (session: string) => request<void>('POST', `/sessions/${id(session)}/unfreeze`),
  message: (session: string, text: string) => request<void>('POST', `/sessions/${id(session)}/message`, { text }),
  end: (session: string, reason: string) => request<void>('DELETE', `/sessions/${id(session)}`, { reason }),

  rules: (signal?: AbortSignal) => request<readonly AlertRule[]>('GET', '/alert-rules', undefined, signal),
  addRule: (fields: AlertRuleFields) => request<AlertRule>('POST', '/alert-rules', fields),
  changeRule: (rule: string, fields: Partial<AlertRuleFields>) =>
    request<AlertRule>('PATCH', `/alert-rules/${id(rule)}`, fields),
  removeRule: (rule: string) => request<void>('DELETE', `/alert-rules/${id(rule)}`),
};
