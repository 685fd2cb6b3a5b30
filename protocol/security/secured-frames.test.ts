import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concatBytes } from '../core/bytes.ts';
import { DecodeError } from '../core/errors.ts';
import { EncryptionLevel } from '../pdu/gcc-server-data.ts';
import { decodeMcsPdu, sendDataIndication } from '../pdu/mcs-domain.ts';
import { SecurityFlags } from '../pdu/security-header.ts';
import { ShareControlType, shareControlMessage } from '../pdu/share.ts';
import { decodeX224, encodeData } from '../pdu/x224.ts';
import { SecuredFrames } from './secured-frames.ts';
import type { SessionSecurity } from './standard-keys.ts';

const IO = 1003;
const MESSAGES = 1006;
const MAC = new Uint8Array(8).fill(0x77);

/** In place of keys: a MAC that is always the same, and every byte turned over. */
const UPSIDE_DOWN: SessionSecurity = {
  sealer: { prefixSize: MAC.length, seal: (plain) => ({ prefix: MAC, data: flip(plain) }) },
  opener: { open: (sealed) => flip(sealed.subarray(MAC.length)) },
};

describe('SecuredFrames', () => {
  const framesOf = (role: 'client' | 'server', level: number = EncryptionLevel.high) =>
    new SecuredFrames(UPSIDE_DOWN, { role, level, ioChannelId: IO, messageChannelId: MESSAGES });

  it('takes what a server asks on the message channel in the clear, at every level', () => {
    const { autoDetectRequest, heartbeat } = SecurityFlags;
    for (const flags of [autoDetectRequest, heartbeat]) {
      const frame = sendDataIndication(MESSAGES, concatBytes(header(flags), Uint8Array.of(6, 0, 1, 0, 1, 0)));
      assert.deepEqual(framesOf('client').open(frame), frame);
    }
  });

  it('takes nothing else in the clear', () => {
    const body = Uint8Array.of(6, 1, 1, 0, 0, 0);
    const answer = sendDataIndication(MESSAGES, concatBytes(header(SecurityFlags.autoDetectResponse), body));
    const chunk = sendDataIndication(1004, concatBytes(header(0), body));
    const isRefused = (error: unknown) => error instanceof DecodeError && error.code === 'integrity';
    assert.throws(() => framesOf('server').open(answer), isRefused);
    assert.throws(() => framesOf('client').open(chunk), isRefused);
  });

  it('opens what is longer than we write ourselves, as servers do', () => {
    for (const size of [0x3fff, 0x4000, 0x413c, 0x7fff - MAC.length - 4]) {
      const plain = Uint8Array.from({ length: size }, (_, i) => i * 7);
      const userData = concatBytes(header(SecurityFlags.encrypt), MAC, flip(plain));
      const wire = concatBytes(
        Uint8Array.of(0x68, 0, 1, 3, 0xeb, 0x70, 0x80 | (userData.length >> 8), userData.length),
        userData,
      );
      const opened = decodeX224(framesOf('client').open(encodeData(wire)));
      assert.ok(opened.kind === 'data');
      const pdu = decodeMcsPdu(opened.cursor);
      assert.ok(pdu.kind === 'sendDataIndication');
      assert.deepEqual(pdu.userData, plain);
    }
  });

  it('decrypts a redirection that has no SEC_ENCRYPT, even where all else comes in the clear', () => {
    const packet = Uint8Array.of(0, 4, 12, 0, 5, 0, 0, 0, 0, 0, 0, 0);
    const enhanced = shareControlMessage(ShareControlType.serverRedirect, 0, concatBytes(new Uint8Array(2), packet));
    const wire = concatBytes(header(SecurityFlags.redirectionPacket), MAC, flip(packet));
    for (const level of [EncryptionLevel.low, EncryptionLevel.high]) {
      const opened = framesOf('client', level).open(sendDataIndication(IO, wire));
      assert.deepEqual(opened, sendDataIndication(IO, enhanced));
      assert.deepEqual(framesOf('server', level).seal(opened), sendDataIndication(IO, wire));
    }
  });
});

function header(flags: number): Uint8Array {
  return Uint8Array.of(flags & 0xff, flags >>> 8, 0, 0);
}

function flip(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => byte ^ 0xff);
}
