import { request } from './request.ts';

/** What a link from a mail would do. */
export interface OfferedDecision {
  readonly decision: 'approve' | 'deny';
  /** As whom. */
  readonly approver: string;
  readonly request: DecidedRequest;
}

/** A request, as far as somebody who decides on it needs to know. */
export interface DecidedRequest {
  readonly id: string;
  readonly state: string;
  readonly user: { readonly username: string };
  readonly emergency: boolean;
  readonly reason: string;
  readonly comment: string;
  readonly ticket: string;
  readonly wantedAt: string | null;
  readonly items: readonly {
    readonly account: { readonly username: string };
    readonly target: { readonly name: string };
    readonly minutes: number;
  }[];
}

/** Decisions by the links of a mail; nobody needs to be signed in. Each throws `ApiError`. */
export const decisions = {
  look: (token: string) => request<OfferedDecision>('POST', '/decision-links/look', { token }),
  use: (token: string, comment: string) =>
    request<{ readonly state: string }>('POST', '/decision-links/use', comment === '' ? { token } : { token, comment }),
};
