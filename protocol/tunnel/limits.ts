/** Limits of the tunnel's messages. Both ends hold the other to them; a message past one is a `DecodeError`. */
export const TunnelLimits = {
  /** Gateway to browser, one WebSocket message. A raw RGBA desktop of 4096 by 4096 fits; nobody should send one. */
  gatewayMessageBytes: 64 * 1024 * 1024 + 4096,
  /** Browser to gateway, one WebSocket message: the `maxPayload` of the gateway's WebSocket server. */
  browserMessageBytes: 64 * 1024,
  /** Largest desktop side, [MS-RDPBCGR] 2.2.1.3.2 desktopWidth and desktopHeight of RDP 10. */
  desktopSide: 8192,
  /** Largest pointer side, [MS-RDPBCGR] 2.2.9.1.2.1.11 TS_FP_LARGEPOINTERATTRIBUTE. */
  pointerSide: 384,
  /** Updates in one graphics message. */
  updates: 16_384,
  /** Regions in one regions message. */
  regions: 4096,
  /** Input events in one input message. */
  inputEvents: 2048,
  /** Wheel rotation of one event in 120ths of a notch: nine bits signed, [MS-RDPBCGR] 2.2.8.1.1.3.1.1.3. */
  wheelDelta: 255,
  /** What a decoder's state takes, inflated: a full HD desktop with full caches has less. */
  stateBytes: 64 * 1024 * 1024,
  /** UTF-8 bytes of a phase's name. */
  phaseBytes: 256,
  /** UTF-8 bytes of a JSON body: attach, ended, notice. */
  jsonBytes: 16 * 1024,
  /** UTF-8 bytes of a text that passes through the clipboard, in all its parts: a book has less. */
  clipboardTextBytes: 1024 * 1024,
  /** Bytes of one part of it, or of a file, on the way to the gateway. */
  clipboardPartBytes: 48 * 1024,
  /** Files in one list. */
  files: 1000,
  /** UTF-8 bytes of a file's name: 255 UTF-16 units, as file systems allow. */
  fileNameBytes: 765,
  /** Bytes of a file that are asked for at a time. */
  filePartBytes: 1024 * 1024,
  /** Characters of one text in a JSON body: ticket, code, message, hint. */
  textLength: 8192,
} as const;
