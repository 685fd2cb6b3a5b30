/**
 * The Guacamole protocol as its manual describes it: instructions of elements, each `LENGTH.VALUE`, parted by commas and
 * ended by a semicolon. Lengths count characters; of what guacd draws, only names of users and the like are not ASCII.
 */
export type Instruction = readonly [opcode: string, ...elements: string[]];

export function encodeInstruction(...elements: readonly string[]): string {
  return `${elements.map((element) => `${[...element].length}.${element}`).join(',')};`;
}

/** Cuts what comes into instructions. */
export class InstructionReader {
  #pending = '';

  /** @throws Error where an element's length or end is not what it should be */
  push(text: string): Instruction[] {
    const input = this.#pending + text;
    const instructions: Instruction[] = [];
    let done = 0;
    let elements: string[] = [];
    for (let at = 0; ; ) {
      const dot = input.indexOf('.', at);
      if (dot === -1) {
        if (input.length - at > MAX_LENGTH_DIGITS) throw new Error('a length without an end');
        break;
      }
      const length = Number(input.slice(at, dot));
      if (!Number.isSafeInteger(length) || length < 0)
        throw new Error(`no length: ${input.slice(at, dot).slice(0, 20)}`);
      const end = dot + 1 + length;
      if (end >= input.length) break;
      elements.push(input.slice(dot + 1, end));
      const ends = input[end];
      if (ends !== ',' && ends !== ';') throw new Error(`an element ends with ${JSON.stringify(ends)}`);
      at = end + 1;
      if (ends === ',') continue;
      instructions.push(elements as unknown as Instruction);
      elements = [];
      done = at;
    }
    this.#pending = input.slice(done);
    return instructions;
  }
}

const MAX_LENGTH_DIGITS = 10;
