import type { ClientConfig } from '#protocol/connector/types.ts';
import { RdpClient } from '#protocol/session/rdp-client.ts';
import type { Connect } from '../sessions/ports.ts';
import { RdpConnection } from './driver.ts';
import { nodeCrypto } from './node-crypto.ts';

/** Opens a session's connection to its RDP server: what the sessions are plugged into. */
export const connectRdp: Connect = (options, events) => {
  const { host, port, trustCertificate } = options;
  const config: ClientConfig = {
    host,
    username: options.credentials.username,
    password: options.credentials.password,
    domain: options.credentials.domain,
    width: options.width,
    height: options.height,
    colorDepth: 32,
    nla: options.nla,
    keyboardLayout: options.keyboardLayout,
    clientName: CLIENT_NAME,
    autoDetect: true,
  };
  return new RdpConnection(
    new RdpClient(config, nodeCrypto),
    { host, port, trust: (certificate) => trustCertificate(certificate.fingerprint) },
    {
      phase: (phase) => events.phase(phase),
      connected: () => events.connected(),
      graphics: (update) => events.graphics(update),
      bytes: (count) => events.bytes(count),
      ended: (end) => events.closed(end.code, end.detail, end),
    },
  );
};

/** What servers show as the client's name. */
const CLIENT_NAME = 'Oriel';
