/** What goes into and comes out of the connection sequence, client side. */
import type { BitmapCodec, CapabilitySet } from '../pdu/capability-sets.ts';
import type { ChannelDefinition } from '../pdu/gcc-client-data.ts';
import type { ServerData } from '../pdu/gcc-server-data.ts';
import type { RdstlsRequest } from '../pdu/rdstls.ts';
import type { TimeZone } from '../pdu/time-zone.ts';
import type { SecuredFrames } from '../security/secured-frames.ts';
import type { MessageChannel } from './message-channel.ts';
import type { Redirection } from './redirection.ts';

export type ColorDepth = 15 | 16 | 24 | 32;

/**
 * Network Level Authentication. `required`: nothing else will do; `preferred`: if the server has it, else TLS alone;
 * `never`: TLS alone.
 */
export type NlaPolicy = 'required' | 'preferred' | 'never';

/**
 * Standard RDP security, for servers that have no TLS: weak encryption or none, and nobody proves who the server is.
 * `accepted`: where the server has nothing better and NLA is not required; `required`: nothing else is offered.
 */
export type LegacySecurityPolicy = 'refused' | 'accepted' | 'required';

export interface ClientConfig {
  /** The server's name as the user knows it; for the SPN `TERMSRV/host`. */
  readonly host: string;
  /** `user`, `DOMAIN\user` or `user@domain`. */
  readonly username: string;
  readonly password: string;
  readonly domain: string;
  /** Desktop size in pixels, 200 to 8192. */
  readonly width: number;
  readonly height: number;
  readonly colorDepth: ColorDepth;
  readonly nla: NlaPolicy;
  /** Standard RDP security; `refused` unless given. */
  readonly legacySecurity?: LegacySecurityPolicy;
  /** `EncryptionMethod`s to offer where standard RDP security is used; all unless given. */
  readonly encryptionMethods?: number;
  /** Windows input locale identifier, for example 0x409. */
  readonly keyboardLayout: number;
  /** What the server calls this client; cut to 15 characters. */
  readonly clientName: string;
  /** What licence servers know this installation by, 16 bytes that stay the same; made of `clientName` unless given. */
  readonly hardwareId?: Uint8Array;
  /** `PerformanceFlags`; no wallpaper, no menu animations, smooth fonts unless given. */
  readonly performanceFlags?: number;
  /** `ConnectionType`; LAN unless given. */
  readonly connectionType?: number;
  /** UTC unless given. */
  readonly timeZone?: TimeZone;
  /** Sent in the clear before TLS: a load balancer's token (`Cookie: msts=…`), or `mstshash=…`. None unless given. */
  readonly routing?: { readonly kind: 'cookie' | 'token'; readonly value: string };
  /** The connection follows a Server Redirection Packet. */
  readonly redirected?: RedirectedLogon;
  /** The connection takes the place of one that was lost: what that one's server gave for it. A secret. */
  readonly autoReconnect?: AutoReconnectSecret;
  /** Bitmap codecs to offer; their updates come as surface commands. None unless given. */
  readonly codecs?: readonly BitmapCodec[];
  /** Take uncompressed surface commands even without codecs. */
  readonly surfaceCommands?: boolean;
  /** Frames the server may send ahead of a Frame Acknowledge; offered only if given. */
  readonly maxUnacknowledgedFrames?: number;
  /** Static virtual channels to open, at most 31. None unless given. */
  readonly channels?: readonly ChannelDefinition[];
  /** Join a message channel: answer network auto-detection, while connecting and afterwards, and take heartbeats. */
  readonly autoDetect?: boolean;
  /** Offer RDPGFX; needs the `drdynvc` channel. */
  readonly dynamicGraphics?: boolean;
  /** Log on to the console session, as administrators do. */
  readonly adminSession?: boolean;
  /**
   * Restricted Admin mode: log on by proof alone, so that the server never gets the password. Needs NLA and a server
   * that offers it; anything less is refused.
   */
  readonly restrictedAdmin?: boolean;
  /** Oldest CredSSP version to accept; 2 unless given. */
  readonly oldestCredSsp?: number;
  /** Program to start in place of the desktop's shell. */
  readonly alternateShell?: string;
  readonly workingDir?: string;
}

