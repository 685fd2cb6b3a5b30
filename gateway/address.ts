/** A peer's address as people write it: a socket that listens on `::` shows IPv4 peers as `::ffff:192.0.2.1`. */
export function plainAddress(address: string | undefined): string {
  return address?.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '') ?? '';
}
