import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';

/** A disk of its own, as small as is wanted. Needs root; where a test has it not, that is said. */
export async function smallDisk(context: TestContext, kilobytes: number): Promise<string | undefined> {
  if (!mayMount(context)) return undefined;
  const place = await mkdtemp(join(tmpdir(), 'oriel-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', place]);
  context.after(async () => {
    execFileSync('umount', ['-l', place]);
    await rm(place, { recursive: true });
  });
  return place;
}

/** An ext4 file system that can be made to do what real ones do when their disk reports an error. */
export class BreakableDisk {
  readonly path: string;
  readonly #image: string;
  #mounted = false;

  static async mount(context: TestContext): Promise<BreakableDisk | undefined> {
    if (!mayMount(context)) return undefined;
    const folder = await mkdtemp(join(tmpdir(), 'oriel-disk-'));
    const disk = new BreakableDisk(folder);
    context.after(async () => {
      disk.#unmount();
      await rm(folder, { recursive: true });
    });
    await writeFile(disk.#image, '');
    await truncate(disk.#image, 16 * 1024 * 1024);
    try {
      execFileSync('mkfs.ext4', ['-q', disk.#image], { stdio: 'pipe' });
      execFileSync('mkdir', [disk.path]);
      disk.#mount();
    } catch (error) {
      context.skip(`no ext4 on a loop device here: ${(error as Error).message.split('\n')[0]}`);
      return undefined;
    }
    return disk;
  }

  private constructor(folder: string) {
    this.path = join(folder, 'disk');
    this.#image = join(folder, 'disk.img');
  }

  /** Read-only from now on, also for files that are open. */
  async fail(): Promise<void> {
    await writeFile(`/sys/fs/ext4/${basename(this.#device())}/trigger_fs_error`, '1');
  }

  /** Checked, and mounted anew, as an administrator would. Throws while a file on it is open. */
  repair(): void {
    execFileSync('umount', [this.path]);
    this.#mounted = false;
    try {
      execFileSync('e2fsck', ['-fp', this.#image], { stdio: 'pipe' });
    } catch (error) {
      // 1: there was something to repair, and it was.
      if ((error as { status?: number }).status !== 1) throw error;
    }
    this.#mount();
  }

  #mount(): void {
    execFileSync('mount', ['-o', 'loop,errors=remount-ro', this.#image, this.path], { stdio: 'pipe' });
    this.#mounted = true;
  }

  #unmount(): void {
    if (this.#mounted) execFileSync('umount', ['-l', this.path]);
    this.#mounted = false;
  }

  #device(): string {
    return execFileSync('findmnt', ['-n', '-o', 'SOURCE', this.path], { encoding: 'utf8' }).trim();
  }
}

function mayMount(context: TestContext): boolean {
  if (process.platform === 'linux' && process.getuid?.() === 0) return true;
  context.skip('a file system of its own can be mounted by root only');
  return false;
}
