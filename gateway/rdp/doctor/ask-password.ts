import type { Readable, Writable } from 'node:stream';

/** A terminal's input; `setRawMode` turns its echo off. */
export type Terminal = Readable & { readonly isTTY?: boolean; setRawMode?(mode: boolean): unknown };

/** Asks for a password without showing it. Undefined where the person gives up (Ctrl+C, Ctrl+D on an empty line). */
export async function askPassword(question: string, input: Terminal, output: Writable): Promise<string | undefined> {
  output.write(question);
  input.setRawMode?.(true);
  try {
    return await new Promise<string | undefined>((resolve) => {
      const typed: string[] = [];
      input.setEncoding('utf8');
      const read = (text: string): void => {
        for (const key of text) {
          if (key === '\r' || key === '\n') leave(typed.join(''));
          else if (key === CTRL_C || (key === CTRL_D && typed.length === 0)) leave(undefined);
          else if (key === BACKSPACE || key === DELETE) typed.pop();
          else if (key >= ' ') typed.push(key);
          if (left) return;
        }
      };
      let left = false;
      const end = (): void => leave(undefined);
      const leave = (value: string | undefined): void => {
        left = true;
        input.off('data', read);
        input.off('end', end);
        resolve(value);
      };
      input.on('data', read);
      input.once('end', end);
      input.resume();
    });
  } finally {
    input.setRawMode?.(false);
    input.pause();
    output.write('\n');
  }
}

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const BACKSPACE = '\b';
const DELETE = '\u007f';
