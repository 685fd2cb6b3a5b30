/** What goes into and comes out of the connection sequence, server side. */
import type { CapabilitySet } from '../pdu/capability-sets.ts';
import type { ClientInfo } from '../pdu/client-info.ts';
import type { ClientData } from '../pdu/gcc-client-data.ts';
import type { RdstlsRequest } from '../pdu/rdstls.ts';
import type { CredSspError } from '../security/credssp-error.ts';
import type { AccountLookup, NtlmIdentity } from '../security/ntlm-server.ts';
import type { SecuredFrames } from '../security/secured-frames.ts';
import type { NetworkDetection } from './network-detection.ts';
import type { RsaPrivateKey } from './server-certificate.ts';
import type { ColorDepth, JoinedChannel } from './types.ts';

export interface Logon {
  readonly user: string;
  readonly domain: string;
  readonly password: string;
}

export interface LegacyServerConfig {
  readonly authenticate: (logon: Logon) => boolean;
  /** `EncryptionLevel`; with `none` nothing is encrypted. */
  readonly level: number;
  /** `EncryptionMethod`s to accept, the strongest that the client has is taken. */
  readonly methods: number;
  /** The key behind the proprietary certificate; 512 bits and more. */
  readonly privateKey: RsaPrivateKey;
}

export interface ServerConfig {
  /** NetBIOS name of this server, at most 15 letters. */
  readonly computerName: string;
  /** Accept Network Level Authentication by these accounts. */
  readonly nla?: {
    readonly lookup: AccountLookup;
    /** Let clients keep their password to themselves: Restricted Admin mode. */
    readonly restrictedAdmin?: boolean;
  };
  /** Accept TLS without NLA; this decides by what Client Info says. Without both `nla` and `tls` nobody gets in. */
  readonly tls?: { readonly authenticate: (logon: Logon) => boolean };
  /** Accept logons by RDSTLS, which a redirection brings; this decides, with one of `RdstlsResult`. */
  readonly rdstls?: (request: RdstlsRequest) => number;
  /**
   * Accept standard RDP security; `authenticate` decides by what Client Info says. Only a client that offers nothing
   * better gets it.
   */
  readonly legacy?: LegacyServerConfig;
  /** The desktop's size for a client that asks for this one; as asked unless given. */
  readonly fit?: (width: number, height: number) => { readonly width: number; readonly height: number };
  /** Measure the network by a client that lets itself be measured, while it connects and when asked to. */
  readonly autoDetect?: boolean;
  /**
   * `false`: messages of the graphics pipeline go out uncompressed, so that each is the same whatever was sent before. They
   * are compressed unless given.
   */
  readonly compressesGraphics?: boolean;
}

/** What Demand Active and Confirm Active settled, from the server's side. */
export interface ServerShare {
  readonly shareId: number;
  readonly width: number;
  readonly height: number;
  readonly colorDepth: ColorDepth;
  /** Largest fast-path update the client takes, before it is cut into fragments. */
  readonly maxUpdateSize: number;
}

export interface AcceptedConnection {
  /** `SecurityProtocol`. */
  readonly protocol: number;
  /** The client's MCS user id. */
  readonly userId: number;
  readonly ioChannelId: number;
  readonly channels: readonly JoinedChannel[];
  /** Where the client has one. */
  readonly messageChannel?: { readonly id: number; readonly detection: NetworkDetection };
  readonly clientData: ClientData;
  readonly clientInfo: Omit<ClientInfo, 'password'>;
  /** Who logged on by NLA. */
  readonly identity: NtlmIdentity | undefined;
  readonly share: ServerShare;
  readonly clientCapabilities: readonly CapabilitySet[];
  /** Bytes that belong to the active stage; may end within a frame. */
  readonly pending: Uint8Array;
  /** Standard RDP security: every further frame goes through it. `pending` then is open already, and `sealed` is not. */
  readonly security?: { readonly frames: SecuredFrames; readonly sealed: Uint8Array };
}

export type AcceptorOutput =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** Send what is queued, start TLS as its server, then call `tlsEstablished`. */
  | { readonly kind: 'start-tls' }
  | { readonly kind: 'connected'; readonly result: AcceptedConnection }
  /** Send what is queued (it tells the client why), then close. */
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly error?: CredSspError | Error };

export type RefusalReason =
  /** No security protocol that both ends allow. */
  | 'security_protocol'
  | 'logon_failed'
  /** The client left. */
  | 'client_closed';
