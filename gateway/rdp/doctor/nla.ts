import { DecodeError, UnsupportedError } from '#protocol/core/errors.ts';
import { CredSspClient } from '#protocol/security/credssp-client.ts';
import { CredSspError } from '#protocol/security/credssp-error.ts';
import { NONCE_VERSION } from '#protocol/security/credssp-keys.ts';
import { formatStatus } from '#protocol/security/nt-status.ts';
import { AvId, avTimestamp, fileTimeToMs, findAvText } from '#protocol/security/ntlm-av-pairs.ts';
import { type ChallengeMessage, decodeChallengeMessage, isNtlmMessage } from '#protocol/security/ntlm-messages.ts';
import { decodeNegTokenResp, requireToken } from '#protocol/security/spnego.ts';
import { decodeTsRequest, findTsRequestSize, type TsRequest } from '#protocol/security/ts-request.ts';
import { nodeCrypto } from '../node-crypto.ts';
import { describeCertificate } from '../tls-peer.ts';
import { type Diagnosis, diagnosis } from './diagnoses.ts';
import type { Finding } from './finding.ts';
import { type Negotiated, openNegotiated } from './negotiation.ts';
import type { Reached } from './reach.ts';
import type { Fact } from './report.ts';
import { harmless, ProbeError } from './wire.ts';

export interface NlaAnswer {
  /** NEGOTIATE_MESSAGE to CHALLENGE_MESSAGE. */
  readonly answerMs: number;
}

/**
 * NLA without an account: asks for NTLM's challenge, which tells the server's names and its time, and leaves. No logon
 * is attempted, so nothing is counted against any account.
 * @param now milliseconds since the epoch
 */
export async function probeNla(
  reached: Reached,
  port: number,
  negotiated: Negotiated,
  plan: { readonly host: string; readonly oldestCredSsp: number },
  timeoutMs: number,
  now: () => number = Date.now,
): Promise<Finding<NlaAnswer>> {
  try {
    const { connection } = await openNegotiated(reached, port, negotiated.requested, timeoutMs);
    using _ = connection;
    const secure = await connection.startTls(plan.host, {});
    const certificate = secure.getPeerX509Certificate();
    if (certificate === undefined) throw new ProbeError('failed', 'the server sent no certificate');
    const { peer } = describeCertificate(certificate);
    const client = new CredSspClient(
      { username: '', password: '', domain: '', host: plan.host },
      nodeCrypto,
      now(),
      peer,
    );
    const started = performance.now();
    connection.send(client.start());
    const answer = await connection.read((received) => {
      const size = findTsRequestSize(received);
      return size === undefined || received.length < size ? undefined : received.slice(0, size);
    });
    const answerMs = performance.now() - started;
    return describeAnswer(decodeTsRequest(answer), plan.oldestCredSsp, answerMs, now());
  } catch (error) {
    return { summary: 'Network Level Authentication does not begin', diagnoses: [nlaDiagnosis(error)] };
  }
}

function describeAnswer(request: TsRequest, oldest: number, answerMs: number, now: number): Finding<NlaAnswer> {
  const { errorCode, version } = request;
  if (errorCode !== undefined && errorCode !== 0) throw new CredSspError(errorCode, { origin: 'peer' });
  const challenge = challengeOf(request);
  const serverTime = avTimestamp(challenge.targetInfo);
  const differenceMs = serverTime === undefined ? undefined : fileTimeToMs(serverTime) - now;
  const diagnoses: Diagnosis[] = [];
  const isRefused = version < oldest;
  if (isRefused) diagnoses.push(diagnosis('credssp_refused', `version ${version}, wanted ${oldest}`));
  else if (version < NONCE_VERSION) diagnoses.push(diagnosis('credssp_outdated', `version ${version}`));
  if (differenceMs !== undefined && Math.abs(differenceMs) > MAX_CLOCK_DIFFERENCE_MS) {
    diagnoses.push(diagnosis('clock_differs', describeDifference(differenceMs)));
  }
  const facts = namesOf(challenge);
  return {
    summary: `CredSSP ${version} with NTLM${facts.computer === undefined ? '' : `, computer ${facts.computer}`}`,
    facts: {
      credsspVersion: version,
      ...facts,
      ...(differenceMs !== undefined && { clockDifferenceSeconds: Math.round(differenceMs / 1000) }),
    },
    diagnoses,
    ...(!isRefused && { value: { answerMs } }),
  };
}

function challengeOf(request: TsRequest): ChallengeMessage {
  const token = requireToken(request.negoToken, 'TSRequest', 'negoTokens');
  if (isNtlmMessage(token)) return decodeChallengeMessage(token);
  return decodeChallengeMessage(requireToken(decodeNegTokenResp(token).responseToken, 'NegTokenResp', 'responseToken'));
}

/** What the server calls itself and its domain, and its version of Windows. */
function namesOf(challenge: ChallengeMessage): Record<string, Fact> {
  const { targetInfo, version } = challenge;
  const facts: Record<string, Fact> = {};
  for (const [name, id] of NAMES) {
    const text = findAvText(targetInfo, id);
    if (text !== undefined && text !== '') facts[name] = harmless(text);
  }
  if (version !== undefined && version.build !== 0) {
    facts.windowsVersion = `${version.major}.${version.minor}.${version.build}`;
  }
  return facts;
}

function nlaDiagnosis(error: unknown): Diagnosis {
  if (error instanceof CredSspError) {
    return diagnosis('nla_refused', error.status === 0 ? error.code : formatStatus(error.status));
  }
  if (error instanceof DecodeError || error instanceof UnsupportedError) {
    return diagnosis('nla_malformed', error.message);
  }
  if (!(error instanceof ProbeError)) throw error;
  return error.kind === 'timeout' ? diagnosis('nla_no_answer', error.message) : diagnosis('nla_closed', error.message);
}

function describeDifference(milliseconds: number): string {
  const seconds = Math.round(Math.abs(milliseconds) / 1000);
  const size = seconds < 7200 ? `${Math.round(seconds / 60)} minutes` : `${(seconds / 3600).toFixed(1)} hours`;
  return `the server is ${size} ${milliseconds > 0 ? 'ahead' : 'behind'}`;
}

const NAMES = [
  ['computer', AvId.nbComputerName],
  ['domain', AvId.nbDomainName],
  ['dnsComputer', AvId.dnsComputerName],
  ['dnsDomain', AvId.dnsDomainName],
  ['dnsForest', AvId.dnsTreeName],
] as const;

/** What Kerberos allows. */
const MAX_CLOCK_DIFFERENCE_MS = 5 * 60_000;
