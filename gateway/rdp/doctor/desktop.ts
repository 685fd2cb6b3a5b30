import { ConnectError } from '#protocol/connector/connect-error.ts';
import type { Redirection } from '#protocol/connector/redirection.ts';
import type { ClientConfig, ConnectionPhase } from '#protocol/connector/types.ts';
import { DecodeError, UnsupportedError } from '#protocol/core/errors.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { describeErrorInfo } from '#protocol/pdu/error-info.ts';
import { type CredSspErrorCode, formatStatus } from '#protocol/security/nt-status.ts';
import type { CloseReason } from '#protocol/session/close-reason.ts';
import type { LogonNoticeCode } from '#protocol/session/logon-notice.ts';
import { type ClientOutput, RdpClient } from '#protocol/session/rdp-client.ts';
import type { ProtocolClient, RdpConnectionOptions } from '../connection-contract.ts';
import { RdpConnection } from '../driver.ts';
import type { ConnectionEnd } from '../failures.ts';
import { nodeCrypto } from '../node-crypto.ts';
import type { ServerCertificate } from '../tls-peer.ts';
import { type Diagnosis, type DiagnosisCode, diagnosis } from './diagnoses.ts';
import { harmless } from './wire.ts';

export interface DesktopPlan {
  readonly config: ClientConfig;
  readonly connection: RdpConnectionOptions;
  /** How far to go: `logon` leaves as soon as NLA has accepted the account, and opens no session. */
  readonly until: 'logon' | 'desktop';
  /** How long to wait for the first picture once the desktop is there. */
  readonly pictureTimeoutMs: number;
  /**
   * How long to listen after the first picture for what the server says of the logon; 0 where NLA has settled that.
   * Without NLA the first picture is the server's sign-in screen.
   */
  readonly settleMs: number;
}

/** How a whole connection went. Times in milliseconds since its start. */
export interface DesktopOutcome {
  /** When each phase began. */
  readonly phases: ReadonlyMap<ConnectionPhase, number>;
  readonly connectedMs: number | undefined;
  readonly pictureMs: number | undefined;
  /** The desktop that the server gave. */
  readonly desktop: { readonly width: number; readonly height: number; readonly colorDepth: number } | undefined;
  /** The server said that somebody is logged on. Few do that are no Windows. */
  readonly loggedOn: boolean;
  /** What the first picture came as. */
  readonly pictureKind: string | undefined;
  /** The server sends the connection on. */
  readonly redirection: Redirection | undefined;
  /** What was seen of the server, once TLS was there. */
  readonly certificate: ServerCertificate | undefined;
  readonly bytes: number;
  readonly endedMs: number;
  /** MCS Attach User Request to its Confirm. */
  readonly mcsRoundTripMs: number | undefined;
  /** Why it failed; undefined where it got as far as planned. */
  readonly failure: Diagnosis | undefined;
}

/** Connects as a session does, with the account, up to the first picture, and leaves again. */
export async function tryDesktop(plan: DesktopPlan): Promise<DesktopOutcome> {
  const client = new ObservedClient(new RdpClient(plan.config, nodeCrypto));
  const started = performance.now();
  const elapsed = (): number => performance.now() - started;
  const phases = new Map<ConnectionPhase, number>();
  let connectedMs: number | undefined;
  let pictureMs: number | undefined;
  let desktop: DesktopOutcome['desktop'];
  let pictureKind: string | undefined;
  let redirection: Redirection | undefined;
  let certificate: ServerCertificate | undefined;
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;
  let isLoggedOn = false;
  let noticed: Diagnosis | undefined;
  const end = await new Promise<ConnectionEnd | 'enough' | 'no_picture'>((resolve) => {
    const connection = new RdpConnection(client, plan.connection, {
      phase(phase) {
        phases.set(phase, elapsed());
        if (plan.until === 'logon' && phase === 'settings') finish('enough');
      },
      connected() {
        connectedMs = elapsed();
        desktop = client.desktop;
        timer = setTimeout(() => finish('no_picture'), plan.pictureTimeoutMs);
      },
      graphics(update) {
        if (!PICTURES.has(update.code) || pictureMs !== undefined) return;
        pictureMs = elapsed();
        pictureKind = PICTURES.get(update.code);
        clearTimeout(timer);
        if (plan.settleMs === 0 || isLoggedOn) finish('enough');
        else timer = setTimeout(() => finish('enough'), plan.settleMs);
      },
      secured(_tls, seen) {
        certificate = seen;
      },
      redirected(to) {
        redirection = to;
        resolve('enough');
      },
      loggedOn() {
        isLoggedOn = true;
        if (pictureMs !== undefined) finish('enough');
      },
      notice({ code, message }) {
        const found = NOTICES[code];
        if (found === undefined) return;
        noticed ??= diagnosis(found, message);
        finish('enough');
      },
      bytes(count) {
        bytes += count;
      },
      ended: resolve,
    });
    const finish = (how: 'enough' | 'no_picture'): void => {
      // Not from within the call that the connection itself is making.
      setImmediate(() => connection.close());
      resolve(how);
    };
  });
  clearTimeout(timer);
  const [phase] = [...phases.keys()].slice(-1);
  let failure: Diagnosis | undefined;
  if (noticed !== undefined) failure = noticed;
  else if (end === 'no_picture') failure = diagnosis('no_picture', `within ${plan.pictureTimeoutMs} ms`);
  else if (end !== 'enough') failure = explain(end, client, phase, plan.config);
  return {
    phases,
    connectedMs,
    pictureMs,
    desktop,
    loggedOn: isLoggedOn,
    pictureKind,
    redirection,
    certificate,
    bytes,
    endedMs: elapsed(),
    mcsRoundTripMs: client.mcsRoundTripMs,
    failure,
  };
}

