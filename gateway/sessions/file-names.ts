/** Windows takes none of these, whatever stands behind their dot. */
const RESERVED = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)/i;
/** Control characters, and those that turn the direction of writing: `exe.txt` must not be read out of `txt.exe`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
/** UTF-16 units; what file systems allow is 255, and browsers add a number. */
const MAX_NAME = 200;

/**
 * A file's name as it can be given to a browser or a desktop, out of one that either of them sent: no path, nothing that
 * a file system takes for something else, and never empty.
 */
export function safeFileName(name: string): string {
  const last = name.toWellFormed().split(/[\\/]/).at(-1) ?? '';
  const plain = last
    .replaceAll(INVISIBLE, '')
    .replaceAll(/[<>:"|?*]/g, '_')
    .replace(/[. ]+$/, '')
    .trimStart();
  const short = shorten(plain);
  if (short === '') return 'file';
  return RESERVED.test(short) ? `_${short}` : short;
}

/** The same, told apart where several files of a list have one name; file systems of Windows know no case. */
export function safeFileNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const safe = safeFileName(name);
    let free = safe;
    for (let number = 2; taken.has(free.toLowerCase()); number++) free = numbered(safe, number);
    taken.add(free.toLowerCase());
    return free;
  });
}

/** `Content-Disposition` of a download with this name (RFC 6266). @param name a safe one */
export function attachment(name: string): string {
  const ascii = name.replaceAll(/[^\w. ()-]/g, '_');
  const encoded = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

function shorten(name: string): string {
  if (name.length <= MAX_NAME) return name;
  const [stem, extension] = split(name);
  return `${stem.slice(0, MAX_NAME - extension.length).toWellFormed()}${extension}`;
}

function numbered(name: string, number: number): string {
  const [stem, extension] = split(name);
  return `${stem} (${number})${extension}`;
}

/** An extension is short; what is longer belongs to the name. */
function split(name: string): readonly [stem: string, extension: string] {
  const dot = name.lastIndexOf('.');
  return dot > 0 && name.length - dot <= 20 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
}
