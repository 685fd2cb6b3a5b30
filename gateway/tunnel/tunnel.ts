import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { BrowserMessage } from '#protocol/tunnel/messages.ts';
import { TUNNEL_PATH, TUNNEL_SUBPROTOCOL, TUNNEL_VERSION, TunnelLimits } from '#protocol/tunnel/messages.ts';
import { clientAddress, type TrustedProxies } from '../address.ts';
import { type ErrorCode, errorRow, GatewayError } from '../errors.ts';
import { isOwnOrigin } from '../http/authentication.ts';
import type { Logger } from '../log.ts';
import type { Session } from '../sessions/session.ts';
import type { ViewerHandle } from '../sessions/session-viewers.ts';
import type { Attachment } from './attach-gate.ts';
import { TunnelConnection } from './connection.ts';
import { OwnerConnection, type OwnerSession } from './owner-connection.ts';

/** A browser says who it is within this long. */
const ATTACH_WITHIN_MS = 10_000;
/**
 * Sockets that have not said who they are, at most. The next one takes the place of the oldest: a browser says it at once, and who
 * only holds places must not keep others out.
 */
const MAX_UNATTACHED = 512;
/** What may wait in a live view's socket before it counts as too slow. The host's own bound comes long before. */
const SHADOW_BUFFER_BYTES = 32 * 1024 * 1024;

export interface TunnelParts {
  readonly gate: TunnelGate;
  /** Throws `not_found` unless there is such a live session here. */
  session(id: string): Session;
  /** Joins a browser to the process that has its session. Throws where there are no others. */
  relay?(connection: TunnelConnection, path: string, attach: BrowserMessage, address: string): Attached;
  readonly origins: readonly string[];
  readonly proxies: TrustedProxies | undefined;
  readonly log: Logger;
  readonly attachWithinMs?: number;
  /** Tests need not open so many. */
  readonly maxUnattached?: number;
  /** What owners' links are measured by; tests have it run faster. */
  readonly clock?: () => number;
}

export interface TunnelGate {
  enter(ticket: string, address: string): Promise<Attachment | ElsewhereAttachment>;
  left(viewing: number): void;
}

/** The session runs in another process; the ticket is still good. */
export interface ElsewhereAttachment {
  readonly role: 'elsewhere';
  /** Unix socket of that process. */
  readonly path: string;
}

/** The WebSocket end of the gateway: upgrades, attaches by ticket, and joins each browser to its session. */
export class Tunnel {
  readonly #parts: TunnelParts;
  readonly #server: WebSocketServer;
  /** How to end each, the oldest first. */
  readonly #unattached = new Set<() => void>();

