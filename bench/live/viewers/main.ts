import { answerCalls } from '../calls.ts';
import { GuacdViewer } from './guacd-viewer.ts';
import { RelayViewer } from './relay-viewer.ts';
import { TunnelViewer } from './tunnel-viewer.ts';
import type { Picture, SeenKey, Viewer, ViewerCounts, ViewerOptions } from './viewer.ts';

/** What one viewer has seen by now. */
export interface ViewerReport extends ViewerCounts {
  readonly ready: boolean;
  readonly ended: string | undefined;
  readonly keys: readonly SeenKey[];
}

/** The process of the simulated browsers. */
const viewers = new Map<number, Viewer>();
let next = 1;

answerCalls({
  open: (options: ViewerOptions): number => {
    const id = next++;
    viewers.set(id, createViewer(options));
    return id;
  },
  reports: (ids: readonly number[]): ViewerReport[] =>
    ids.map((id) => {
      const { counts, ready, ended, keys } = viewerOf(id);
      return { ...counts, ready, ended, keys: [...keys] };
    }),
  rest: (id: number) => viewerOf(id).rest(),
  picture: (id: number): Promise<Picture | undefined> => viewerOf(id).picture(),
  close: (ids: readonly number[]) => {
    for (const id of ids) {
      viewers.get(id)?.close();
      viewers.delete(id);
    }
  },
});

function createViewer(options: ViewerOptions): Viewer {
  switch (options.kind) {
    case 'tunnel': {
      const { typist } = options;
      return typist === undefined
        ? new TunnelViewer(options)
        : new TunnelViewer(options, () => viewerOf(typist).press());
    }
    case 'relay':
      return new RelayViewer(options);
    case 'guacd':
      return new GuacdViewer(options);
  }
}

function viewerOf(id: number): Viewer {
  const viewer = viewers.get(id);
  if (viewer === undefined) throw new RangeError(`no viewer ${id}`);
  return viewer;
}
