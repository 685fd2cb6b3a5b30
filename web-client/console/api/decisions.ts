import { ApiError, request } from './request.ts';

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
  async look(token: string): Promise<OfferedDecision> {
    // Mail programs cut links; the gateway would find fault with the form of our own question.
    if (token === '') throw brokenLink();
    return request<OfferedDecision>('POST', '/decision-links/look', { token }).catch(aboutLink);
  },
  use: (token: string, comment: string) =>
    request<{ readonly state: string }>(
      'POST',
      '/decision-links/use',
      comment === '' ? { token } : { token, comment },
    ).catch(aboutLink),
};

/** The gateway's words for this code are about sessions. */
function aboutLink(cause: unknown): never {
  throw cause instanceof ApiError && cause.code === 'ticket_invalid' ? brokenLink() : cause;
}

function brokenLink(): ApiError {
  return new ApiError({
    code: 'ticket_invalid',
    message: 'This link was used already, is too old, or is not whole.',
    hint: 'Open Oriel: Approvals shows the request if it still waits for you.',
  });
}
