import { acceptsLegacySecurity } from '#protocol/connector/negotiation.ts';
import type { LegacySecurityPolicy, NlaPolicy } from '#protocol/connector/types.ts';
import { DecodeError } from '#protocol/core/errors.ts';
import {
  type ConnectionConfirm,
  decodeConnectionConfirm,
  encodeConnectionRequest,
  NegotiationFailureCode,
  NegotiationRequestFlags,
  NegotiationResponseFlags,
  SecurityProtocol,
} from '#protocol/pdu/nego.ts';
import { findTpktSize } from '#protocol/pdu/tpkt.ts';
import { type Diagnosis, type DiagnosisCode, diagnosis } from './diagnoses.ts';
import type { Finding } from './finding.ts';
import type { Reached } from './reach.ts';
import { ProbeConnection, ProbeError, printable } from './wire.ts';

/** Everything but standard RDP security; what a connection asks for. */
const EVERYTHING = SecurityProtocol.hybridEx | SecurityProtocol.hybrid | SecurityProtocol.ssl;

export interface Negotiated {
  /** What a connection by the target's settings will ask for, and the server then selects. */
  readonly requested: number;
  readonly selected: number;
  /** X.224 Connection Request to Connection Confirm. */
  readonly answerMs: number;
}

export interface NegotiationPlan {
  readonly nla: NlaPolicy;
  readonly restrictedAdmin: boolean;
  readonly legacySecurity: LegacySecurityPolicy;
}

/** X.224: what the server selects when it is offered everything, TLS alone, and standard RDP security alone. */
export async function negotiate(
  reached: Reached,
  port: number,
  plan: NegotiationPlan,
  timeoutMs: number,
): Promise<Finding<Negotiated>> {
  const flags = plan.restrictedAdmin ? NegotiationRequestFlags.restrictedAdminModeRequired : 0;
  const started = performance.now();
  let everything: ConnectionConfirm;
  try {
    everything = await ask(reached, port, EVERYTHING, flags, timeoutMs);
  } catch (error) {
    return { summary: 'the host does not answer as a remote desktop', diagnoses: [notRdp(error)] };
  }
  const answerMs = performance.now() - started - reached.connectMs;
  const tlsAlone = await ask(reached, port, SecurityProtocol.ssl, 0, timeoutMs).catch(() => undefined);
  const standard = await ask(reached, port, SecurityProtocol.rdp, 0, timeoutMs).catch(() => undefined);

  const requested = plan.nla === 'never' ? SecurityProtocol.ssl : EVERYTHING;
  const decisive = plan.nla === 'never' ? tlsAlone : everything;
  const legacy = acceptsLegacySecurity(plan) && isStandardOnly(decisive);
  const diagnoses = [
    ...(legacy ? [diagnosis('standard_rdp_used')] : refusals(decisive, plan, everything)),
    ...(isAccepted(tlsAlone) && isNla(everything) ? [diagnosis('nla_not_enforced')] : []),
    ...(isAccepted(standard) && !isStandardOnly(decisive) ? [diagnosis('standard_rdp_allowed')] : []),
  ];
  const selected = legacy ? SecurityProtocol.rdp : selectedBy(decisive);
  return {
    summary: `offered everything, the server ${everything.kind === 'failure' ? '' : 'selects '}${describe(everything)}`,
    facts: {
      offeredAll: describe(everything),
      offeredTls: describe(tlsAlone),
      offeredStandardRdp: describe(standard),
      ...(everything.kind === 'response' && { serverFlags: flagNames(everything.flags) }),
    },
    diagnoses,
    ...(selected !== undefined &&
      !diagnoses.some(({ severity }) => severity === 'error') && { value: { requested, selected, answerMs } }),
  };
}

/** Opens a connection and has the server select one of these protocols. @throws ProbeError, DecodeError */
export async function openNegotiated(
  reached: Reached,
  port: number,
  protocols: number,
  timeoutMs: number,
): Promise<{ readonly connection: ProbeConnection; readonly confirm: ConnectionConfirm }> {
  return request(reached, port, protocols, 0, timeoutMs);
}

/** The name that a protocol has in reports. */
export function protocolName(protocol: number): string {
  return PROTOCOL_NAMES.get(protocol) ?? `protocol ${protocol}`;
}

async function ask(
  reached: Reached,
  port: number,
  protocols: number,
  flags: number,
  timeoutMs: number,
): Promise<ConnectionConfirm> {
  const { connection, confirm } = await request(reached, port, protocols, flags, timeoutMs);
  connection[Symbol.dispose]();
  return confirm;
}

async function request(
  reached: Reached,
  port: number,
  protocols: number,
  flags: number,
  timeoutMs: number,
): Promise<{ readonly connection: ProbeConnection; readonly confirm: ConnectionConfirm }> {
  const connection = await ProbeConnection.open(reached.address, port, timeoutMs);
  try {
    connection.send(encodeConnectionRequest({ negotiation: { flags, protocols } }));
    let seen: Uint8Array = new Uint8Array(0);
    try {
      const confirm = await connection.read((received) => {
        seen = received;
        const size = findTpktSize(received);
        if (size === undefined || received.length < size) return undefined;
        return decodeConnectionConfirm(received.subarray(0, size));
      });
      return { connection, confirm };
    } catch (error) {
      if (error instanceof DecodeError) throw new ProbeError('failed', error.message, undefined, seen);
      throw error;
    }
  } catch (error) {
    connection[Symbol.dispose]();
    throw error;
  }
}

