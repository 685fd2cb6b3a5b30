import type { Audit } from '../../audit/audit.ts';
import { GatewayError } from '../../errors.ts';
import type { Call } from '../route.ts';

/**
 * Tries out what is set up, and writes down who did, and what came of it: mail, requests and passwords leave the gateway by it.
 * @param codeOf what came of it where that is in the result
 */
export async function tested<T>(
  audit: Pick<Audit, 'record'>,
  { actor, address }: Pick<Call, 'actor' | 'address'>,
  { what, subject, ...details }: { readonly what: string; readonly subject: string; readonly [detail: string]: string },
  run: () => Promise<T>,
  codeOf: (result: T) => string | null | undefined = () => null,
): Promise<T> {
  const write = (code: string) =>
    audit.record({ action: 'setting.tested', actor, address, subject, details: { what, ...details, code } });
  try {
    const result = await run();
    await write(codeOf(result) ?? 'ok');
    return result;
  } catch (error) {
    await write(error instanceof GatewayError ? error.code : 'internal_error');
    throw error;
  }
}
