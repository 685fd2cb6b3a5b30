import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Attribute, Change, Client } from 'ldapts';
import { freePort } from './free-port.ts';

const run = promisify(execFile);
export const SUFFIX = 'dc=example,dc=org';
export const READER = `cn=reader,${SUFFIX}`;
export const READER_PASSWORD = 'Reader-Pass-1!';
const ADMIN = `cn=admin,${SUFFIX}`;
const ADMIN_PASSWORD = 'only for the tests';
const SLAPD = '/usr/sbin/slapd';
const SCHEMAS = ['core', 'cosine', 'inetorgperson', 'nis', 'msuser'];

/** Debian's slapd on free ports of loopback, in a folder of its own. */
export interface Slapd {
  readonly ldap: string;
  readonly ldaps: string;
  /** PEM of the authority that made its certificate, which is for `localhost` only. */
  readonly authority: string;
  add(dn: string, attributes: Record<string, string | string[]>): Promise<void>;
  /** `set`: an empty list takes the attribute away. */
  change(dn: string, operation: 'add' | 'delete' | 'set', attribute: string, values: string[]): Promise<void>;
  remove(dn: string): Promise<void>;
  /** A person with a password under `ou=people`. */
  person(uid: string, password: string, more?: Record<string, string | string[]>): Promise<string>;
  /** A group under `ou=groups` with these members, by DN. */
  group(name: string, members: readonly string[]): Promise<string>;
  /** As a server that breaks down, and comes back. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** @param options `tls`: false for a server that has no certificate; `ldif`: loaded before it starts, operational attributes too */
export async function startSlapd(options: { readonly tls?: boolean; readonly ldif?: string } = {}): Promise<Slapd> {
  const folder = await mkdtemp(join(tmpdir(), 'oriel-slapd-'));
  const ldapPort = await freePort();
  const ldapsPort = await freePort();
  const file = (name: string) => join(folder, name);
  await mkdir(file('db'));
  await makeCertificates(file);
  await writeFile(file('slapd.conf'), configuration(folder, options.tls ?? true));
  await writeFile(file('first.ldif'), `${firstEntries()}\n${options.ldif ?? ''}`);
  await run(SLAPD, ['-T', 'add', '-f', file('slapd.conf'), '-l', file('first.ldif')]);
  const urls = `ldap://127.0.0.1:${ldapPort}/ ldaps://127.0.0.1:${ldapsPort}/`;
  let child: ChildProcess | undefined;
  const ldap = `ldap://localhost:${ldapPort}`;

  const asAdmin = async <T>(use: (client: Client) => Promise<T>): Promise<T> => {
    const client = new Client({ url: `ldap://127.0.0.1:${ldapPort}`, timeout: 10_000, connectTimeout: 10_000 });
    try {
      await client.bind(ADMIN, ADMIN_PASSWORD);
      return await use(client);
    } finally {
      await client.unbind();
    }
  };
  const add: Slapd['add'] = (dn, attributes) => asAdmin((client) => client.add(dn, attributes));
  const kill = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  const start = async () => {
    // Ends with this process, also when that is killed and can clean nothing up.
    const command = [SLAPD, '-d', '0', '-f', file('slapd.conf'), '-h', urls];
    child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], { stdio: 'ignore' });
    for (;;) {
      if (child.exitCode !== null) throw new Error(`slapd ended with ${child.exitCode}`);
      try {
        return await asAdmin(async () => undefined);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  await start();
  return {
    ldap,
    ldaps: `ldaps://localhost:${ldapsPort}`,
    authority: await readFile(file('ca.pem'), 'utf8'),
    add,
    change: (dn, operation, type, values) =>
      asAdmin((client) =>
        client.modify(
          dn,
          new Change({
            operation: operation === 'set' ? 'replace' : operation,
            modification: new Attribute({ type, values }),
          }),
        ),
      ),
    remove: (dn) => asAdmin((client) => client.del(dn)),
    async person(uid, password, more = {}) {
      const dn = `uid=${uid},ou=people,${SUFFIX}`;
      // extensibleObject: what Active Directory keeps of people can be put in too.
      const objectClass = ['inetOrgPerson', 'extensibleObject'];
      await add(dn, { objectClass, cn: uid, sn: uid, uid, userPassword: password, ...more });
      return dn;
    },
    async group(name, members) {
      const dn = `cn=${name},ou=groups,${SUFFIX}`;
      // With Active Directory's schema memberOf is an attribute like others, which groups have no place for by themselves.
      await add(dn, { objectClass: ['groupOfNames', 'extensibleObject'], cn: name, member: [...members] });
      return dn;
    },
    kill,
    start,
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configuration(folder: string, tls: boolean): string {
  const certificates = `
TLSCACertificateFile ${folder}/ca.pem
TLSCertificateFile ${folder}/server.pem
TLSCertificateKeyFile ${folder}/server.key`;
  return `${SCHEMAS.map((name) => `include /etc/ldap/schema/${name}.schema`).join('\n')}
pidfile ${folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
${tls ? certificates : ''}
database mdb
suffix "${SUFFIX}"
rootdn "${ADMIN}"
rootpw "${ADMIN_PASSWORD}"
directory ${folder}/db
maxsize 67108864
dbnosync
index objectClass,uid,member,entryUUID eq
overlay memberof
overlay ppolicy
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${READER}" read by anonymous auth by * none
# As servers are: no more than 500 at a time, and more than that page by page.
limits dn.exact="${READER}" size.soft=500 size.hard=500 size.prtotal=unlimited
`;
}

function firstEntries(): string {
  return `dn: ${SUFFIX}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,${SUFFIX}
objectClass: organizationalUnit
ou: people

dn: ou=groups,${SUFFIX}
objectClass: organizationalUnit
ou: groups

dn: ${READER}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: ${READER_PASSWORD}

dn: cn=aging,${SUFFIX}
objectClass: device
objectClass: pwdPolicy
cn: aging
pwdAttribute: userPassword
pwdMaxAge: 86400
pwdMustChange: TRUE
`;
}

async function makeCertificates(file: (name: string) => string): Promise<void> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const ca = ['-keyout', file('ca.key'), '-out', file('ca.pem'), '-subj', '/CN=Test authority'];
  await run('openssl', ['req', '-x509', ...key, ...ca]);
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const signed = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-addext', 'basicConstraints=CA:FALSE'];
  const out = ['-keyout', file('server.key'), '-out', file('server.pem')];
  await run('openssl', ['req', '-x509', ...key, ...names, ...signed, ...out]);
}