/** An `RdpClient` whose failure and whose round trip can be looked at afterwards. */
class ObservedClient implements ProtocolClient {
  readonly #client: RdpClient;
  error: unknown;
  reason: CloseReason | undefined;
  mcsRoundTripMs: number | undefined;
  #askedAt: number | undefined;

  constructor(client: RdpClient) {
    this.#client = client;
  }

  get desktop(): DesktopOutcome['desktop'] {
    const share = this.#client.connection?.share;
    return share && { width: share.width, height: share.height, colorDepth: share.colorDepth };
  }

  start(): ClientOutput[] {
    return this.#watch(() => this.#client.start());
  }

  receive(bytes: Uint8Array, now: number): ClientOutput[] {
    if (this.#askedAt !== undefined) this.mcsRoundTripMs ??= performance.now() - this.#askedAt;
    return this.#watch(() => this.#client.receive(bytes, now));
  }

  tlsEstablished(...[peer, now]: Parameters<RdpClient['tlsEstablished']>): ClientOutput[] {
    return this.#watch(() => this.#client.tlsEstablished(peer, now));
  }

  transportClosed(): ClientOutput[] {
    return this.#watch(() => this.#client.transportClosed());
  }

  input(...[events]: Parameters<RdpClient['input']>): ClientOutput[] {
    return this.#client.input(events);
  }

  refresh(): ClientOutput[] {
    return this.#client.refresh();
  }

  shutdown(): ClientOutput[] {
    return this.#client.shutdown();
  }

  #watch(step: () => ClientOutput[]): ClientOutput[] {
    let outputs: ClientOutput[];
    try {
      outputs = step();
    } catch (error) {
      this.error = error;
      throw error;
    }
    for (const output of outputs) {
      if (output.kind === 'closed') this.reason = output.reason;
      // The phase begins with Erect Domain and Attach User; what comes next is the server's answer.
      if (output.kind === 'phase' && output.phase === 'channels') this.#askedAt = performance.now();
    }
    return outputs;
  }
}

/** What the end of a connection means to an administrator. */
function explain(
  end: ConnectionEnd,
  client: ObservedClient,
  phase: ConnectionPhase | undefined,
  config: ClientConfig,
): Diagnosis {
  const { error, reason } = client;
  if (reason !== undefined) return explainReason(reason);
  if (error instanceof ConnectError) return explainConnectError(error, phase, config);
  if (error instanceof DecodeError || error instanceof UnsupportedError) {
    return diagnosis(phase === 'authenticating' ? 'nla_malformed' : 'protocol_error', error.message);
  }
  const early = phase === undefined || phase === 'negotiating' || phase === 'securing';
  const detail = harmless(end.detail);
  if (early) return diagnosis(EARLY_CODES[end.code] ?? 'session_closed', detail);
  if (end.code === 'target_timeout') {
    return diagnosis(phase === 'authenticating' ? 'logon_no_answer' : 'session_no_answer', detail);
  }
  return diagnosis(phase === 'authenticating' ? 'logon_closed' : 'session_closed', detail);
}

function explainConnectError(error: ConnectError, phase: ConnectionPhase | undefined, config: ClientConfig): Diagnosis {
  if (error.reason !== undefined) return explainLogon(error.reason, error, config);
  if (error.errorInfo !== undefined) return explainErrorInfo(error.errorInfo);
  const { code, message } = error;
  if (code === 'licensing_failed') return diagnosis(licensingCode(message), message);
  if (code === 'logon_failed') return diagnosis('logon_closed', message);
  const known = CONNECT_CODES[code];
  if (known !== undefined) return diagnosis(known, message);
  return diagnosis(phase === 'authenticating' ? 'logon_closed' : 'session_closed', message);
}

