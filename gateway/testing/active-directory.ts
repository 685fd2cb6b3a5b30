import { createServer, type Socket } from 'node:net';
import { BerReader, BerWriter } from 'ldapts';

/** What Active Directory answers and slapd does not: after [MS-ADTS], as far as signing in asks. */
export interface FakeActiveDirectory {
  readonly url: string;
  /** The sub-code ([MS-ADTS] 5.1.1.1) that the next binds of people are refused with; nothing lets them in. */
  refusal: string | undefined;
  /** The searches that were made, as text of their bytes. */
  readonly searches: string[];
  stop(): Promise<void>;
}

/** [RFC 4511] 4.2 to 4.5. */
const BIND_REQUEST = 0x60;
const BIND_RESPONSE = 0x61;
const SEARCH_REQUEST = 0x63;
const SEARCH_ENTRY = 0x64;
const SEARCH_DONE = 0x65;
const SUCCESS = 0;
const INVALID_CREDENTIALS = 49;

const SERVICE = 'CN=reader,DC=corp,DC=example';
export const JANE = 'CN=Jane (Sales),OU=People,DC=corp,DC=example';
const GROUPS = ['Sales', 'All of sales', 'Everybody'];

/** One person, Jane, in three groups, one within another, and with a primary group that is within a fourth. Without TLS. */
export async function startActiveDirectory(): Promise<FakeActiveDirectory> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let pending = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      for (let size = messageSize(pending); size <= pending.length; size = messageSize(pending)) {
        for (const response of answer(pending.subarray(0, size), directory)) socket.write(response);
        pending = pending.subarray(size);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const directory: FakeActiveDirectory = {
    url: `ldap://127.0.0.1:${port}`,
    refusal: undefined,
    searches: [],
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return directory;
}

function answer(message: Buffer, directory: FakeActiveDirectory): Buffer[] {
  const reader = new BerReader(message);
  reader.readSequence();
  const id = reader.readInt() ?? 0;
  const operation = reader.readSequence();
  switch (operation) {
    case BIND_REQUEST: {
      reader.readInt();
      const name = reader.readString() ?? '';
      const { refusal } = directory;
      if (name === '' || name === SERVICE || refusal === undefined) return [done(id, BIND_RESPONSE, SUCCESS)];
      const why = `80090308: LdapErr: DSID-0C090449, comment: AcceptSecurityContext error, data ${refusal}, v4563`;
      return [done(id, BIND_RESPONSE, INVALID_CREDENTIALS, why)];
    }
    case SEARCH_REQUEST: {
      const base = reader.readString() ?? '';
      const text = message.toString('latin1');
      directory.searches.push(text);
      return [...entriesFor(base, text).map((entry) => searchEntry(id, entry)), done(id, SEARCH_DONE, SUCCESS)];
    }
    default:
      return [];
  }
}

interface FakeEntry {
  readonly dn: string;
  readonly attributes: Readonly<Record<string, string | Buffer>>;
}

function entriesFor(base: string, request: string): FakeEntry[] {
  if (base === '') return [{ dn: '', attributes: { supportedCapabilities: '1.2.840.113556.1.4.800' } }];
  if (request.includes(PRIMARY_SID.toString('latin1'))) return [{ dn: PRIMARY, attributes: { cn: 'Clerks' } }];
  if (request.includes('1.2.840.113556.1.4.1941')) {
    if (request.includes(PRIMARY)) return [{ dn: 'CN=Staff,DC=corp,DC=example', attributes: { cn: 'Staff' } }];
    if (!request.includes(JANE)) return [];
    return GROUPS.map((name) => ({ dn: `CN=${name},OU=Groups,DC=corp,DC=example`, attributes: { cn: name } }));
  }
  if (!request.includes('jane') && base !== JANE && !request.includes(GUID.toString('latin1'))) return [];
  return [
    {
      dn: JANE,
      attributes: {
        ...{ sAMAccountName: 'jane', userPrincipalName: 'jane@corp.example', displayName: 'Jane Jones' },
        ...{ objectSid: sid(1105), primaryGroupID: '1200' },
        ...{ objectGUID: GUID, userAccountControl: '512', accountExpires: '9223372036854775807' },
      },
    },
  ];
}

/** S-1-5-21-1-2-3-rid. */
function sid(rid: number): Buffer {
  const subAuthorities = [21, 1, 2, 3, rid];
  const bytes = Buffer.from([1, subAuthorities.length, 0, 0, 0, 0, 0, 5, ...new Uint8Array(20)]);
  for (const [index, value] of subAuthorities.entries()) bytes.writeUInt32LE(value, 8 + 4 * index);
  return bytes;
}

const PRIMARY_SID = sid(1200);
const PRIMARY = 'CN=Clerks,CN=Users,DC=corp,DC=example';
const GUID = Buffer.from('a1b2c3d4e5f60718293a4b5c6d7e8f90', 'hex');

function done(id: number, operation: number, code: number, text = ''): Buffer {
  return message(id, operation, (writer) => {
    writer.writeEnumeration(code);
    writer.writeString('');
    writer.writeString(text);
  });
}

function searchEntry(id: number, { dn, attributes }: FakeEntry): Buffer {
  return message(id, SEARCH_ENTRY, (writer) => {
    writer.writeString(dn);
    writer.startSequence();
    for (const [type, value] of Object.entries(attributes)) {
      writer.startSequence();
      writer.writeString(type);
      writer.startSequence(0x31);
      writer.writeBuffer(Buffer.from(value), 0x04);
      writer.endSequence();
      writer.endSequence();
    }
    writer.endSequence();
  });
}

function message(id: number, operation: number, write: (writer: BerWriter) => void): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(operation);
  write(writer);
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}

/** Of the first message; past the end while its length is not there yet. */
function messageSize(bytes: Buffer): number {
  const length = bytes[1];
  if (length === undefined) return Number.POSITIVE_INFINITY;
  if (length < 0x80) return 2 + length;
  const count = length & 0x7f;
  return bytes.length < 2 + count ? Number.POSITIVE_INFINITY : 2 + count + bytes.readUIntBE(2, count);
}