/** What a Server Redirection Packet has the client bring along. */
export interface RedirectedLogon {
  readonly sessionId: number;
  /** Log on by RDSTLS, and by nothing else. Holds a secret. */
  readonly rdstls?: RdstlsRequest;
}

/** [MS-RDPBCGR] 5.5: from Save Session Info. */
export interface AutoReconnectSecret {
  readonly logonId: number;
  /** 16 bytes. */
  readonly randomBits: Uint8Array;
}

/** In order. Stable words, shown as progress. */
export type ConnectionPhase =
  | 'negotiating'
  | 'securing'
  | 'authenticating'
  | 'settings'
  | 'channels'
  | 'licensing'
  | 'capabilities'
  | 'finalizing';

/** A static virtual channel that is joined. */
export interface JoinedChannel extends ChannelDefinition {
  readonly id: number;
}

/** What Demand Active and Confirm Active settled. */
export interface Share {
  readonly shareId: number;
  readonly width: number;
  readonly height: number;
  readonly colorDepth: number;
  /** The server takes fast-path input. */
  readonly fastPathInput: boolean;
  /** The server takes Unicode input, the fourth and fifth button, and a wheel that goes sideways. */
  readonly unicodeInput: boolean;
  readonly extendedButtons: boolean;
  readonly horizontalWheel: boolean;
  /** The server takes Refresh Rect and Suppress Output PDUs. */
  readonly refreshRect: boolean;
  readonly suppressOutput: boolean;
  /** Largest fast-path update that we said we take. */
  readonly maxUpdateSize: number;
  readonly serverCapabilities: readonly CapabilitySet[];
}

export interface ConnectionResult {
  /** `SecurityProtocol`. */
  readonly protocol: number;
  /** Of the CredSSP that logged us on; the lower of the two ends'. */
  readonly credSspVersion?: number;
  /** Our MCS user id. */
  readonly userId: number;
  readonly ioChannelId: number;
  /** Where one is joined: feed it what comes on it and send back its answers, for as long as the session lasts. */
  readonly messageChannel?: { readonly id: number; readonly channel: MessageChannel };
  readonly channels: readonly JoinedChannel[];
  readonly serverData: ServerData;
  readonly share: Share;
  /** [MS-RDPBCGR] 2.2.5.1.1: the last Set Error Info's value, if one came while connecting. */
  readonly errorInfo?: number;
  /**
   * Bytes that belong to the active stage: frames that came before the sequence was over (logon notices, first
   * drawings, channel data) and what came behind its end. May end within a frame.
   */
  readonly pending: Uint8Array;
  /** Standard RDP security: every further frame goes through it. `pending` then is open already, and `sealed` is not. */
  readonly security?: { readonly frames: SecuredFrames; readonly sealed: Uint8Array };
}

export type ConnectorOutput =
  /** `alone`: in a TLS record of its own, with nothing before or behind it. */
  | { readonly kind: 'send'; readonly bytes: Uint8Array; readonly alone?: true }
  /** Send what is queued, start TLS as its client, then call `tlsEstablished`. */
  | { readonly kind: 'start-tls' }
  | { readonly kind: 'phase'; readonly phase: ConnectionPhase }
  /** What a broker does about it that the desktop is not there yet: `StatusCode`, or one that it may have some day. */
  | { readonly kind: 'status'; readonly statusCode: number }
  | { readonly kind: 'connected'; readonly result: ConnectionResult }
  /** The last output: this connection is over, go there. */
  | { readonly kind: 'redirect'; readonly redirection: Redirection };