/** What a host that does not answer with X.224 is instead. */
function notRdp(error: unknown): Diagnosis {
  if (!(error instanceof ProbeError)) throw error;
  const { received, kind, code } = error;
  if (received.length > 0) {
    const shown = printable(received);
    if (/^HTTP\/|^<(!doctype|html)/i.test(shown)) return diagnosis('http_answered', shown);
    // [RFC 8446] 5.1: an alert or handshake record of any version.
    if ((received[0] === 0x15 || received[0] === 0x16) && received[1] === 3) return diagnosis('tls_answered');
    return diagnosis('not_rdp', shown);
  }
  if (kind === 'timeout') return diagnosis('no_rdp_answer', error.message);
  return code === 'ECONNRESET' ? diagnosis('connection_reset', code) : diagnosis('closed_before_answer');
}

/** Why the answer does not do for the target's settings. */
function refusals(
  decisive: ConnectionConfirm | undefined,
  plan: NegotiationPlan,
  everything: ConnectionConfirm,
): Diagnosis[] {
  if (decisive === undefined) return [diagnosis('closed_before_answer', 'when offered TLS alone')];
  if (decisive.kind === 'failure') return [diagnosis(failureCode(decisive.code, plan.nla), describe(decisive))];
  if (isStandard(decisive)) return [diagnosis(plan.nla === 'required' ? 'nla_not_offered' : 'standard_rdp_only')];
  if (plan.nla === 'required' && !isNla(decisive)) return [diagnosis('nla_not_offered')];
  const offersRestricted =
    everything.kind === 'response' &&
    (everything.flags & NegotiationResponseFlags.restrictedAdminModeSupported) !== 0 &&
    isNla(decisive);
  return plan.restrictedAdmin && !offersRestricted ? [diagnosis('restricted_admin_unsupported')] : [];
}

function failureCode(code: number, nla: NlaPolicy): DiagnosisCode {
  switch (code) {
    case NegotiationFailureCode.hybridRequiredByServer:
      return 'nla_required_by_server';
    case NegotiationFailureCode.sslNotAllowedByServer:
      // A server limited to standard RDP security gives this answer to an offer of NLA, too.
      return nla === 'required' ? 'nla_not_offered' : 'standard_rdp_only';
    case NegotiationFailureCode.sslCertNotOnServer:
      return 'tls_certificate_missing';
    default:
      return 'negotiation_failed';
  }
}

function isAccepted(confirm: ConnectionConfirm | undefined): boolean {
  return confirm !== undefined && confirm.kind !== 'failure';
}

function isNla(confirm: ConnectionConfirm | undefined): boolean {
  return (
    confirm?.kind === 'response' &&
    (confirm.protocol === SecurityProtocol.hybrid || confirm.protocol === SecurityProtocol.hybridEx)
  );
}

/** A server that predates negotiation only knows standard RDP security. */
function isStandard(confirm: ConnectionConfirm | undefined): boolean {
  return confirm?.kind === 'none' || (confirm?.kind === 'response' && confirm.protocol === SecurityProtocol.rdp);
}

/** A server set to standard RDP security refuses whatever else it is offered. */
function isStandardOnly(confirm: ConnectionConfirm | undefined): boolean {
  const refused = confirm?.kind === 'failure' && confirm.code === NegotiationFailureCode.sslNotAllowedByServer;
  return refused || isStandard(confirm);
}

function selectedBy(confirm: ConnectionConfirm | undefined): number | undefined {
  if (confirm?.kind === 'response') return confirm.protocol;
  return confirm?.kind === 'none' ? SecurityProtocol.rdp : undefined;
}

function describe(confirm: ConnectionConfirm | undefined): string {
  switch (confirm?.kind) {
    case undefined:
      return 'no answer';
    case 'none':
      return 'standard RDP security (no negotiation)';
    case 'response':
      return protocolName(confirm.protocol);
    case 'failure':
      return `refuses: ${FAILURE_NAMES.get(confirm.code) ?? `failure code ${confirm.code}`}`;
  }
}

function flagNames(flags: number): string[] {
  return Object.entries(NegotiationResponseFlags).flatMap(([name, bit]) => ((flags & bit) === 0 ? [] : [name]));
}

const PROTOCOL_NAMES: ReadonlyMap<number, string> = new Map([
  [SecurityProtocol.rdp, 'standard RDP security'],
  [SecurityProtocol.ssl, 'TLS'],
  [SecurityProtocol.hybrid, 'CredSSP (NLA)'],
  [SecurityProtocol.rdstls, 'RDSTLS'],
  [SecurityProtocol.hybridEx, 'CredSSP with early user authorization (NLA)'],
  [SecurityProtocol.rdsAad, 'Microsoft Entra ID'],
]);

/** [MS-RDPBCGR] 2.2.1.2.2 failureCode, as administrators find them. */
const FAILURE_NAMES: ReadonlyMap<number, string> = new Map([
  [NegotiationFailureCode.sslRequiredByServer, 'SSL_REQUIRED_BY_SERVER'],
  [NegotiationFailureCode.sslNotAllowedByServer, 'SSL_NOT_ALLOWED_BY_SERVER'],
  [NegotiationFailureCode.sslCertNotOnServer, 'SSL_CERT_NOT_ON_SERVER'],
  [NegotiationFailureCode.inconsistentFlags, 'INCONSISTENT_FLAGS'],
  [NegotiationFailureCode.hybridRequiredByServer, 'HYBRID_REQUIRED_BY_SERVER'],
  [NegotiationFailureCode.sslWithUserAuthRequiredByServer, 'SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER'],
]);
