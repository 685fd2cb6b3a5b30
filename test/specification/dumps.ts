import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The examples of one specification, by section: `4.1.10`, and `4.1.10/2` for the second dump of a section.
 * @param name of a file in `dumps/`, without its extension
 */
export function specificationDumps(name: string): (section: string) => Uint8Array {
  const text = readFileSync(join(import.meta.dirname, 'dumps', `${name}.txt`), 'utf8');
  const dumps = new Map<string, Uint8Array>();
  for (const [, section = '', hex = ''] of text.matchAll(/^\[(4[\d./]*)\][^\n]*\n([0-9a-f\s]*)/gm)) {
    dumps.set(section, Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')));
  }
  return (section) => {
    const bytes = dumps.get(section);
    if (bytes === undefined) throw new Error(`${name} has no dump ${section}`);
    // A fresh copy: tests decode views and may write into them.
    return bytes.slice();
  };
}
