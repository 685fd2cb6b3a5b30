import { CLIPBOARD } from '#protocol/connector/clipboard-offer.ts';
import {
  DEFAULT_GRAPHICS,
  DYNAMIC_CHANNELS,
  type GraphicsKind,
  offerGraphics,
} from '#protocol/connector/graphics-offer.ts';
import { RdpClient } from '#protocol/session/rdp-client.ts';
import type { Connect } from '../sessions/ports.ts';
import { RdpConnection } from './driver.ts';
import { RdpLink } from './link.ts';
import { nodeCrypto } from './node-crypto.ts';

/**
 * Opens a session's way to its RDP server: what the sessions are plugged into.
 * @param graphics the ways to send pictures that servers are offered
 */
export function rdpConnector(graphics: readonly GraphicsKind[]): Connect {
  return (options, events) => openLink(graphics, options, events);
}

/** With what is offered unless somebody says otherwise. */
export const connectRdp: Connect = rdpConnector(DEFAULT_GRAPHICS);

const openLink = (
  graphics: readonly GraphicsKind[],
  options: Parameters<Connect>[0],
  events: Parameters<Connect>[1],
): RdpLink =>
  new RdpLink(options, events, {
    config: (credentials) => ({
      host: options.host,
      username: credentials.username,
      password: credentials.password.text(),
      domain: credentials.domain,
      width: options.width,
      height: options.height,
      colorDepth: 32,
      nla: options.nla,
      ...(options.security?.restrictedAdmin === true && { restrictedAdmin: true }),
      ...(options.security !== undefined && {
        legacySecurity: options.security.legacySecurity,
        oldestCredSsp: options.security.oldestCredSsp,
      }),
      keyboardLayout: options.keyboardLayout,
      clientName: CLIENT_NAME,
      ...(options.hardwareId !== undefined && { hardwareId: options.hardwareId }),
      autoDetect: true,
      ...offerGraphics(graphics),
      // The first for Display Control, too.
      channels: options.clipboard === true ? [DYNAMIC_CHANNELS, CLIPBOARD] : [DYNAMIC_CHANNELS],
    }),
    client: (config) => new RdpClient(config, nodeCrypto),
    open: (client, connection, connectionEvents) => new RdpConnection(client, connection, connectionEvents),
  });

/** What servers show as the client's name. */
const CLIENT_NAME = 'Oriel';
