/**
 * MCS connect PDUs, in BER: Connect Initial and Connect Response ([T125] section 11, [MS-RDPBCGR] 2.2.1.3, 2.2.1.4).
 * The domain PDUs that follow are in mcs-domain.ts.
 */
import type { ReadCursor, WriteCursor } from '../core/cursor.ts';
import {
  BerTag,
  readBerApplication,
  readBerBoolean,
  readBerEnumerated,
  readBerInteger,
  readBerLength,
  readBerOctetString,
  readBerSequence,
  readBerTag,
  sizeOfBerApplication,
  sizeOfBerInteger,
  sizeOfBerValue,
  writeBerApplication,
  writeBerBoolean,
  writeBerEnumerated,
  writeBerInteger,
  writeBerOctetString,
  writeBerSequenceHeader,
} from './ber.ts';

/** [T125] 11.1 DomainParameters. */
export interface DomainParameters {
  readonly maxChannelIds: number;
  readonly maxUserIds: number;
  readonly maxTokenIds: number;
  readonly numPriorities: number;
  readonly minThroughput: number;
  readonly maxHeight: number;
  readonly maxMcsPduSize: number;
  readonly protocolVersion: number;
}

/** What every RDP client asks for ([MS-RDPBCGR] 2.2.1.3). */
export const CLIENT_DOMAIN_PARAMETERS: {
  readonly target: DomainParameters;
  readonly minimum: DomainParameters;
  readonly maximum: DomainParameters;
} = {
  target: domainParameters(34, 2, 0, 0xffff),
  minimum: domainParameters(1, 1, 1, 1056),
  maximum: domainParameters(0xffff, 0xfc17, 0xffff, 0xffff),
};

export interface ConnectInitial {
  readonly target: DomainParameters;
  readonly minimum: DomainParameters;
  readonly maximum: DomainParameters;
  /** A GCC Conference Create Request. */
  readonly userData: Uint8Array;
}

export interface ConnectResponse {
  /** [T125] 11.2 Result; 0 is rt-successful. */
  readonly result: number;
  /** Absent where a server says nothing but why it refuses ([MS-RDPBCGR] 3.3.5.3.3.1). */
  readonly domain?: {
    readonly calledConnectId: number;
    readonly parameters: DomainParameters;
    /** A GCC Conference Create Response. */
    readonly userData: Uint8Array;
  };
}

const CONNECT_INITIAL = 101;
const CONNECT_RESPONSE = 102;

/** RDP names no domain selectors: one byte, as Windows sends it. */
const DOMAIN_SELECTOR = Uint8Array.of(1);

/** @pdu MCS Connect Initial */
export function decodeConnectInitial(cursor: ReadCursor): ConnectInitial {
  const body = readBerApplication(cursor, CONNECT_INITIAL, 'Connect-Initial');
  cursor.expectEnd();
  readBerOctetString(body, 'callingDomainSelector');
  readBerOctetString(body, 'calledDomainSelector');
  readBerBoolean(body, 'upwardFlag');
  const target = decodeDomainParameters(body, 'targetParameters');
  const minimum = decodeDomainParameters(body, 'minimumParameters');
  const maximum = decodeDomainParameters(body, 'maximumParameters');
  const userData = readBerOctetString(body, 'userData');
  body.expectEnd();
  return { target, minimum, maximum, userData };
}

export function encodeConnectInitial(pdu: ConnectInitial, cursor: WriteCursor): void {
  writeBerApplication(CONNECT_INITIAL, sizeOfConnectInitialBody(pdu), cursor);
  writeBerOctetString(DOMAIN_SELECTOR, cursor);
  writeBerOctetString(DOMAIN_SELECTOR, cursor);
  writeBerBoolean(true, cursor);
  encodeDomainParameters(pdu.target, cursor);
  encodeDomainParameters(pdu.minimum, cursor);
  encodeDomainParameters(pdu.maximum, cursor);
  writeBerOctetString(pdu.userData, cursor);
}

export function sizeOfConnectInitial(pdu: ConnectInitial): number {
  return sizeOfBerApplication(sizeOfConnectInitialBody(pdu));
}

