import type { ServerCertificate } from './tls-peer.ts';

/**
 * How a target's certificate comes to be trusted. `first_use`: the first one is kept, another one is refused until an
 * administrator accepts it; `pinned`: only the one that an administrator named; `system`: any that a certification
 * authority known to this machine signed for the target's host name.
 */
export const certificateTrusts = ['first_use', 'pinned', 'system'] as const;
export type CertificateTrust = (typeof certificateTrusts)[number];

export interface TrustPolicy {
  readonly mode: CertificateTrust;
  /** SHA-256 of the certificate that was accepted, lower-case hex; null where there is none yet. */
  readonly fingerprint: string | null;
}

export type TrustDecision =
  | {
      readonly trusted: true;
      /** It is the first: to be kept, and to be written down. */
      readonly first: boolean;
    }
  | {
      readonly trusted: false;
      readonly code: 'certificate_changed' | 'certificate_untrusted';
      /** For administrators. */
      readonly problem: string;
    };

/** What of a certificate decides. */
export type CertificateFacts = Pick<ServerCertificate, 'fingerprint' | 'chainProblem' | 'nameMatches'>;

/** Whether a server with this certificate may be sent anything. */
export function decideTrust(policy: TrustPolicy, certificate: CertificateFacts): TrustDecision {
  const { fingerprint, chainProblem, nameMatches } = certificate;
  switch (policy.mode) {
    case 'system':
      if (chainProblem !== undefined) return untrusted(chainProblem);
      return nameMatches ? { trusted: true, first: false } : untrusted('the certificate is for another host name');
    case 'pinned':
      if (policy.fingerprint === null) return untrusted(`no certificate is pinned; this one is ${fingerprint}`);
      return policy.fingerprint === fingerprint ? { trusted: true, first: false } : changed(fingerprint);
    case 'first_use':
      if (policy.fingerprint === null) return { trusted: true, first: true };
      return policy.fingerprint === fingerprint ? { trusted: true, first: false } : changed(fingerprint);
  }
}

function untrusted(problem: string): TrustDecision {
  return { trusted: false, code: 'certificate_untrusted', problem };
}

function changed(fingerprint: string): TrustDecision {
  return {
    trusted: false,
    code: 'certificate_changed',
    problem: `the certificate's fingerprint is ${fingerprint}`,
  };
}
