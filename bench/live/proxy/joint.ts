import { connect, type Socket } from 'node:net';
import { type SecureContext, TLSSocket, connect as tlsConnect } from 'node:tls';
import { decodeConnectionConfirm, SecurityProtocol } from '#protocol/pdu/nego.ts';
import { findTpktSize } from '#protocol/pdu/tpkt.ts';
import type { PassageWatch } from './passage-watch.ts';

/** How a connection begins: with RDP's negotiation, which chooses TLS, or with TLS at once. */
export type ProxiedKind = 'rdp' | 'tls';

export interface Joint {
  /** The server's port, on the loopback. */
  readonly port: number;
  readonly kind: ProxiedKind;
  readonly secureContext: SecureContext;
  readonly watch: PassageWatch;
}

/**
 * Joins a client to a server and ends TLS on both sides, so that what passes can be read: the client sees a certificate of the
 * proxy's own. RDP's negotiation is passed on as it is. NLA is bound to the server's certificate and cannot pass.
 */
export function joinPeers(client: Socket, joint: Joint): void {
  const { port, kind, secureContext, watch } = joint;
  const server = connect({ host: '127.0.0.1', port, noDelay: true });
  client.setNoDelay(true);
  const end = (why?: string) => {
    if (why !== undefined) watch.failure ??= why;
    watch.closed = true;
    client.destroy();
    server.destroy();
  };
  for (const socket of [client, server]) {
    socket.on('error', () => end());
    socket.on('close', () => end());
  }
  const secure = () => {
    const inner = new TLSSocket(client, { isServer: true, secureContext });
    // Old servers have old keys; this is a measurement on one's own machine.
    const outer = tlsConnect({ socket: server, rejectUnauthorized: false, ciphers: 'DEFAULT@SECLEVEL=0' });
    inner.on('error', (error) => end(`TLS with the client: ${error.message}`));
    outer.on('error', (error) => end(`TLS with the server: ${error.message}`));
    pass(inner, outer, (bytes) => watch.fromClient(bytes), 'before');
    pass(outer, inner, (bytes) => watch.fromServer(bytes), 'after');
  };
  if (kind === 'tls') secure();
  else negotiate(client, server, secure, end);
}

/** Passes the two packets of the negotiation on, each of which is all that its side has sent by then. */
function negotiate(client: Socket, server: Socket, secure: () => void, end: (why: string) => void): void {
  oneTpkt(client, (request) => {
    server.write(request);
    oneTpkt(server, (confirm) => {
      const protocol = protocolOf(confirm);
      if (protocol !== SecurityProtocol.ssl) {
        return end(`the server has chosen protocol ${protocol}, and only TLS without NLA can be looked into`);
      }
      client.write(confirm);
      secure();
    });
  });
}

function protocolOf(confirm: Buffer): number | string {
  try {
    const answer = decodeConnectionConfirm(confirm);
    return answer.kind === 'response' ? answer.protocol : answer.kind;
  } catch (error) {
    return (error as Error).message;
  }
}

function oneTpkt(socket: Socket, then: (packet: Buffer) => void): void {
  let pending = Buffer.alloc(0);
  const received = (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes]);
    let size: number | undefined;
    try {
      size = findTpktSize(pending);
    } catch {
      socket.destroy();
      return;
    }
    if (size === undefined || pending.length < size) return;
    socket.off('data', received);
    socket.pause();
    if (pending.length > size) socket.unshift(pending.subarray(size));
    then(pending.subarray(0, size));
  };
  socket.on('data', received);
  socket.resume();
}

/** Writes what comes, and reads no faster than it is taken. @param stamped whether it is looked at before or after it is written */
function pass(from: TLSSocket, to: TLSSocket, look: (bytes: Buffer) => void, stamped: 'before' | 'after'): void {
  from.on('data', (bytes: Buffer) => {
    if (stamped === 'before') look(bytes);
    const goesOn = to.write(bytes);
    if (stamped === 'after') look(bytes);
    if (!goesOn) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  });
}