  constructor(parts: TunnelParts) {
    this.#parts = parts;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: true,
      maxPayload: TunnelLimits.browserMessageBytes,
      // What goes out is compressed already, or must be quick.
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has(TUNNEL_SUBPROTOCOL) ? TUNNEL_SUBPROTOCOL : false),
    });
  }

  /** The `upgrade` listener of the HTTPS server. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const refusal = this.#refusal(request);
    if (refusal !== undefined) {
      this.#parts.log.warn({ code: refusal, origin: request.headers.origin }, 'tunnel refused');
      const body = JSON.stringify({ error: { code: refusal, message: errorRow(refusal).message } });
      socket.end(
        `HTTP/1.1 ${errorRow(refusal).status} Refused\r\nContent-Type: application/json\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) =>
      this.#accept(webSocket, socket, clientAddress(request, this.#parts.proxies)),
    );
  }

  /** Closes what is still open. Sessions end first, and tell their browsers why. */
  stop(): void {
    for (const client of this.#server.clients) client.close(errorRow('gateway_stopping').close, 'gateway_stopping');
    this.#server.close();
    setTimeout(() => {
      for (const client of this.#server.clients) client.terminate();
    }, 1000).unref();
  }

  #refusal(request: IncomingMessage): ErrorCode | undefined {
    const path = request.url?.split('?')[0];
    if (path !== TUNNEL_PATH) return 'not_found';
    const { origin, host = '' } = request.headers;
    // Only browsers send an Origin, and they always do; what else connects has its ticket to show.
    if (origin !== undefined && !isOwnOrigin(origin, host, this.#parts.origins)) return 'origin_refused';
    const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim());
    if (offered?.includes(TUNNEL_SUBPROTOCOL) !== true) return 'bad_request';
    return undefined;
  }

  #accept(socket: WebSocket, stream: Duplex, address: string): void {
    const log = this.#parts.log.child({ address });
    let attached: Attached | undefined;
    let waiting = true;
    let gone = false;
    const settle = () => {
      waiting = false;
      this.#unattached.delete(giveWay);
      clearTimeout(timer);
    };
    const giveWay = () => {
      settle();
      connection.endWith('too_many_requests');
    };
    const connection = new TunnelConnection(socket, stream, log, {
      message: (message) => {
        if (attached !== undefined) {
          attached.message(message);
        } else if (message.type !== 'attach' || !waiting) {
          throw new GatewayError('bad_message', `${message.type} before attach`);
        } else {
          settle();
          this.#attach(connection, message, address).then(
            (result) => {
              if (gone) result.closed();
              else attached = result;
            },
            (error: unknown) => {
              const code = error instanceof GatewayError ? error.code : 'internal_error';
              log.warn({ err: error, code }, 'attach refused');
              connection.endWith(code);
            },
          );
        }
      },
      closed: (why) => {
        settle();
        gone = true;
        attached?.closed(why);
      },
    });
    const timer = setTimeout(
      () => connection.endWith('ticket_invalid'),
      this.#parts.attachWithinMs ?? ATTACH_WITHIN_MS,
    );
    timer.unref();
    this.#unattached.add(giveWay);
    const [oldest] = this.#unattached;
    if (this.#unattached.size > (this.#parts.maxUnattached ?? MAX_UNATTACHED)) oldest?.();
  }

  async #attach(
    connection: TunnelConnection,
    message: Extract<BrowserMessage, { type: 'attach' }>,
    address: string,
  ): Promise<Attached> {
    if (message.version !== TUNNEL_VERSION) throw new GatewayError('bad_message', `version ${message.version}`);
    const attachment = await this.#parts.gate.enter(message.ticket, address);
    if (attachment.role === 'elsewhere') {
      if (this.#parts.relay === undefined) throw new GatewayError('not_found', 'there is no other process');
      return this.#parts.relay(connection, attachment.path, message, address);
    }
    if (attachment.role === 'owner') {
      return attachOwner(connection, this.#parts.session(attachment.sessionId), this.#parts.clock);
    }
    try {
      return this.#attachShadow(connection, attachment);
    } catch (error) {
      this.#parts.gate.left(attachment.viewing);
      throw error;
    }
  }

  #attachShadow(connection: TunnelConnection, attachment: Extract<Attachment, { role: 'shadow' }>): Attached {
    const session = this.#parts.session(attachment.sessionId);
    connection.send({ type: 'hello', version: TUNNEL_VERSION, role: 'shadow', mode: 'regions' });
    const handle: ViewerHandle = session.watch(
      {
        send: (bytes) => {
          if (connection.bufferedBytes > SHADOW_BUFFER_BYTES) connection.endWith('viewer_too_slow');
          else connection.sendBytes(bytes);
        },
        failed: () => connection.endWith('internal_error'),
        notice: (notice) => connection.send({ type: 'notice', ...notice }),
        end: (end) => connection.end(end),
      },
      attachment.viewer,
      attachment.announce,
    );
    return {
      message: (received) => {
        switch (received.type) {
          case 'ack':
            handle.acknowledge(received.seq);
            return;
          case 'ping':
            connection.send({ type: 'pong', value: received.value });
            return;
          default:
            // A live view is for looking. Its browser has no business sending this.
            throw new GatewayError('forbidden', `${received.type} from a live view`);
        }
      },
      closed: () => {
        handle.leave();
        this.#parts.gate.left(attachment.viewing);
      },
    };
  }
}

/** A tunnel that has shown its ticket. */
export interface Attached {
  message(message: BrowserMessage): void;
  /** @param why as the connection has it */
  closed(why?: ErrorCode): void;
}

function attachOwner(connection: TunnelConnection, session: Session, clock?: () => number): Attached {
  const told: OwnerSession = {
    drawn: (updates, behindBytes) => session.ownerDrew(updates, behindBytes),
    holdBack: (hold) => session.holdBack(hold),
    watch: (viewer) => session.watchAsOwner(viewer),
  };
  const owner = new OwnerConnection(connection, told, clock);
  connection.send({ type: 'hello', version: TUNNEL_VERSION, role: 'owner', mode: 'stream' });
  session.attach(owner);
  return {
    message: (message) => {
      switch (message.type) {
        case 'input':
          session.input(message.events);
          return;
        case 'ack':
          owner.acknowledge(message.seq);
          return;
        case 'ping':
          connection.send({ type: 'pong', value: message.value });
          return;
        case 'end-session':
          session.end('ended_by_user');
          return;
        case 'resize':
          session.resize(message.width, message.height);
          return;
        case 'visibility':
          owner.looks(message.visible);
          session.ownerLooks(message.visible);
          return;
        case 'pictures':
          owner.choose(message.choice);
          return;
        case 'clipboard-offer':
          session.clipboard.offered(message);
          return;
        case 'file-offer':
          session.clipboard.filesOffered(message);
          return;
        case 'file-part':
          session.clipboard.fileRead(message);
          return;
        case 'file-cancel':
          session.clipboard.cancelFile(message.id);
          return;
        case 'attach':
          throw new GatewayError('bad_message', 'attached already');
      }
    },
    // What the browser did, the session has ended with, for who reads of it later.
    closed: (why) => session.end(why ?? 'browser_gone'),
  };
}
