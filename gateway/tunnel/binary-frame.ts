/** What a server puts before a WebSocket message at most, [RFC 6455] 5.2: what kind it is, and a length of eight bytes. */
export const FRAME_HEAD_ROOM = 2 + 8;

const FINAL_BINARY = 0x82;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/**
 * A message as one frame of a WebSocket, in place. TLS takes it as it is: of a head and a message that are written apart Node makes one piece
 * first, in new memory.
 *
 * @param message with `FRAME_HEAD_ROOM` bytes before it that nobody else uses
 */
export function binaryFrame(message: Uint8Array): Buffer {
  const { buffer, byteOffset, length } = message;
  const headSize = length < LENGTH_16 ? 2 : length < 0x1_0000 ? 4 : FRAME_HEAD_ROOM;
  const frame = Buffer.from(buffer, byteOffset - headSize, headSize + length);
  frame[0] = FINAL_BINARY;
  if (headSize === 2) frame[1] = length;
  else if (headSize === 4) {
    frame[1] = LENGTH_16;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = LENGTH_64;
    frame.writeUInt32BE(0, 2); // no message has four gigabytes
    frame.writeUInt32BE(length, 6);
  }
  return frame;
}
