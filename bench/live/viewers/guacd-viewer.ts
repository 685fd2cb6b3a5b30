import { connect, type Socket } from 'node:net';
import { encodeInstruction, type Instruction, InstructionReader } from './guacamole.ts';
import { KeyWatch } from './key-watch.ts';
import { DESKTOP, Pasteboard } from './pasteboard.ts';
import type { Picture, SeenKey, Viewer, ViewerOptions } from './viewer.ts';

/** X11 keysym of `a`. */
const KEYSYM = '97';

/**
 * A client of guacd: asks for an RDP connection, takes the instructions and answers each `sync`, as guacamole-client and a
 * browser do together. What guacd sends is counted as it leaves guacd.
 */
export class GuacdViewer implements Viewer {
  readonly counts = { bytes: 0, messages: 0, pictures: 0 };
  ready = false;
  ended: string | undefined;
  readonly #socket: Socket;
  readonly #reader = new InstructionReader();
  readonly #keys: KeyWatch | undefined;
  readonly #kept: Pasteboard | undefined;
  readonly #target: Extract<ViewerOptions, { kind: 'guacd' }>['target'];
  /** Pictures that are on their way, by the number of their stream. */
  readonly #images = new Map<string, { readonly parts: string[]; readonly draw: (bytes: Uint8Array) => void }>();
  #path: { x: number; y: number; width: number; height: number } | undefined;
  #drew = false;

  constructor({ host, port, target, typing, keep }: Extract<ViewerOptions, { kind: 'guacd' }>) {
    this.#target = target;
    this.#kept = keep === true ? new Pasteboard() : undefined;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.setEncoding('utf8');
    this.#socket.on('connect', () => this.#send('select', 'rdp'));
    this.#socket.on('data', (text: string) => this.#received(text));
    this.#socket.on('error', (error) => {
      this.ended ??= error.message;
    });
    this.#socket.on('close', () => {
      this.ended ??= 'closed';
      this.#keys?.stop();
    });
    if (typing !== undefined) {
      this.#keys = new KeyWatch({ ...typing, byMark: false }, () => this.press());
    }
  }

  get keys(): readonly SeenKey[] {
    return this.#keys?.keys ?? [];
  }

  async picture(): Promise<Picture | undefined> {
    return this.#kept?.picture();
  }

  press(): void {
    this.#send('key', KEYSYM, '1');
    this.#send('key', KEYSYM, '0');
  }

  rest(): void {
    this.#keys?.stop();
  }

  close(): void {
    this.#keys?.stop();
    if (this.#socket.writable) this.#send('disconnect');
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), 500).unref();
  }

  #send(...elements: readonly string[]): void {
    this.#socket.write(encodeInstruction(...elements));
  }

  #received(text: string): void {
    this.counts.bytes += Buffer.byteLength(text);
    try {
      for (const instruction of this.#reader.push(text)) this.#take(instruction);
    } catch (error) {
      this.ended ??= String(error);
      this.#socket.destroy();
    }
  }

  #take([opcode, ...elements]: Instruction): void {
    this.counts.messages++;
    const [first = '', second = '', third = '', fourth = '', fifth = '', sixth = ''] = elements;
    switch (opcode) {
      case 'args':
        this.#connect(elements);
        break;
      case 'error':
        this.ended = `guacd says: ${first}`;
        break;
      case 'disconnect':
        this.ended ??= 'guacd has disconnected';
        break;
      case 'required':
        // Parameters that were left empty; nothing here has a value for them.
        this.ended ??= `guacd asks for ${elements.join(', ')}`;
        break;
      case 'sync':
        this.#send('sync', first);
        if (this.#drew) {
          this.counts.pictures++;
          this.ready = true;
          this.#keys?.seen(NOTHING);
        }
        this.#drew = false;
        break;
      case 'size':
        this.#kept?.resize(Number(second), Number(third), first);
        break;
      case 'img':
        // stream, mask, layer, type, x, y
        this.#drew ||= third === DESKTOP;
        // It is drawn in this place of the order, whenever its bytes come: guacd encodes several at a time.
        if (this.#kept !== undefined) {
          this.#images.set(first, { parts: [], draw: this.#kept.reserve(Number(fifth), Number(sixth), third) });
        }
        break;
      case 'blob':
        this.#images.get(first)?.parts.push(second);
        break;
      case 'end':
        this.#ended(first);
        break;
      case 'copy':
        this.#copy(elements);
        break;
      case 'rect':
        this.#path = { x: Number(second), y: Number(third), width: Number(fourth), height: Number(fifth) };
        break;
      case 'cfill':
        // mask, layer, r, g, b, a
        if (this.#path === undefined) break;
        this.#drew ||= second === DESKTOP;
        this.#kept?.fill(this.#path, `rgb(${third}, ${fourth}, ${fifth})`, second);
        break;
    }
  }

  #copy(elements: readonly string[]): void {
    const [from = '', x = '', y = '', width = '', height = '', _mask = '', to = '', toX = '', toY = ''] = elements;
    this.#drew ||= to === DESKTOP;
    const area = { x: Number(x), y: Number(y), width: Number(width), height: Number(height) };
    this.#kept?.copy(area, Number(toX), Number(toY), from, to);
  }

  #ended(stream: string): void {
    const image = this.#images.get(stream);
    this.#images.delete(stream);
    image?.draw(Buffer.from(image.parts.join(''), 'base64'));
  }

  /** Answers with a value for each parameter that guacd has named, nothing for those that are not for us. */
  #connect(names: readonly string[]): void {
    const { host, port, username, password, width, height } = this.#target;
    const values: Readonly<Record<string, string>> = {
      ...{ hostname: host, port: String(port), username, password, security: 'tls', 'ignore-cert': 'true' },
      ...{ width: String(width), height: String(height), dpi: '96', 'color-depth': '32' },
      ...{ 'disable-audio': 'true', 'enable-font-smoothing': 'true' },
    };
    this.#send('size', String(width), String(height), '96');
    this.#send('audio');
    this.#send('video');
    this.#send('image', 'image/png', 'image/jpeg', 'image/webp');
    this.#send('timezone', 'Etc/UTC');
    this.#send('connect', ...names.map((name) => (name.startsWith('VERSION_') ? name : (values[name] ?? ''))));
  }
}

const NOTHING = new Uint8Array(0);
