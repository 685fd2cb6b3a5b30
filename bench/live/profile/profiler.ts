import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { treeOf } from '../processes.ts';
import { type CpuProfile, callTree, flameSvg } from './flame.ts';
import { PROFILE_SIGNAL, PROFILE_VARIABLE } from './names.ts';

const WRITTEN_WITHIN_MS = 10_000;

/**
 * Takes CPU profiles of a peer's processes while they are measured, and draws them. Made before the processes are started, since they inherit
 * what listens for it.
 */
export class Profiler implements Disposable {
  readonly #folder: string;
  readonly #exchange = mkdtempSync(join(tmpdir(), 'oriel-bench-profile-'));
  #listening: number[] = [];

  /** @param folder where the drawings go */
  constructor(folder: string) {
    this.#folder = folder;
    process.env[PROFILE_VARIABLE] = this.#exchange;
    const hook = new URL('./hook.ts', import.meta.url).href;
    process.env.NODE_OPTIONS = [process.env.NODE_OPTIONS, `--import=${hook}`].filter(Boolean).join(' ');
  }

  /** Begins with all processes below these. */
  start(roots: readonly number[]): void {
    this.#listening = treeOf(roots).filter((pid) => existsSync(join(this.#exchange, `${pid}.pid`)));
    for (const pid of this.#listening) process.kill(pid, PROFILE_SIGNAL);
  }

  /** Ends, and writes one SVG for each program. @param label becomes part of the files' names */
  async stop(label: string): Promise<void> {
    for (const pid of this.#listening) process.kill(pid, PROFILE_SIGNAL);
    const byProgram = new Map<string, CpuProfile[]>();
    for (const pid of this.#listening) {
      const { program, profile } = await this.#profileOf(pid);
      const name = `${basename(dirname(program))}-${basename(program, '.ts')}`;
      byProgram.set(name, [...(byProgram.get(name) ?? []), profile]);
    }
    await mkdir(this.#folder, { recursive: true });
    for (const [name, profiles] of byProgram) {
      const file = join(this.#folder, `${label}-${name}.svg`.replaceAll(/[^\w.-]+/g, '-'));
      await writeFile(file, flameSvg(`${label}: ${name}`, callTree(profiles)));
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#exchange, { recursive: true, force: true });
  }

  async #profileOf(pid: number): Promise<{ program: string; profile: CpuProfile }> {
    const file = join(this.#exchange, `${pid}.json`);
    for (let waited = 0; !existsSync(file); waited += 50) {
      if (waited > WRITTEN_WITHIN_MS) throw new Error(`no profile from process ${pid}`);
      await sleep(50);
    }
    const taken = JSON.parse(readFileSync(file, 'utf8'));
    rmSync(file);
    return taken;
  }
}
