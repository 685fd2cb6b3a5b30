/**
 * The three ways protocol code fails, kept apart because three different people must act on them:
 * the peer sent nonsense (`DecodeError`), the peer asks for something we do not do (`UnsupportedError`),
 * or our own caller broke the contract (`UsageError`).
 */

/** Why bytes could not be decoded. A closed set: each code is a different kind of evidence. */
export type DecodeErrorCode =
  /** The message ends before the field does. */
  | 'truncated'
  /** Bytes are left over where the specification allows none. */
  | 'trailing_bytes'
  /** The field holds a value the specification does not allow. */
  | 'invalid_value'
  /** The field is legal on paper but past one of our named limits. */
  | 'limit_exceeded'
  /** A well-formed message that may not come in this phase. */
  | 'unexpected_message'
  /** A checksum, signature or authenticator does not match. */
  | 'integrity';

/** A peer's bytes break the protocol. Ends that peer's session, never the process. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  readonly code: DecodeErrorCode;
  /** The message being decoded, in the specification's words, for example `TS_BITMAP_DATA`. */
  readonly context: string;
  /** The field in it, in the specification's words, for example `bitmapLength`. */
  readonly field: string;
  /** Byte offset of that field from the start of the decoded buffer. */
  readonly offset: number;

  constructor(
    code: DecodeErrorCode,
    context: string,
    field: string,
    offset: number,
    detail?: string,
    options?: { cause?: unknown },
  ) {
    super(`${context}.${field} at offset ${offset}: ${detail ?? code.replaceAll('_', ' ')}`, options);
    this.code = code;
    this.context = context;
    this.field = field;
    this.offset = offset;
  }
}

/** The peer wants a feature that this build does not have. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError';
  /** The feature, in the specification's words. */
  readonly feature: string;
  constructor(feature: string, detail?: string) {
    super(detail === undefined ? `unsupported: ${feature}` : `unsupported: ${feature}: ${detail}`);
    this.feature = feature;
  }
}

/** Our own code called a function out of order or with values it must not pass. A bug here, not at the peer. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
