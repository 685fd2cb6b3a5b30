import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChunkAssembler, encodeChunks } from '../../protocol/channels/chunks.ts';
import { DynamicChannels } from '../../protocol/channels/dynamic-channels.ts';
import { encodeCapabilities, encodeCreateRequest, encodeDynamicData } from '../../protocol/channels/dynamic-pdu.ts';
import { GRAPHICS_CHANNEL, GraphicsChannel } from '../../protocol/channels/rdpgfx/graphics-channel.ts';
import type { ServerConfig } from '../../protocol/connector/server-types.ts';
import type { ClientConfig } from '../../protocol/connector/types.ts';
import { concatBytes } from '../../protocol/core/bytes.ts';
import { Compositor } from '../../protocol/graphics/compositor.ts';
import { createSurfaceCodecs } from '../../protocol/graphics/surface-codecs.ts';
import { UpdateCode } from '../../protocol/graphics/update.ts';
import { type ClientOutput, RdpClient } from '../../protocol/session/rdp-client.ts';
import { RdpServer } from '../../protocol/session/rdp-server.ts';
import {
  decodeBrowserMessage,
  decodeGatewayMessage,
  encodeBrowserMessage,
  encodeGatewayMessage,
} from '../../protocol/tunnel/messages.ts';
import { playSession } from '../replay/play.ts';
import { decodeSession, seededCrypto } from '../replay/session-file.ts';
import type { FuzzTarget } from './fuzz.ts';

const NOW = Date.UTC(2026, 0, 1);
const PEER = {
  certificate: Uint8Array.of(0x30, 0x00),
  subjectPublicKey: new Uint8Array(140).fill(7),
  endPointHash: new Uint8Array(32).fill(9),
};
const CLIENT: ClientConfig = {
  ...{ host: 'demo', username: 'eve', password: 'correct horse', domain: '', width: 640, height: 480 },
  ...{ colorDepth: 32, nla: 'preferred', keyboardLayout: 0x409, clientName: 'fuzz', autoDetect: true },
};
const SERVER: ServerConfig = {
  computerName: 'DEMO',
  nla: { lookup: () => ({ password: CLIENT.password }) },
  tls: { authenticate: () => true },
};

/** Sessions of real servers; the large one is left out, since every run plays a session from its beginning. */
const replays = join(import.meta.dirname, '../replay/sessions');
const sessions = readdirSync(replays)
  .map((name) => decodeSession(readFileSync(join(replays, name))))
  .filter(({ bytes }) => bytes.length < 40_000);

/** What a client says to our server in one session, with where TLS begins: the seed of the server's target. */
function clientSession(nla: 'required' | 'never'): { readonly bytes: Uint8Array; readonly tlsAt: number } {
  const client = new RdpClient({ ...CLIENT, nla }, seededCrypto('fuzz client'));
  const server = new RdpServer(SERVER, seededCrypto('fuzz server'));
  const said: Uint8Array[] = [];
  let tlsAt = 0;
  let pending: readonly ClientOutput[] = client.start();
  for (let turn = 0; turn < 100 && pending.length > 0; turn++) {
    const next: ClientOutput[] = [];
    const up = concatBytes(...pending.flatMap((output) => (output.kind === 'send' ? [output.bytes] : [])));
    if (up.length > 0) said.push(up);
    if (pending.some(({ kind }) => kind === 'start-tls')) {
      tlsAt = concatBytes(...said).length;
      server.tlsEstablished(PEER, NOW);
      next.push(...client.tlsEstablished(PEER, NOW));
    }
    for (const output of up.length > 0 ? server.receive(up, NOW) : []) {
      if (output.kind === 'send') next.push(...client.receive(output.bytes, NOW));
    }
    pending = next;
  }
  const events = client.input([
    { kind: 'scancode', code: 30, extended: false, down: true },
    { kind: 'mouse-move', x: 1, y: 2 },
    { kind: 'wheel', delta: -120, horizontal: false, x: 3, y: 4 },
  ]);
  for (const output of [...events, ...client.refresh(), ...client.shutdown()]) {
    if (output.kind === 'send') said.push(output.bytes);
  }
  return { bytes: concatBytes(...said), tlsAt };
}

