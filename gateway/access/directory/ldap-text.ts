/** Names and filters of LDAP as text, with what people type kept from being read as more than it is. */

/** [RFC 4515] 3: a value as it stands in a filter. */
export function escapeFilterValue(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is one of what is escaped
  return value.replaceAll(/[\\*()\u0000]/g, (character) => `\\${hexByte(character.charCodeAt(0))}`);
}

/** [RFC 4514] 2.4: a value as it stands in a distinguished name. */
export function escapeDnValue(value: string): string {
  return value
    .replaceAll(/[\\,+"<>;=]/g, '\\$&')
    .replaceAll('\u0000', '\\00')
    .replace(/^[ #]/, '\\$&')
    .replace(/ $/, '\\ ');
}

/** A filter's template with its `{names}` filled in, each as a value and no more. */
export function fillFilter(template: string, values: Readonly<Record<string, string>>): string {
  return fill(template, values, escapeFilterValue);
}

/** A bind name's template filled in: a DN escaped as one, anything else as it is. */
export function fillBindName(template: string, username: string): string {
  return fill(template, { username }, template.includes('=') ? escapeDnValue : (value) => value);
}

/** A form in which two ways to write one DN are the same: for comparing, not for asking. */
export function normaliseDn(dn: string): string {
  return splitDn(dn)
    .map((part) => {
      const at = part.indexOf('=');
      if (at < 0) return part.trim().toLowerCase();
      const type = part.slice(0, at).trim();
      return `${type}=${escapeDnValue(unescapeDnValue(part.slice(at + 1).trim()))}`.toLowerCase();
    })
    .join(',');
}

/** The value that a DN begins with: `sales` of `cn=sales,ou=groups,dc=example`. */
export function firstName(dn: string): string {
  const [first = ''] = splitDn(dn);
  return unescapeDnValue(first.slice(first.indexOf('=') + 1).trim());
}

/** The DNS domain that a DN is in: `example.com` of `…,dc=example,dc=com`; empty without one. */
export function domainOfDn(dn: string): string {
  return splitDn(dn)
    .filter((part) => /^\s*dc\s*=/i.test(part))
    .map((part) => unescapeDnValue(part.slice(part.indexOf('=') + 1).trim()))
    .join('.');
}

function fill(template: string, values: Readonly<Record<string, string>>, asValue: (value: string) => string): string {
  return template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : asValue(value);
  });
}

/** At commas that are not escaped. */
function splitDn(dn: string): string[] {
  return dn.match(/(?:\\.|[^,\\])+/g) ?? [];
}

function unescapeDnValue(value: string): string {
  const bytes = value.replaceAll(/(?:\\[0-9a-fA-F]{2})+/g, (run) =>
    Buffer.from(run.replaceAll('\\', ''), 'hex').toString('utf8'),
  );
  return bytes.replaceAll(/\\(.)/g, '$1');
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
