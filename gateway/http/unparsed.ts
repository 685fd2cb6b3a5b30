import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorRow, reportOf } from '../errors.ts';

/** Answers what is no HTTP, or has more in its address and headers than is read, with one of our codes. */
export function refuseUnparsed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = error.code === 'HPE_HEADER_OVERFLOW' ? 'header_too_large' : 'bad_request';
  const { status } = errorRow(code);
  const body = JSON.stringify({ error: reportOf(code) });
  const headers = ['Content-Type: application/json; charset=utf-8', `Content-Length: ${Buffer.byteLength(body)}`];
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...headers, 'Connection: close'];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
