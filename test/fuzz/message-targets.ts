import { ClipboardChannel } from '../../protocol/channels/cliprdr/clipboard-channel.ts';
import { decodeFileList, encodeFileList } from '../../protocol/channels/cliprdr/file-list.ts';
import { encodeClipboardPdu } from '../../protocol/channels/cliprdr/pdu.ts';
import { decodeClipboardText } from '../../protocol/channels/cliprdr/text.ts';
import { DisplayControl, decodeDisplayControl, encodeDisplayControl } from '../../protocol/channels/display-control.ts';
import { MessageChannel } from '../../protocol/connector/message-channel.ts';
import { decodeServerCertificate } from '../../protocol/connector/server-certificate.ts';
import { ReadCursor } from '../../protocol/core/cursor.ts';
import { encodeUtf16le } from '../../protocol/core/text.ts';
import { decodeLicenseMessage } from '../../protocol/pdu/licensing.ts';
import {
  decodeRdstlsCapabilities,
  decodeRdstlsRequest,
  decodeRdstlsResponse,
  encodeRdstlsCapabilities,
  encodeRdstlsResponse,
} from '../../protocol/pdu/rdstls.ts';
import { decodeSaveSessionInfo, encodePlainNotify } from '../../protocol/pdu/save-session-info.ts';
import { decodeEnhancedRedirection, encodeEnhancedRedirection } from '../../protocol/pdu/server-redirection.ts';
import {
  decodeAuthenticateMessage,
  decodeChallengeMessage,
  decodeNegotiateMessage,
} from '../../protocol/security/ntlm-messages.ts';
import {
  decodeNegTokenInit,
  decodeNegTokenResp,
  encodeNegTokenInit,
  encodeNegTokenResp,
  Mechanism,
} from '../../protocol/security/spnego.ts';
import { decodeTsCredentials, encodePasswordCredentials } from '../../protocol/security/ts-credentials.ts';
import { decodeTsRequest } from '../../protocol/security/ts-request.ts';
import type { FuzzTarget } from './fuzz.ts';

const cursor = (bytes: Uint8Array) => new ReadCursor(bytes, 'fuzz');
const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** Messages that no captured session holds: what few servers send, and what only clients do. */
export const MESSAGE_TARGETS: readonly FuzzTarget[] = [
  clipboardTarget('client'),
  clipboardTarget('server'),
  {
    name: 'clipboard-files',
    seeds: [
      encodeFileList([{ name: 'a\\b.txt', size: 9n, attributes: 0x20, lastWriteTime: 1n, showProgress: true }]),
      encodeFileList([]),
    ],
    run: (bytes) => void decodeFileList(bytes),
  },
  {
    name: 'server-redirection',
    seeds: [
      encodeEnhancedRedirection({
        ...{ sessionId: 3, flags: 0, targetNetAddress: '10.0.0.9', targetNetAddresses: ['10.0.0.9', 'fe80::9'] },
        ...{ loadBalanceInfo: new Uint8Array(30).fill(0x41), userName: 'eve', domain: 'D', targetFqdn: 'host.example' },
        ...{ password: encodeUtf16le('secret\0'), redirectionGuid: encodeUtf16le('AAAA') },
      }),
    ],
    run: (bytes) => void decodeEnhancedRedirection(cursor(bytes)),
  },
  {
    name: 'rdstls-capabilities',
    seeds: [encodeRdstlsCapabilities({ supportedVersions: 1 })],
    run: (bytes) => void decodeRdstlsCapabilities(bytes),
  },
  {
    name: 'rdstls-request',
    // Version, type and data type, then GUID, user, domain and password, each counted.
    seeds: [hex('0100 0200 0100 0400 41004100 0400 65000000 0200 0000 0400 70000000')],
    run: (bytes) => void decodeRdstlsRequest(bytes),
  },
  {
    name: 'rdstls-response',
    seeds: [encodeRdstlsResponse({ resultCode: 5 })],
    run: (bytes) => void decodeRdstlsResponse(bytes),
  },
  {
    name: 'message-channel',
    // Security header with the flag, then: RTT, bandwidth start, payload and stop, characteristics; heartbeat; multitransport.
    seeds: [
      hex('00100000 06000100 0100'),
      hex('00100000 06000200 1400'),
      hex('00100000 08000300 0200 0400 01020304'),
      hex('00100000 06000400 2904'),
      hex('00100000 0e000500 4008 10000000 20000000'),
      hex('00400000 00 0a 0305'),
      hex('02000000 07000000 0100 0000 000102030405060708090a0b0c0d0e0f'),
    ],
    run(bytes) {
      const channel = new MessageChannel();
      channel.receive(bytes, 0);
      channel.received(bytes.length);
      channel.receive(bytes, 7);
    },
  },
  {
    name: 'display-control',
    seeds: [
      encodeDisplayControl({
        kind: 'capabilities',
        capabilities: { maxMonitors: 4, areaFactorA: 2048, areaFactorB: 2048 },
      }),
      hex(
        '02000000 38000000 28000000 01000000 01000000 00000000 00000000 00040000 00030000 00000000 00000000 00000000 64000000 64000000',
      ),
    ],
    run(bytes) {
      decodeDisplayControl(cursor(bytes));
      new DisplayControl().process(bytes);
    },
  },
  {
    name: 'licensing',
    // An error alert: Valid Client.
    seeds: [hex('ff031000 07000000 02000000 04000000')],
    run: (bytes) => void decodeLicenseMessage(cursor(bytes)),
  },
  {
    name: 'server-certificate',
    // Proprietary: algorithms, an RSA1 blob with its modulus, a signature.
    seeds: [
      hex(
        `01000000 01000000 01000000 0600 5c00 52534131 48000000 00020000 3f000000 01000100 ${'5b'.repeat(64)}${'00'.repeat(8)} 0800 0800 ${'11'.repeat(8)}`,
      ),
    ],
    run: (bytes) => void decodeServerCertificate(bytes),
  },
  {
    name: 'save-session-info',
    seeds: [encodePlainNotify()],
    run: (bytes) => void decodeSaveSessionInfo(cursor(bytes)),
  },
  {
    name: 'ntlm-messages',
    seeds: [
      hex('4e544c4d53535000 01000000 b78208e2 0000000000000000 0000000000000000 0a00f4650000000f'),
      hex(
        `4e544c4d53535000 02000000 04000400 38000000 358289e2 0123456789abcdef 0000000000000000 08000800 3c000000 0a00f4650000000f 41004200 0200 0000 00000000`,
      ),
    ],
    run(bytes) {
      if (bytes[8] === 1) decodeNegotiateMessage(bytes);
      else if (bytes[8] === 2) decodeChallengeMessage(bytes);
      else decodeAuthenticateMessage(bytes);
    },
  },
  {
    name: 'spnego-init',
    seeds: [encodeNegTokenInit({ mechTypes: [Mechanism.ntlm], mechToken: new Uint8Array(40) })],
    run: (bytes) => void decodeNegTokenInit(bytes),
  },
  {
    name: 'spnego-resp',
    seeds: [encodeNegTokenResp({ negState: 1, responseToken: new Uint8Array(40) })],
    run: (bytes) => void decodeNegTokenResp(bytes),
  },
  {
    name: 'ts-request',
    seeds: [hex('3012a003020106a10b3009 3007a0050403 4e544c'), hex('300da003020106a4060204c000006d')],
    run: (bytes) => void decodeTsRequest(bytes),
  },
  {
    name: 'ts-credentials',
    seeds: [encodePasswordCredentials({ domain: 'D', user: 'eve', password: 'secret' })],
    run: (bytes) => void decodeTsCredentials(bytes),
  },
];

