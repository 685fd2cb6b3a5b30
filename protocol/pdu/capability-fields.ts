/**
 * Capability sets whose body is a list of fixed-size unsigned fields: each is described once by a table, from which
 * reading, writing and sizes follow. Fields that end early in older implementations are marked optional.
 */
import { ReadCursor, WriteCursor } from '../core/cursor.ts';

export type FieldWidth = 1 | 2 | 4;

/** `name: null` is padding: read over, written as zero. */
export interface CapabilityField<N extends string> {
  readonly name: N | null;
  readonly width: FieldWidth;
  /** From here on the sender may leave fields out; absent ones read as 0. */
  readonly optional?: true;
}

export type FieldValues<N extends string> = { readonly [K in N]: number };

export interface FieldTable<N extends string> {
  readonly context: string;
  readonly size: number;
  decode(data: Uint8Array): FieldValues<N>;
  encode(values: FieldValues<N>): Uint8Array<ArrayBuffer>;
}

/**
 * @param context the structure's name in the specification, for errors
 * @param fields in wire order; a name with its width in bytes
 */
export function fieldTable<const N extends string>(
  context: string,
  fields: readonly CapabilityField<N>[],
): FieldTable<N> {
  const size = fields.reduce((total, field) => total + field.width, 0);
  return {
    context,
    size,
    decode(data) {
      const cursor = new ReadCursor(data, context);
      const values = {} as Record<N, number>;
      let optional = false;
      for (const { name, width, optional: startsOptional } of fields) {
        optional ||= startsOptional === true;
        const missing = optional && cursor.remaining < width;
        const value = missing ? 0 : readField(cursor, width, name ?? 'pad');
        if (name !== null) values[name] = value;
      }
      return values;
    },
    encode(values) {
      const cursor = new WriteCursor(size);
      for (const { name, width } of fields) writeField(cursor, width, name === null ? 0 : values[name]);
      return cursor.finish();
    },
  };
}

export function u8<const N extends string>(name: N): CapabilityField<N> {
  return { name, width: 1 };
}

export function u16<const N extends string>(name: N): CapabilityField<N> {
  return { name, width: 2 };
}

export function u32<const N extends string>(name: N): CapabilityField<N> {
  return { name, width: 4 };
}

export function pad(width: FieldWidth): CapabilityField<never> {
  return { name: null, width };
}

/** Marks the point from which on fields may be missing. */
export function optional<N extends string>(field: CapabilityField<N>): CapabilityField<N> {
  return { ...field, optional: true };
}

function readField(cursor: ReadCursor, width: FieldWidth, name: string): number {
  if (width === 1) return cursor.u8(name);
  return width === 2 ? cursor.u16(name) : cursor.u32(name);
}

function writeField(cursor: WriteCursor, width: FieldWidth, value: number): void {
  if (width === 1) cursor.u8(value);
  else if (width === 2) cursor.u16(value);
  else cursor.u32(value);
}
