/** Of a client of `node-rdpjs-2`, what has to be set before it connects. */
export interface MendableClient {
  readonly sec: { readonly infos: { readonly obj: { readonly flag: { value: number } } } };
}

/**
 * What keeps node-rdpjs-2 0.3.5 from real servers (xrdp 0.9 for one) is mended at run time, without a change of its files:
 * it takes fields for constants that servers are free to fill ([MS-RDPBCGR] 2.2.7.1.2, `multipleRectangleSupport`), and capability
 * sets for longer than some are (2.2.7.2.5, Font). What is missing counts as zero.
 */
export function mendReading(load: NodeJS.Require): void {
  const { UInt8 } = load('node-rdpjs-2/lib/core/type.js') as { UInt8: { prototype: object } };
  // Every type of a field inherits from this one, by way of one for integers.
  const type = Object.getPrototypeOf(Object.getPrototypeOf(UInt8.prototype)) as FieldType;
  const { read } = type;
  type.read = function (this: FieldType, stream: FieldStream) {
    if (this.opt.constant) this.opt = { ...this.opt, constant: false };
    if (this.nbBytes === undefined || stream.availableLength() >= this.nbBytes) return read.call(this, stream);
    stream.offset = stream.buffer.length;
    return this;
  };
}

/** [MS-RDPBCGR] 2.2.1.11.1.1, `INFO_MAXIMIZESHELL`: xrdp takes a Client Info PDU without it for one that it cannot decrypt. */
export function mendInfo({ sec }: MendableClient): void {
  sec.infos.obj.flag.value |= 0x20;
}

interface FieldType {
  opt: { readonly constant?: boolean };
  /** Of integers alone. */
  readonly nbBytes?: number;
  read(this: FieldType, stream: FieldStream): FieldType;
}

interface FieldStream {
  readonly buffer: Uint8Array;
  offset: number;
  availableLength(): number;
}