function serverTarget(nla: 'required' | 'never'): FuzzTarget {
  const { bytes: seed, tlsAt } = clientSession(nla);
  return {
    name: `rdp-server-${nla === 'required' ? 'nla' : 'tls'}`,
    seeds: [seed],
    run(bytes) {
      const server = new RdpServer(SERVER, seededCrypto('fuzz server'));
      const outputs = server.receive(bytes.subarray(0, tlsAt), NOW);
      if (outputs.some(({ kind }) => kind === 'start-tls')) server.tlsEstablished(PEER, NOW);
      server.receive(bytes.subarray(tlsAt), NOW);
    },
  };
}

function channelTarget(): FuzzTarget {
  const pdus = [
    encodeCapabilities(3, true),
    encodeCreateRequest(1, GRAPHICS_CHANNEL),
    encodeCreateRequest(300, 'another channel'),
    ...encodeDynamicData(1, Uint8Array.of(0xe0, 4, 0x0c, 0, 0, 0, 12, 0, 0, 0, 5, 0, 0, 0), 1600),
    ...encodeDynamicData(1, new Uint8Array(4000), 1600),
  ];
  return {
    name: 'dynamic-channels',
    seeds: pdus.flatMap((pdu) => encodeChunks(pdu, 1000)),
    run(bytes) {
      const channels = new DynamicChannels([new GraphicsChannel()]);
      channels.process(encodeCreateRequest(1, GRAPHICS_CHANNEL), []);
      const message = new ChunkAssembler().push(bytes);
      if (message !== undefined) channels.process(message, []);
    },
  };
}

/** Updates that a compositor takes, one code in front of each. */
function updateSeeds(): Uint8Array[] {
  const seeds: Uint8Array[] = [];
  for (const session of sessions) {
    const client = new RdpClient(session.config, seededCrypto(session.seed));
    const take = (outputs: readonly ClientOutput[]) => {
      for (const output of outputs) {
        if (output.kind !== 'graphics' || output.update.data.length > 20_000 || seeds.length > 60) continue;
        seeds.push(concatBytes(Uint8Array.of(output.update.code), output.update.data));
      }
    };
    take(client.start());
    let at = 0;
    for (const event of session.events) {
      if (event.kind === 'tls') take(client.tlsEstablished(event.peer, event.now));
      else {
        take(client.receive(session.bytes.subarray(at, at + event.length), event.now));
        at += event.length;
      }
    }
  }
  return seeds;
}

export const PROTOCOL_TARGETS: readonly FuzzTarget[] = [
  ...sessions.map(
    (session): FuzzTarget => ({
      name: `rdp-client-${session.server}`,
      seeds: [session.bytes],
      run: (bytes) => void playSession({ ...session, bytes }),
    }),
  ),
  serverTarget('required'),
  serverTarget('never'),
  channelTarget(),
  {
    name: 'compositor',
    seeds: updateSeeds(),
    run(bytes) {
      const compositor = new Compositor(createSurfaceCodecs());
      compositor.apply({ code: UpdateCode.desktopReset, data: Uint8Array.of(0x80, 2, 0xe0, 1) });
      compositor.apply({ code: bytes[0] ?? 0, data: bytes.subarray(1) });
    },
  },
  {
    name: 'tunnel-from-browser',
    seeds: [
      encodeBrowserMessage({ type: 'attach', ticket: 'a.b.c', version: 1 }),
      encodeBrowserMessage({ type: 'ack', seq: 7 }),
      encodeBrowserMessage({ type: 'clipboard-offer', more: true, part: new Uint8Array(9) }),
      encodeBrowserMessage({ type: 'file-offer', list: 1, files: [{ index: 0, size: 9, name: 'a.txt' }] }),
      encodeBrowserMessage({ type: 'file-part', request: 1, state: 'more', part: new Uint8Array(9) }),
      encodeBrowserMessage({
        type: 'input',
        events: [
          { kind: 'unicode', unit: 0x20ac, down: true },
          { kind: 'mouse-button', button: 3, down: true, x: 5, y: 6 },
          { kind: 'synchronize', scrollLock: true, numLock: false, capsLock: true, kanaLock: false },
        ],
      }),
    ],
    run: (bytes) => void decodeBrowserMessage(bytes),
  },
  {
    name: 'tunnel-from-gateway',
    seeds: [
      encodeGatewayMessage({ type: 'ended', code: 'logged_off', message: 'You signed out.' }),
      encodeGatewayMessage({ type: 'graphics', seq: 1, updates: [{ code: 1, data: new Uint8Array(30) }] }),
    ],
    run: (bytes) => void decodeGatewayMessage(bytes),
  },
];
