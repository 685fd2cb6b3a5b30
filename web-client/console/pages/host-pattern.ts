/**
 * A host name or an address, as the `pattern` of a field has it: no scheme, no path, and no port, which would be taken
 * for a part of the name. Colons are IPv6, which has two of them at least.
 */
export const HOST_PATTERN = String.raw`\s*([^\s\/@:\[\]]+|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(%\w+)?)\s*`;