/** One end of the clipboard channel that is open and has offered something. */
function clipboardTarget(role: 'client' | 'server'): FuzzTarget {
  const opening = [
    encodeClipboardPdu({ kind: 'capabilities', capabilities: { version: 2, generalFlags: 0x3e } }, 'long'),
    role === 'client'
      ? encodeClipboardPdu({ kind: 'monitor-ready' }, 'long')
      : encodeClipboardPdu({ kind: 'format-list', formats: [] }, 'long'),
  ];
  const request = { streamId: 1, index: 0, operation: 'range', position: 0n, length: 9, clipDataId: 1 } as const;
  const data = encodeUtf16le('text\0');
  return {
    name: `clipboard-${role}`,
    seeds: [
      ...opening,
      encodeClipboardPdu(
        {
          kind: 'format-list',
          formats: [
            { id: 13, name: '' },
            { id: 0xc001, name: 'HTML Format' },
          ],
        },
        'long',
      ),
      encodeClipboardPdu({ kind: 'format-data-request', formatId: 13 }, 'long'),
      encodeClipboardPdu({ kind: 'format-data-response', data }, 'long'),
      encodeClipboardPdu({ kind: 'file-contents-request', request }, 'long'),
      encodeClipboardPdu({ kind: 'file-contents-response', streamId: 1, data }, 'long'),
      encodeClipboardPdu({ kind: 'lock', clipDataId: 1 }, 'long'),
      encodeClipboardPdu({ kind: 'temp-directory', path: 'C:\\T' }, 'long'),
    ],
    run(bytes) {
      const channel = new ClipboardChannel(role);
      channel.act({ kind: 'offer', formats: [{ id: 13, name: '' }] });
      for (const message of opening) channel.process(message, []);
      channel.act({ kind: 'request', formatId: 13 });
      const heard: Parameters<ClipboardChannel['process']>[1] = {
        push(...outputs) {
          for (const output of outputs) {
            if (output.kind === 'clipboard-data' && output.data !== undefined) decodeClipboardText(13, output.data);
          }
        },
      };
      channel.process(bytes, heard);
    },
  };
}
