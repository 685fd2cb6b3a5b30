import { Compositor } from '../../protocol/graphics/compositor.ts';
import { createSurfaceCodecs } from '../../protocol/graphics/surface-codecs.ts';
import { type ClientOutput, RdpClient } from '../../protocol/session/rdp-client.ts';
import { type CapturedSession, seededCrypto } from './session-file.ts';

export interface PlayOptions {
  /** Largest piece that the bytes are handed over in; as they came unless given. */
  readonly pieces?: number;
  /** Stop after so many bytes, as if the connection had been cut. */
  readonly until?: number;
  /** Changes the bytes before they are played. */
  readonly damage?: (bytes: Uint8Array) => void;
}

/** Plays a captured session to a fresh client and compositor. Throws what the client throws. */
export function playSession(
  session: CapturedSession,
  options: PlayOptions = {},
): { readonly compositor: Compositor; readonly closed: boolean } {
  const { pieces = Number.POSITIVE_INFINITY, until = Number.POSITIVE_INFINITY } = options;
  const bytes = options.damage === undefined ? session.bytes : session.bytes.slice();
  options.damage?.(bytes);
  const client = new RdpClient(session.config, seededCrypto(session.seed));
  const compositor = new Compositor(createSurfaceCodecs());
  let closed = false;
  let startsTls = false;
  const take = (outputs: readonly ClientOutput[]) => {
    for (const output of outputs) {
      if (output.kind === 'graphics') compositor.apply(output.update);
      if (output.kind === 'start-tls') startsTls = true;
      if (output.kind === 'closed') closed = true;
    }
  };
  take(client.start());
  let at = 0;
  for (const event of session.events) {
    if (event.kind === 'tls') {
      // A damaged beginning: the client still waits for the rest of it.
      if (!startsTls) break;
      take(client.tlsEstablished(event.peer, event.now));
      continue;
    }
    for (const end = Math.min(at + event.length, until); at < end && !closed; ) {
      const piece = bytes.subarray(at, Math.min(at + pieces, end));
      // Shorter than what was captured: as if the connection had been cut.
      if (piece.length === 0) return { compositor, closed };
      at += piece.length;
      // The driver's buffers are not ours to keep either: what a client needs later, it has to copy.
      const lent = piece.slice();
      take(client.receive(lent, event.now));
      lent.fill(0xdd);
    }
    if (at >= until || closed) break;
  }
  return { compositor, closed };
}
