/** Channel Connection, [MS-RDPBCGR] 1.3.1.1: which channels there are, and which of them the server lets us join. */
import { DecodeError } from '../core/errors.ts';
import { ServerEarlyCapability } from '../pdu/gcc-server-data.ts';
import type { McsPdu } from '../pdu/mcs-domain.ts';
import type { Joined, StateOf } from './client-state.ts';
import type { ClientConfig, JoinedChannel } from './types.ts';

/** @param userId our own channel, of the Attach User Confirm */
export function attached(
  { channels: asked = [], autoDetect }: ClientConfig,
  { protocol, serverData }: StateOf<'attach-user'>,
  userId: number,
): Joined {
  const { ioChannelId, channelIds } = serverData.network;
  const channels = asked.flatMap((channel, i): JoinedChannel[] => {
    const id = channelIds[i];
    // 0: the server knows the channel, and does not want it.
    return id === undefined || id === 0 ? [] : [{ ...channel, id }];
  });
  // 0 here as well: the server has none for us.
  const messageChannelId = (autoDetect === true && serverData.messageChannelId) || undefined;
  return { protocol, serverData, userId, ioChannelId, messageChannelId, channels };
}

/** Our own first; none where the server takes them for joined. */
export function channelsToJoin({ serverData, userId, ioChannelId, messageChannelId, channels }: Joined): number[] {
  const { earlyCapabilityFlags = 0 } = serverData.core;
  if (earlyCapabilityFlags & ServerEarlyCapability.skipChannelJoinSupported) return [];
  const ids = [userId, ioChannelId, ...channels.map(({ id }) => id)];
  return messageChannelId === undefined ? ids : [...ids, messageChannelId];
}

/**
 * What is joined and awaited after a Channel Join Confirm; a channel that was refused is left out.
 * @returns `refused`: one that there is no session without
 */
export function confirmJoin(
  { joined, awaited }: StateOf<'channel-join'>,
  pdu: Extract<McsPdu, { kind: 'channelJoinConfirm' }>,
): { readonly joined: Joined; readonly awaited: ReadonlySet<number>; readonly refused?: number } {
  const isRefused = pdu.result !== 0 || pdu.channelId === undefined;
  // `requested` may be ignored where the channel was joined ([MS-RDPBCGR] 3.2.5.3.9).
  const id = isRefused ? pdu.requested : (pdu.channelId ?? 0);
  if (isRefused && (id === joined.userId || id === joined.ioChannelId)) return { joined, awaited, refused: id };
  const rest = new Set(awaited);
  if (!rest.delete(id)) {
    throw new DecodeError('invalid_value', 'MCS Channel Join Confirm', 'channelId', 0, `${id} was not asked for`);
  }
  return { joined: isRefused ? without(joined, id) : joined, awaited: rest };
}

/** The server refused a channel that the session can do without. */
function without(joined: Joined, channelId: number): Joined {
  return {
    ...joined,
    channels: joined.channels.filter((channel) => channel.id !== channelId),
    messageChannelId: joined.messageChannelId === channelId ? undefined : joined.messageChannelId,
  };
}
