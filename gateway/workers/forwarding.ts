import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { passedOnFrom } from '../address.ts';
import { reportOf } from '../errors.ts';
import type { Logger } from '../log.ts';

/** Whom a request came from, between our own processes. Nobody else can reach the sockets where it is believed. */
const PEER_HEADER = 'x-oriel-peer';
/** What a browser's headers may have, and a few of ours. */
export const INNER_HEADER_BYTES = 32 * 1024;

/** Of one connection only, [RFC 9110] 7.6.1; what Node says for itself; and what nobody from outside says. */
const DROPPED = new Set([
  PEER_HEADER,
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/** Headers with which another process takes a request for what it is. */
export function passOnHeaders(address: string): Record<string, string> {
  return { [PEER_HEADER]: address };
}

/** A request that arrived on a socket of our own processes: its peer is whom they had it from. */
export function acceptPassedOn(request: IncomingMessage): void {
  const peer = request.headers[PEER_HEADER];
  if (typeof peer === 'string') passedOnFrom(request, peer);
}

/** Passes requests on to the control process and its answers back, byte for byte, in whatever time they take. */
export class Forwarding {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #path: string;
  readonly #log: Logger;

  /** @param path Unix socket of the control process */
  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  /** The `request` listener of the worker's HTTPS server. */
  forward(incoming: IncomingMessage, answer: ServerResponse): void {
    const { method = 'GET', url: path = '/', headers, rawHeaders, socket } = incoming;
    const outgoing = request({ socketPath: this.#path, agent: this.#agent, method, path, setHost: false });
    const kept = withoutHops(rawHeaders);
    for (let i = 0; i < kept.length; i += 2) outgoing.appendHeader(kept[i] as string, kept[i + 1] as string);
    // HTTP/1.0 need not say it, and what is said here is HTTP/1.1.
    if (headers.host === undefined) outgoing.setHeader('Host', 'localhost');
    outgoing.setHeader(PEER_HEADER, socket.remoteAddress ?? '');
    // A body stays in the form it has, and what has none gets none.
    if (headers['transfer-encoding'] !== undefined) outgoing.setHeader('Transfer-Encoding', 'chunked');
    else outgoing.removeHeader('Transfer-Encoding');
    if (headers['content-length'] === undefined) outgoing.removeHeader('Content-Length');
    outgoing.on('response', (response) => {
      answer.sendDate = false;
      answer.writeHead(response.statusCode ?? 500, response.statusMessage, withoutHops(response.rawHeaders));
      // Whichever side breaks off, the other is told.
      pipeline(response, answer, (error) => {
        if (error) outgoing.destroy();
      });
    });
    outgoing.on('error', (error) => {
      if (answer.destroyed) return;
      this.#log.debug({ err: error }, 'a request was not answered');
      if (answer.headersSent) answer.destroy();
      else unanswered(answer);
    });
    incoming.on('error', () => outgoing.destroy());
    answer.on('close', () => {
      if (!answer.writableFinished) outgoing.destroy();
    });
    incoming.pipe(outgoing);
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Control has gone, or is just going. */
function unanswered(answer: ServerResponse): void {
  const body = JSON.stringify({ error: reportOf('gateway_stopping') });
  answer.writeHead(503, { 'Content-Type': 'application/json; charset=utf-8', Connection: 'close' }).end(body);
}

/**
 * Names and values by turns, as they came; repeated ones stay. What `Connection` names stays, too: control is no next server
 * but the rest of this one. Without it, whoever names `Content-Length` there would have a body taken for the next request.
 */
function withoutHops(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    if (!DROPPED.has(name.toLowerCase())) kept.push(name, raw[i + 1] as string);
  }
  return kept;
}
