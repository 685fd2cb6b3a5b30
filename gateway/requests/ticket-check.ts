import type { PolicyRules } from '../access/policy-rules.ts';
import { MAX_TICKET, matchesTicket } from '../access/ticket-pattern.ts';
import { GatewayError } from '../errors.ts';

/** How long the system that knows the tickets may think. */
const ANSWER_WITHIN_MS = 5000;
const MAX_ANSWER = 64 * 1024;

/** What the webhook is told; it answers 2xx with `{"valid": true}` or with nothing, or else the number is no good. */
export interface TicketQuestion {
  readonly ticket: string;
  readonly username: string;
  readonly reason: string;
  readonly accounts: readonly { readonly account: string; readonly target: string }[];
}

export type AskWebhook = (url: string, question: TicketQuestion) => Promise<boolean>;

/** Throws `policy_refused` unless the ticket is what the policy asks for. */
export async function checkTicket(rules: PolicyRules, question: TicketQuestion, ask: AskWebhook): Promise<void> {
  const { ticket } = question;
  if (ticket === '') {
    if (rules.ticketRequired) throw new GatewayError('policy_refused', 'a ticket number is needed');
    return;
  }
  if (ticket.length > MAX_TICKET || (rules.ticketPattern !== null && !matchesTicket(rules.ticketPattern, ticket))) {
    throw new GatewayError('policy_refused', 'the ticket number is not of the form that the policy asks for');
  }
  if (rules.ticketWebhook !== null && !(await ask(rules.ticketWebhook, question))) {
    throw new GatewayError('policy_refused', 'the ticket number was not confirmed');
  }
}

/** Its answer, unpacked, as far as it means something: a small one can hold gigabytes. */
async function textOf({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    size += part.length;
    if (size > MAX_ANSWER) throw new Error(`the answer has more than ${MAX_ANSWER} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Asks by HTTP. A secret that the other side knows us by is part of the address. No answer in time is no. */
export const askWebhook: AskWebhook = async (url, question) => {
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'error',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(question),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    if (!response.ok) {
      await response.body?.cancel();
      return false;
    }
    const text = await textOf(response);
    if (text.trim() === '') return true;
    const answer = JSON.parse(text) as { valid?: unknown } | null;
    return answer !== null && answer.valid !== false;
  } catch {
    return false;
  }
};
