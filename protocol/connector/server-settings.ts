/** The message in which our server describes itself: the MCS Connect Response. */
import { WriteCursor } from '../core/cursor.ts';
import { encodeConferenceCreateResponse, sizeOfConferenceCreateResponse } from '../pdu/gcc.ts';
import type { ClientData } from '../pdu/gcc-client-data.ts';
import { ClientEarlyCapability, RdpVersion } from '../pdu/gcc-core-data.ts';
import { encodeServerData, type ServerData, ServerEarlyCapability, sizeOfServerData } from '../pdu/gcc-server-data.ts';
import { type ConnectInitial, encodeConnectResponse, sizeOfConnectResponse } from '../pdu/mcs.ts';
import { encodeData } from '../pdu/x224.ts';
import { mergeDomainParameters } from './domain-parameters.ts';
import type { ServerCommencement } from './security-exchange.ts';
import type { Settled } from './server-state.ts';

/** The MCS channel of everything that has no channel of its own. */
export const IO_CHANNEL_ID = 1003;

/** [T125] section 7 Result. */
export const RT_SUCCESSFUL = 0;

/** A whole packet: the MCS Connect Response with the server's settings. */
export function connectResponseMessage(initial: ConnectInitial, settled: Settled): Uint8Array<ArrayBuffer> {
  const { secured, clientData, channels, messageChannel, commencement } = settled;
  const early = clientData.core.earlyCapabilityFlags ?? 0;
  const skipJoin = (early & ClientEarlyCapability.supportSkipChannelJoin) !== 0;
  const data: ServerData = {
    core: {
      version: RdpVersion.v10_7,
      clientRequestedProtocols: secured.requested,
      earlyCapabilityFlags: skipJoin ? ServerEarlyCapability.skipChannelJoinSupported : 0,
    },
    security: isEncrypted(commencement) ? commencement.security : { encryptionMethod: 0, encryptionLevel: 0 },
    network: { ioChannelId: IO_CHANNEL_ID, channelIds: channels.map((channel) => channel.id) },
    ...(messageChannel !== undefined && { messageChannelId: messageChannel.id }),
  };
  const settings = new WriteCursor(sizeOfServerData(data));
  encodeServerData(data, settings);
  const blocks = settings.finish();
  const conference = new WriteCursor(sizeOfConferenceCreateResponse(blocks));
  encodeConferenceCreateResponse(blocks, conference);
  const response = {
    result: RT_SUCCESSFUL,
    domain: { calledConnectId: 0, parameters: mergeDomainParameters(initial), userData: conference.finish() },
  };
  const cursor = new WriteCursor(sizeOfConnectResponse(response));
  encodeConnectResponse(response, cursor);
  return encodeData(cursor.finish());
}

/** Whether this offer ends in encryption. */
export function isEncrypted(commencement: ServerCommencement | undefined): commencement is ServerCommencement {
  return commencement !== undefined && commencement.security.encryptionMethod !== 0;
}

/** Whether this client takes part in network detection. */
export function isDetectable({ core, messageChannelFlags }: ClientData): boolean {
  const early = core.earlyCapabilityFlags ?? 0;
  return messageChannelFlags !== undefined && (early & ClientEarlyCapability.supportNetworkAutodetect) !== 0;
}

/** Whether this client is to be told why it is sent away ([MS-RDPBCGR] 3.3.5.7.1). */
export function takesErrorInfo({ core }: ClientData): boolean {
  return ((core.earlyCapabilityFlags ?? 0) & ClientEarlyCapability.supportErrorInfoPdu) !== 0;
}
