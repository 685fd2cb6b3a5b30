import { Redirections } from '../redirections.ts';
import { decideTrust, type TrustPolicy } from '../trust.ts';
import { type DesktopOutcome, type DesktopPlan, tryDesktop } from './desktop.ts';
import { type Diagnosis, type DiagnosisCode, diagnosis } from './diagnoses.ts';
import { harmless } from './wire.ts';

export type FollowPlan = Omit<DesktopPlan, 'connection'> & {
  readonly connection: Omit<DesktopPlan['connection'], 'trust'>;
  /** Which certificate may be sent the password. */
  readonly trust: TrustPolicy;
};

export interface Followed {
  /** Of the last connection. */
  readonly outcome: DesktopOutcome;
  /** Where the servers sent us, in order; nowhere as a rule. */
  readonly visited: readonly string[];
  /** What is wrong with the way itself. */
  readonly problem?: Diagnosis;
}

/** Connects as a session does, and wherever servers send it, up to the first picture. */
export async function followToDesktop(plan: FollowPlan): Promise<Followed> {
  const redirections = new Redirections();
  const visited: string[] = [];
  let trust = plan.trust;
  for (;;) {
    const { host } = redirections;
    const outcome = await tryDesktop({
      ...plan,
      config: { ...plan.config, ...redirections.changes, host: host ?? plan.config.host },
      connection: {
        ...(host === undefined ? plan.connection : elsewhere(plan.connection, host)),
        trust: (certificate) => redirections.vouchesFor(certificate) || decideTrust(trust, certificate),
      },
    });
    const { redirection, certificate, failure } = outcome;
    // What a session has trusted on first use is what it trusts from then on.
    if (trust.mode === 'first_use' && trust.fingerprint === null && certificate !== undefined) {
      trust = { ...trust, fingerprint: certificate.fingerprint };
    }
    if (redirection === undefined) {
      const isUnreached = host !== undefined && failure !== undefined && UNREACHED.has(failure.code);
      if (!isUnreached) return { outcome, visited };
      if (redirections.nextHost()) continue;
      const problem = diagnosis('redirection_unreachable', `${harmless(host)}: ${failure.detail ?? failure.code}`);
      return { outcome, visited, problem };
    }
    if (!redirections.follow(redirection)) {
      return { outcome, visited, problem: diagnosis('redirection_loop', visited.join(', ')) };
    }
    visited.push(harmless(redirection.hosts[0] ?? 'the same address, by a routing token'));
  }
}

/** What was found out about the first host's address says nothing of another. */
function elsewhere(connection: FollowPlan['connection'], host: string): FollowPlan['connection'] {
  const { lookup: _lookup, ...rest } = connection;
  return { ...rest, host };
}

const UNREACHED: ReadonlySet<DiagnosisCode> = new Set(['connection_refused', 'connection_timed_out', 'name_not_found']);
