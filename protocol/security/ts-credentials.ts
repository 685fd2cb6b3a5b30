/** What a client delegates at the end of CredSSP ([MS-CSSP] 2.2.1.2). We delegate passwords only, and take nothing else. */
import { ReadCursor } from '../core/cursor.ts';
import { decodeUtf16le, encodeUtf16le } from '../core/text.ts';
import {
  contextTag,
  DerTag,
  derContext,
  derInteger,
  derOctetString,
  derSequence,
  readElement,
  readInteger,
  readOctetString,
  readOptional,
} from './der.ts';

/** [MS-CSSP] 2.2.1.2.1 TSPasswordCreds; all empty in Restricted Admin mode. */
export interface PasswordCredentials {
  readonly domain: string;
  readonly user: string;
  readonly password: string;
}

/** [MS-CSSP] 2.2.1.2.2 TSSmartCardCreds, with the fields of 2.2.1.2.2.1 TSCspDataDetail. */
export interface SmartCardCredentials {
  readonly pin: string;
  readonly keySpec: number;
  readonly cardName?: string;
  readonly readerName?: string;
  readonly containerName?: string;
  readonly cspName?: string;
  readonly userHint?: string;
  readonly domainHint?: string;
}

/** [MS-CSSP] 2.2.1.2.3.1 TSRemoteGuardPackageCred. Views when decoded. */
export interface PackageCredential {
  readonly packageName: string;
  readonly credentials: Uint8Array;
}

/** [MS-CSSP] 2.2.1.2.3 TSRemoteGuardCreds. */
export interface RemoteGuardCredentials {
  readonly logon: PackageCredential;
  readonly supplemental: readonly PackageCredential[];
}

/** [MS-CSSP] 2.2.1.2 TSCredentials. */
export type TsCredentials =
  | ({ readonly kind: 'password' } & PasswordCredentials)
  | ({ readonly kind: 'smart-card' } & SmartCardCredentials)
  | ({ readonly kind: 'remote-guard' } & RemoteGuardCredentials)
  | { readonly kind: 'unknown'; readonly type: number };

/** @pdu [MS-CSSP] 2.2.1.2 TSCredentials */
export function decodeTsCredentials(bytes: Uint8Array): TsCredentials {
  const cursor = readElement(new ReadCursor(bytes, 'TSCredentials'), DerTag.sequence, 'TSCredentials');
  const type = readInteger(readElement(cursor, contextTag(0), 'credType'), 'credType');
  const credentials = readOctetString(readElement(cursor, contextTag(1), 'credentials'), 'credentials');
  const open = (context: string) => readElement(new ReadCursor(credentials, context), DerTag.sequence, context);
  switch (type) {
    case CredentialType.password:
      return { kind: 'password', ...decodePassword(open('TSPasswordCreds')) };
    case CredentialType.smartCard:
      return { kind: 'smart-card', ...decodeSmartCard(open('TSSmartCardCreds')) };
    case CredentialType.remoteGuard:
      return { kind: 'remote-guard', ...decodeRemoteGuard(open('TSRemoteGuardCreds')) };
    default:
      return { kind: 'unknown', type };
  }
}

/** @pdu [MS-CSSP] 2.2.1.2.1 TSPasswordCreds, in TSCredentials */
export function encodePasswordCredentials(credentials: PasswordCredentials): Uint8Array<ArrayBuffer> {
  const { domain, user, password } = credentials;
  const inner = derSequence(...[domain, user, password].map((text, number) => derContext(number, derText(text))));
  return derSequence(derContext(0, derInteger(CredentialType.password)), derContext(1, derOctetString(inner)));
}

/** Undefined for credentials of another kind. */
export function decodePasswordCredentials(bytes: Uint8Array): PasswordCredentials | undefined {
  const credentials = decodeTsCredentials(bytes);
  if (credentials.kind !== 'password') return undefined;
  const { domain, user, password } = credentials;
  return { domain, user, password };
}

const CredentialType = { password: 1, smartCard: 2, remoteGuard: 6 } as const;
/** There are as many as the client's system has security packages. */
const MAX_SUPPLEMENTAL = 64;

function decodePassword(cursor: ReadCursor): PasswordCredentials {
  const domain = readText(cursor, 0, 'domainName');
  const user = readText(cursor, 1, 'userName');
  return { domain, user, password: readText(cursor, 2, 'password') };
}

function decodeSmartCard(cursor: ReadCursor): SmartCardCredentials {
  const pin = readText(cursor, 0, 'pin');
  const csp = readElement(readElement(cursor, contextTag(1), 'cspData'), DerTag.sequence, 'TSCspDataDetail');
  const keySpec = readInteger(readElement(csp, contextTag(0), 'keySpec'), 'keySpec');
  return {
    pin,
    keySpec,
    ...optionalText(csp, 1, 'cardName'),
    ...optionalText(csp, 2, 'readerName'),
    ...optionalText(csp, 3, 'containerName'),
    ...optionalText(csp, 4, 'cspName'),
    ...optionalText(cursor, 2, 'userHint'),
    ...optionalText(cursor, 3, 'domainHint'),
  };
}

function decodeRemoteGuard(cursor: ReadCursor): RemoteGuardCredentials {
  const logon = decodePackage(readElement(cursor, contextTag(0), 'logonCred'));
  const list = readOptional(cursor, contextTag(1), 'supplementalCreds');
  const supplemental: PackageCredential[] = [];
  if (list === undefined) return { logon, supplemental };
  const packages = readElement(list, DerTag.sequence, 'supplementalCreds');
  while (packages.remaining > 0) {
    if (supplemental.length === MAX_SUPPLEMENTAL) throw packages.error('limit_exceeded', 'supplementalCreds');
    supplemental.push(decodePackage(packages));
  }
  return { logon, supplemental };
}

function decodePackage(cursor: ReadCursor): PackageCredential {
  const fields = readElement(cursor, DerTag.sequence, 'TSRemoteGuardPackageCred');
  const packageName = readText(fields, 0, 'packageName');
  return { packageName, credentials: readOctetString(readElement(fields, contextTag(1), 'credBuffer'), 'credBuffer') };
}

function derText(text: string): Uint8Array {
  return derOctetString(encodeUtf16le(text));
}

function readText(cursor: ReadCursor, number: number, field: string): string {
  return decodeUtf16le(readOctetString(readElement(cursor, contextTag(number), field), field));
}

function optionalText<F extends string>(cursor: ReadCursor, number: number, field: F): { readonly [K in F]?: string } {
  const element = readOptional(cursor, contextTag(number), field);
  if (element === undefined) return {};
  return { [field]: decodeUtf16le(readOctetString(element, field)) } as { readonly [K in F]: string };
}
