import type { BenchProcess } from '../calls.ts';
import type { UserCounts } from '../generator/main.ts';
import { pictureAfter } from '../psnr.ts';
import { readStream, streamFile } from '../streams/store.ts';
import type { Picture } from '../viewers/viewer.ts';
import type { Source, SourceCounts } from './source.ts';

/** The load generator, which plays one stream to whoever logs on as `user`: `KEY.TAG`. */
export class GeneratedSource implements Source {
  readonly user: string;
  readonly password = 'bench';
  readonly port: number;
  readonly rawPort: number;
  readonly marksKeys = true;
  readonly #generator: BenchProcess;
  readonly #file: string;

  /** @param file where the stream is, if not among those that the bench makes itself */
  constructor(
    generator: BenchProcess,
    ports: { readonly rdp: number; readonly raw: number },
    { key, tag, file }: { readonly key: string; readonly tag: string; readonly file?: string | undefined },
  ) {
    this.user = `${key}.${tag}`;
    this.port = ports.rdp;
    this.rawPort = ports.raw;
    this.#generator = generator;
    this.#file = file ?? streamFile(key);
  }

  async begin(): Promise<void> {}

  async counts(): Promise<SourceCounts> {
    const { frames, open } = await this.#counts();
    return { frames, hasClient: open > 0 };
  }

  async freeze(): Promise<void> {
    await this.#generator.call('freeze', this.user);
  }

  async truth(): Promise<Picture> {
    const { frames } = await this.#counts();
    return pictureAfter(await readStream(this.#file), frames);
  }

  async end(): Promise<void> {}

  #counts(): Promise<UserCounts> {
    return this.#generator.call<UserCounts>('counts', this.user);
  }
}
