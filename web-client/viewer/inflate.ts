/** Inflates what was deflated without a header (RFC 1951) from exactly so many bytes. Rejects for any other number, or nonsense. */
export async function inflate(deflated: Uint8Array, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  const stream = new Blob([deflated as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('deflate-raw'));
  let at = 0;
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    if (at + value.length > size) {
      await reader.cancel();
      throw new RangeError(`inflates to more than ${size} bytes`);
    }
    bytes.set(value, at);
    at += value.length;
  }
  if (at < size) throw new RangeError(`inflates to ${at} of ${size} bytes`);
  return bytes;
}