function explainLogon(reason: CredSspErrorCode, error: ConnectError, config: ClientConfig): Diagnosis {
  const status = error.status === undefined ? error.message : formatStatus(error.status);
  if (reason === 'refused') return diagnosis(error.status === undefined ? 'logon_closed' : 'logon_refused', status);
  if (reason === 'account_restriction' && config.restrictedAdmin === true) {
    return diagnosis('restricted_admin_disabled', status);
  }
  return diagnosis(logonCode(reason), status);
}

function explainReason(reason: CloseReason): Diagnosis {
  if (reason.errorInfo !== undefined) return explainErrorInfo(reason.errorInfo);
  if (reason.code === 'logon_failed') return diagnosis('logon_failed', reason.message);
  return diagnosis('session_closed', reason.message);
}

/** [MS-RDPBCGR] 2.2.5.1.1 errorInfo. */
function explainErrorInfo(errorInfo: number): Diagnosis {
  const { code, name } = describeErrorInfo(errorInfo);
  const detail = `${name} (0x${errorInfo.toString(16).padStart(8, '0')})`;
  const known = ERROR_INFO_CODES.get(errorInfo);
  if (known !== undefined) return diagnosis(known, detail);
  if (code === 'licensing_failed') return diagnosis('licensing_failed', detail);
  return diagnosis(code === 'protocol_error' ? 'protocol_error' : 'session_ended', detail);
}

/** [MS-RDPBCGR] 2.2.1.12.1.3 dwErrorCode, by its name in the connector's message. */
function licensingCode(message: string): DiagnosisCode {
  if (message.endsWith('noLicenseServer')) return 'license_server_missing';
  return message.endsWith('noLicense') ? 'licenses_used_up' : 'licensing_failed';
}

/** What a server says of a logon that did not come about. The other notices are for whoever sits there. */
const NOTICES: Readonly<Partial<Record<LogonNoticeCode, DiagnosisCode>>> = {
  logon_bad_password: 'logon_failed',
  logon_update_password: 'password_must_change',
  logon_failed: 'logon_refused',
  logon_no_permission: 'session_denied',
  logon_session_taken: 'session_in_use',
};

const ERROR_INFO_CODES: ReadonlyMap<number, DiagnosisCode> = new Map([
  [0x0005, 'session_taken'],
  [0x0006, 'server_out_of_memory'],
  [0x0007, 'session_denied'],
  [0x0009, 'logon_type_not_granted'],
  [0x000a, 'logon_failed'],
  [0x0101, 'license_server_missing'],
  [0x0102, 'licenses_used_up'],
]);

/** Most have the same name here. */
function logonCode(reason: CredSspErrorCode): DiagnosisCode {
  switch (reason) {
    case 'delegation_refused':
    case 'version_refused':
      return 'encryption_oracle_remediation';
    case 'channel_binding_mismatch':
    case 'public_key_mismatch':
      return 'tls_interception';
    case 'refused':
      return 'logon_refused';
    default:
      return reason;
  }
}

/** What a picture can come as; sizes and pointers are none. */
const PICTURES: ReadonlyMap<number, string> = new Map([
  [UpdateCode.orders, 'drawing orders'],
  [UpdateCode.bitmap, 'classic bitmaps'],
  [UpdateCode.surfaceCommands, 'surface commands'],
  [UpdateCode.graphicsPipeline, 'the graphics pipeline (RDPGFX)'],
]);

const CONNECT_CODES: Readonly<Partial<Record<ConnectError['code'], DiagnosisCode>>> = {
  not_rdp: 'not_rdp',
  nla_required: 'nla_required_by_server',
  nla_refused: 'nla_not_offered',
  restricted_admin_refused: 'restricted_admin_unsupported',
  tls_refused: 'negotiation_failed',
  credentials_too_long: 'credentials_too_long',
};

/** Before the logon: the probes came through here a moment ago. */
const EARLY_CODES: Readonly<Partial<Record<ConnectionEnd['code'], DiagnosisCode>>> = {
  target_unresolved: 'name_not_found',
  target_refused: 'connection_refused',
  target_timeout: 'connection_timed_out',
  tls_failed: 'tls_failed',
  tls_too_old: 'tls_version_too_old',
  certificate_changed: 'certificate_changed',
  certificate_untrusted: 'certificate_untrusted',
};
