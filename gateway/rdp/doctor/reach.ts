import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { type Diagnosis, type DiagnosisCode, diagnosis } from './diagnoses.ts';
import type { Finding } from './finding.ts';
import { type Address, type Dial, ProbeConnection, ProbeError } from './wire.ts';

export type Resolve = (host: string) => Promise<readonly Address[]>;

export const resolveHost: Resolve = (host) => lookup(host, { all: true });

/** DNS: which addresses the name has. */
export async function findAddresses(
  host: string,
  resolve: Resolve,
  timeoutMs: number,
): Promise<Finding<readonly Address[]>> {
  const family = isIP(host);
  if (family !== 0) return { summary: `${host} is an address`, value: [{ address: host, family }] };
  try {
    const found = await within(timeoutMs, resolve(host));
    if (found.length === 0) return { summary: 'no address', diagnoses: [diagnosis('name_not_found')] };
    const addresses = found.map(({ address }) => address);
    return {
      summary: `${host} is ${addresses.join(', ')}`,
      facts: { addresses },
      value: found.slice(0, MAX_ADDRESSES),
    };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const found = NO_SUCH_NAME.has(code) ? 'name_not_found' : 'dns_unavailable';
    return { summary: 'the name was not found', diagnoses: [diagnosis(found, code)] };
  }
}

export interface Reached {
  readonly address: Address;
  /** How long TCP took to be there: one round trip. */
  readonly connectMs: number;
}

/** TCP: the first of the addresses that takes a connection. */
export async function findOpenAddress(
  addresses: readonly Address[],
  port: number,
  timeoutMs: number,
  dial?: Dial,
): Promise<Finding<Reached>> {
  // One dead address of several should not use up the patience of whoever waits.
  const limit = addresses.length > 1 ? Math.min(timeoutMs, ONE_OF_SEVERAL_MS) : timeoutMs;
  const failures: { readonly address: string; readonly error: ProbeError }[] = [];
  for (const address of addresses) {
    const started = performance.now();
    try {
      using _ = await ProbeConnection.open(address, port, limit, dial);
      const connectMs = performance.now() - started;
      const before = failures.map(({ address, error }) => `${address}: ${error.code ?? error.message}`);
      return {
        summary: `${address.address} port ${port} takes connections`,
        facts: { address: address.address, ...(before.length > 0 && { unreachable: before }) },
        diagnoses: before.length === 0 ? [] : [diagnosis('address_partly_unreachable', before.join(', '))],
        value: { address, connectMs },
      };
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      failures.push({ address: address.address, error });
    }
  }
  const found = failures.map(({ address, error }) => tcpDiagnosis(error, `${address}: ${error.code ?? error.message}`));
  const [worst] = found;
  return { summary: `port ${port} cannot be reached`, diagnoses: worst === undefined ? [] : [worst] };
}

function tcpDiagnosis(error: ProbeError, detail: string): Diagnosis {
  return diagnosis(TCP_CODES[error.code ?? ''] ?? 'connection_timed_out', detail);
}

const NO_SUCH_NAME = new Set(['ENOTFOUND', 'ENODATA', 'EAI_NONAME', 'EAI_NODATA', 'EINVAL']);

const TCP_CODES: Readonly<Record<string, DiagnosisCode>> = {
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  ETIMEDOUT: 'connection_timed_out',
  EHOSTDOWN: 'connection_timed_out',
  EHOSTUNREACH: 'network_unreachable',
  ENETUNREACH: 'network_unreachable',
  EADDRNOTAVAIL: 'network_unreachable',
  EACCES: 'connection_refused',
  EPERM: 'connection_refused',
};

const ONE_OF_SEVERAL_MS = 4_000;
/** Of one name; more than a host has. */
const MAX_ADDRESSES = 8;

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('no answer'), { code: 'ETIMEOUT' })), milliseconds);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
