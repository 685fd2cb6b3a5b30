import type { LookupFunction } from 'node:net';
import type { ClipboardOutput } from '#protocol/channels/cliprdr/clipboard-channel.ts';
import type { Redirection } from '#protocol/connector/redirection.ts';
import type { AutoReconnectSecret, ConnectionPhase } from '#protocol/connector/types.ts';
import type { GraphicsUpdate } from '#protocol/graphics/update.ts';
import type { LockKeys } from '#protocol/pdu/lock-keys.ts';
import type { FramePacerOptions } from '#protocol/session/frame-pacer.ts';
import type { LogonNotice } from '#protocol/session/logon-notice.ts';
import type { RdpClient } from '#protocol/session/rdp-client.ts';
import type { ConnectionEnd } from './failures.ts';
import type { LivenessLimits } from './liveness.ts';
import type { ServerCertificate, TlsSession, TlsVersion } from './tls-peer.ts';
import type { TrustDecision } from './trust.ts';

/** The sans-IO client that a connection drives. */
export type ProtocolClient = Pick<
  RdpClient,
  'start' | 'receive' | 'tlsEstablished' | 'transportClosed' | 'input' | 'refresh' | 'shutdown'
> &
  Partial<
    Pick<
      RdpClient,
      | 'connection'
      | 'suppressOutput'
      | 'resize'
      | 'clipboard'
      | 'silenceLimit'
      | 'probe'
      | 'paceFrames'
      | 'acknowledgeFrames'
      | 'rest'
    >
  >;

export interface RdpConnectionOptions {
  readonly host: string;
  readonly port: number;
  /**
   * Asked before any credential is sent: whether this is the server that was meant. A refusal ends the connection with
   * the decision's code; a plain `false` with `certificate_changed`.
   */
  readonly trust: (certificate: ServerCertificate) => TrustAnswer | Promise<TrustAnswer>;
  /** Check the certificate against this machine's authorities, for `trust` to judge. Not done unless set. */
  readonly verifyChain?: boolean;
  /** A server with an older TLS is left before anything is sent; 1.2 unless given. */
  readonly minimumTls?: TlsVersion;
  /** For TCP to be there; 10 s unless given. */
  readonly connectTimeoutMs?: number;
  /** The longest silence of the server until the desktop is there; 30 s unless given. Five minutes once it has said that it prepares one. */
  readonly answerTimeoutMs?: number;
  /** How fast the server may send pictures; 30 frames a second unless given. */
  readonly pace?: FramePacerOptions;
  /** When a silent server counts as gone. */
  readonly liveness?: LivenessLimits;
  /** Another resolver, for tests. */
  readonly lookup?: LookupFunction;
}

export type TrustAnswer = boolean | TrustDecision;

/** What a connection calls back. `ended` is the last, and comes exactly once unless `close` came first. */
export interface RdpConnectionEvents {
  phase(phase: ConnectionPhase): void;
  /** TLS is there and good enough, the certificate is trusted. */
  secured?(tls: TlsSession, certificate: ServerCertificate): void;
  /** The desktop is there: the first update follows at once. */
  connected(): void;
  loggedOn?(): void;
  /** The toggle keys as the server has them. */
  lockKeys?(lockKeys: LockKeys): void;
  /** What the user should know of a logon that is not done yet. */
  notice?(notice: LogonNotice): void;
  /** Some of what the user typed cannot be typed at this server. Comes once. */
  textLost?(): void;
  /** What happens to the desktop's clipboard. Data in it is only good during the call. */
  clipboard?(output: ClipboardOutput): void;
  /** What a connection that takes this one's place should bring. A secret; `undefined` takes it back. */
  autoReconnect?(secret: AutoReconnectSecret | undefined): void;
  /** `update.data` is only good during the call. */
  graphics(update: GraphicsUpdate): void;
  /** No more updates are to be expected in this turn of the event loop. Comes after those that were handed over. */
  settled?(): void;
  /** Bytes that came from the server. */
  bytes(count: number): void;
  /** The session goes on elsewhere; nothing is called afterwards. Without it, a redirection is an end. */
  redirected?(redirection: Redirection): void;
  ended(end: ConnectionEnd): void;
}
