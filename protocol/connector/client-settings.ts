/** The messages in which our client describes itself, from the configuration: Connect Initial and Client Info. */
import { WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import {
  AddressFamily,
  type AutoReconnectCookie,
  type ClientInfo,
  encodeClientInfo,
  InfoFlags,
  MAX_INFO_TEXT,
  PerformanceFlags,
  sizeOfClientInfo,
} from '../pdu/client-info.ts';
import { encodeConferenceCreateRequest, sizeOfConferenceCreateRequest } from '../pdu/gcc.ts';
import { type ClientData, ClusterFlags, encodeClientData, sizeOfClientData } from '../pdu/gcc-client-data.ts';
import {
  type ClientCoreData,
  ClientEarlyCapability,
  COLOR_8BPP,
  ConnectionType,
  HighColorDepth,
  RdpVersion,
  SupportedColorDepths,
} from '../pdu/gcc-core-data.ts';
import { CLIENT_DOMAIN_PARAMETERS, encodeConnectInitial, sizeOfConnectInitial } from '../pdu/mcs.ts';
import { SecurityProtocol } from '../pdu/nego.ts';
import { SecurityFlags, withSecurityHeader } from '../pdu/security-header.ts';
import { UTC_TIME_ZONE } from '../pdu/time-zone.ts';
import { encodeData } from '../pdu/x224.ts';
import { type CredSspClientOptions, splitUserName } from '../security/credssp-client.ts';
import { keyboardOf } from './client-keyboard.ts';
import { ConnectError } from './connect-error.ts';
import { ALL_ENCRYPTION_METHODS } from './security-exchange.ts';
import type { ClientConfig } from './types.ts';

/** [MS-RDPBCGR] 2.2.1.3.2 desktopWidth and desktopHeight. */
const MIN_DESKTOP = 200;
const MAX_DESKTOP = 8192;

const DEFAULT_PERFORMANCE_FLAGS =
  PerformanceFlags.disableWallpaper | PerformanceFlags.disableMenuAnimations | PerformanceFlags.enableFontSmoothing;

/** A Windows build; servers only look whether it is old. */
const CLIENT_BUILD = 19041;

/**
 * A whole packet.
 * @param protocol the one that the server selected
 * @param extended whether the server takes extended client data blocks
 */
export function connectInitialMessage(
  config: ClientConfig,
  protocol: number,
  extended: boolean,
): Uint8Array<ArrayBuffer> {
  const data = clientData(config, protocol, extended);
  const settings = new WriteCursor(sizeOfClientData(data));
  encodeClientData(data, settings);
  const blocks = settings.finish();
  const conference = new WriteCursor(sizeOfConferenceCreateRequest(blocks));
  encodeConferenceCreateRequest(blocks, conference);
  const pdu = { ...CLIENT_DOMAIN_PARAMETERS, userData: conference.finish() };
  const cursor = new WriteCursor(sizeOfConnectInitial(pdu));
  encodeConnectInitial(pdu, cursor);
  return encodeData(cursor.finish());
}

export function clientData(config: ClientConfig, protocol: number, extended: boolean): ClientData {
  return {
    core: coreData(config, protocol),
    security: { encryptionMethods: encryptionMethods(config, protocol), extEncryptionMethods: 0 },
    ...(config.channels !== undefined && { channels: config.channels }),
    cluster: clusterData(config),
    ...(extended && config.autoDetect === true && { messageChannelFlags: 0 }),
  };
}

/** Zero with TLS: there is nothing to encrypt then. */
export function encryptionMethods(config: ClientConfig, protocol: number): number {
  return protocol === SecurityProtocol.rdp ? (config.encryptionMethods ?? ALL_ENCRYPTION_METHODS) : 0;
}

/**
 * MCS user data: the Client Info PDU behind its security header.
 * @param protocol the one that the server selected
 * @param cookie of the connection that this one takes the place of
 */
export function clientInfoMessage(
  config: ClientConfig,
  protocol: number,
  cookie: AutoReconnectCookie | null = null,
): Uint8Array<ArrayBuffer> {
  const info = clientInfo(config, protocol, cookie);
  return withSecurityHeader(SecurityFlags.infoPacket, sizeOfClientInfo(info), (cursor) =>
    encodeClientInfo(info, cursor),
  );
}

export function credSspSettings(config: ClientConfig): CredSspClientOptions {
  const { username, password, domain, host, clientName, oldestCredSsp, restrictedAdmin } = config;
  return {
    ...{ username, password, domain, host, workstation: clientName },
    ...(oldestCredSsp !== undefined && { oldestVersion: oldestCredSsp }),
    ...(restrictedAdmin !== undefined && { restrictedAdmin }),
  };
}

/** REDIRECTION_VERSION5, [MS-RDPBCGR] 2.2.1.3.5: the sixth goes with multitransport. */
const CLUSTER_VERSION_5 = 4 << ClusterFlags.redirectionVersionShift;

function clusterData({ adminSession, redirected }: ClientConfig): NonNullable<ClientData['cluster']> {
  const flags = ClusterFlags.redirectionSupported | CLUSTER_VERSION_5;
  if (redirected === undefined && adminSession !== true) return { flags, redirectedSessionId: 0 };
  return {
    flags: flags | ClusterFlags.redirectedSessionIdFieldValid,
    redirectedSessionId: redirected?.sessionId ?? 0,
  };
}

function coreData(config: ClientConfig, protocol: number): ClientCoreData {
  for (const size of [config.width, config.height]) {
    if (!(Number.isInteger(size) && size >= MIN_DESKTOP && size <= MAX_DESKTOP)) {
      throw new UsageError(`a desktop is ${MIN_DESKTOP} to ${MAX_DESKTOP} pixels wide and high, not ${size}`);
    }
  }
  const depths = SupportedColorDepths;
  return {
    version: RdpVersion.v10_7,
    desktopWidth: config.width,
    desktopHeight: config.height,
    colorDepth: COLOR_8BPP,
    ...keyboardOf(config.keyboardLayout),
    clientBuild: CLIENT_BUILD,
    clientName: config.clientName.slice(0, 15),
    imeFileName: '',
    postBeta2ColorDepth: COLOR_8BPP,
    clientProductId: 1,
    serialNumber: 0,
    highColorDepth: config.colorDepth === 32 ? HighColorDepth.bpp24 : config.colorDepth,
    supportedColorDepths: depths.bpp24 | depths.bpp16 | depths.bpp15 | depths.bpp32,
    earlyCapabilityFlags: earlyCapabilityFlags(config),
    clientDigProductId: '',
    connectionType: config.connectionType ?? ConnectionType.lan,
    serverSelectedProtocol: protocol,
  };
}

function earlyCapabilityFlags(config: ClientConfig): number {
  const flags = ClientEarlyCapability;
  return (
    flags.supportErrorInfoPdu |
    flags.supportStatusInfoPdu |
    flags.strongAsymmetricKeys |
    flags.validConnectionType |
    flags.supportMonitorLayoutPdu |
    flags.supportSkipChannelJoin |
    (config.colorDepth === 32 ? flags.want32BppSession : 0) |
    (config.autoDetect === true ? flags.supportNetworkAutodetect | flags.supportHeartbeatPdu : 0) |
    (config.dynamicGraphics === true ? flags.supportDynvcGfxProtocol : 0)
  );
}

/** The user is logged on by other means, and the password is not for this server's eyes. */
function keepsPassword({ restrictedAdmin, redirected }: ClientConfig): boolean {
  return restrictedAdmin === true || redirected?.rdstls !== undefined;
}

/**
 * What of the credentials has room in a Client Info PDU. A server that has authenticated the user already knows them.
 * @throws ConnectError with `credentials_too_long`
 */
function roomFor(text: string, protocol: number): string {
  if (text.length <= MAX_INFO_TEXT) return text;
  if (protocol !== SecurityProtocol.rdp && protocol !== SecurityProtocol.ssl) return '';
  throw new ConnectError(
    'credentials_too_long',
    `${text.length} characters of user name, domain or password, where there is room for ${MAX_INFO_TEXT}`,
  );
}

function clientInfo(config: ClientConfig, protocol: number, cookie: AutoReconnectCookie | null): ClientInfo {
  const { user, domain } = splitUserName(config.username, config.domain);
  const flags =
    InfoFlags.mouse |
    InfoFlags.unicode |
    InfoFlags.disableCtrlAltDel |
    InfoFlags.maximizeShell |
    InfoFlags.logonNotify |
    InfoFlags.logonErrors |
    InfoFlags.enableWindowsKey |
    InfoFlags.mouseHasWheel |
    InfoFlags.forceEncryptedCsPdu |
    (playsAudio(config) ? 0 : InfoFlags.noAudioPlayback) |
    // Without a password the server shows its own logon screen.
    (config.password === '' && !keepsPassword(config) ? 0 : InfoFlags.autologon);
  return {
    // In Unicode texts: the active language identifier.
    codePage: config.keyboardLayout & 0xffff,
    flags,
    domain: roomFor(domain, protocol),
    userName: roomFor(user, protocol),
    password: keepsPassword(config) ? '' : roomFor(config.password, protocol),
    alternateShell: config.alternateShell ?? '',
    workingDir: config.workingDir ?? '',
    extended: {
      clientAddressFamily: AddressFamily.inet,
      // The address of a gateway's own network is nobody's business at the server.
      clientAddress: '',
      clientDir: '',
      timeZone: config.timeZone ?? UTC_TIME_ZONE,
      clientSessionId: 0,
      performanceFlags: config.performanceFlags ?? DEFAULT_PERFORMANCE_FLAGS,
      autoReconnectCookie: cookie,
    },
  };
}

function playsAudio(config: ClientConfig): boolean {
  return config.channels?.some((channel) => channel.name === 'rdpsnd') === true;
}