/** @pdu MCS Connect Response */
export function decodeConnectResponse(cursor: ReadCursor): ConnectResponse {
  const body = readBerApplication(cursor, CONNECT_RESPONSE, 'Connect-Response');
  cursor.expectEnd();
  const result = readBerEnumerated(body, 'result');
  if (body.remaining === 0) return { result };
  const calledConnectId = readBerInteger(body, 'calledConnectId');
  const parameters = decodeDomainParameters(body, 'domainParameters');
  // Whatever it says of its length, it goes to the end ([MS-RDPBCGR] 3.2.5.3.4).
  readBerTag(body, BerTag.octetString, 'userData');
  readBerLength(body, 'userData');
  return { result, domain: { calledConnectId, parameters, userData: body.rest() } };
}

export function encodeConnectResponse(pdu: ConnectResponse, cursor: WriteCursor): void {
  writeBerApplication(CONNECT_RESPONSE, sizeOfConnectResponseBody(pdu), cursor);
  writeBerEnumerated(pdu.result, cursor);
  if (pdu.domain === undefined) return;
  writeBerInteger(pdu.domain.calledConnectId, cursor);
  encodeDomainParameters(pdu.domain.parameters, cursor);
  writeBerOctetString(pdu.domain.userData, cursor);
}

export function sizeOfConnectResponse(pdu: ConnectResponse): number {
  return sizeOfBerApplication(sizeOfConnectResponseBody(pdu));
}

function sizeOfConnectInitialBody(pdu: ConnectInitial): number {
  return (
    2 * sizeOfBerValue(DOMAIN_SELECTOR.length) /* calling and called domain selector */ +
    sizeOfBerValue(1) /* upwardFlag */ +
    sizeOfBerValue(sizeOfParameterFields(pdu.target)) +
    sizeOfBerValue(sizeOfParameterFields(pdu.minimum)) +
    sizeOfBerValue(sizeOfParameterFields(pdu.maximum)) +
    sizeOfBerValue(pdu.userData.length)
  );
}

function sizeOfConnectResponseBody({ domain }: ConnectResponse): number {
  const result = sizeOfBerValue(1);
  if (domain === undefined) return result;
  return (
    result +
    sizeOfBerInteger(domain.calledConnectId) +
    sizeOfBerValue(sizeOfParameterFields(domain.parameters)) +
    sizeOfBerValue(domain.userData.length)
  );
}

function decodeDomainParameters(cursor: ReadCursor, field: string): DomainParameters {
  const fields = readBerSequence(cursor, field);
  const parameters = {
    maxChannelIds: readBerInteger(fields, 'maxChannelIds'),
    maxUserIds: readBerInteger(fields, 'maxUserIds'),
    maxTokenIds: readBerInteger(fields, 'maxTokenIds'),
    numPriorities: readBerInteger(fields, 'numPriorities'),
    minThroughput: readBerInteger(fields, 'minThroughput'),
    maxHeight: readBerInteger(fields, 'maxHeight'),
    maxMcsPduSize: readBerInteger(fields, 'maxMCSPDUsize'),
    protocolVersion: readBerInteger(fields, 'protocolVersion'),
  };
  fields.expectEnd();
  return parameters;
}

function encodeDomainParameters(parameters: DomainParameters, cursor: WriteCursor): void {
  writeBerSequenceHeader(sizeOfParameterFields(parameters), cursor);
  for (const value of parameterValues(parameters)) writeBerInteger(value, cursor);
}

function sizeOfParameterFields(parameters: DomainParameters): number {
  return parameterValues(parameters).reduce((size, value) => size + sizeOfBerInteger(value), 0);
}

function parameterValues(parameters: DomainParameters): readonly number[] {
  return [
    parameters.maxChannelIds,
    parameters.maxUserIds,
    parameters.maxTokenIds,
    parameters.numPriorities,
    parameters.minThroughput,
    parameters.maxHeight,
    parameters.maxMcsPduSize,
    parameters.protocolVersion,
  ];
}

/** The four values that differ; the rest are the same in every RDP message. */
function domainParameters(
  maxChannelIds: number,
  maxUserIds: number,
  maxTokenIds: number,
  maxMcsPduSize: number,
): DomainParameters {
  const fixed = { numPriorities: 1, minThroughput: 0, maxHeight: 1, protocolVersion: 2 };
  return { maxChannelIds, maxUserIds, maxTokenIds, maxMcsPduSize, ...fixed };
}
