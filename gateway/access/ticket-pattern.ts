import { runInNewContext } from 'node:vm';
import { GatewayError } from '../errors.ts';

export const MAX_PATTERN = 200;
export const MAX_TICKET = 64;
/**
 * Patterns that take longer than this on 64 characters are of the kind that never end. Far more than any other needs,
 * because a busy machine's pauses count too, and a ticket number that is right must not be refused for them.
 */
const MATCH_WITHIN_MS = 1000;

/** Throws `bad_request` unless this is a regular expression. */
export function requirePattern(pattern: string): void {
  try {
    // By itself first: `a)(b` would only be one within other brackets.
    new RegExp(pattern);
  } catch (error) {
    throw new GatewayError('bad_request', 'the ticket pattern is no regular expression', { cause: error });
  }
}

/**
 * Whether a pattern describes the whole of a ticket number. A pattern can be written so that matching takes for ever:
 * it is given a moment, and whoever exceeds it has no match.
 */
export function matchesTicket(pattern: string, ticket: string): boolean {
  if (ticket.length > MAX_TICKET || pattern.length > MAX_PATTERN) return false;
  try {
    const context = { source: `^(?:${pattern})$`, ticket };
    return runInNewContext('new RegExp(source).test(ticket)', context, { timeout: MATCH_WITHIN_MS }) === true;
  } catch {
    return false;
  }
}
