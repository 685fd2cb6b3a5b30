import { TUNNEL_SUBPROTOCOL } from '#protocol/tunnel/messages.ts';
import { CanvasSurface, decodeRegion } from './canvas-surface.ts';
import { DesktopLink } from './desktop-link.ts';
import type { WorkerCommand, WorkerEvent } from './worker-messages.ts';

/**
 * The worker of one remote desktop: owns the WebSocket and the OffscreenCanvas, so that neither decoding nor drawing
 * ever holds up the page.
 */
let link: DesktopLink | undefined;
let socket: WebSocket | undefined;

self.addEventListener('message', (event: MessageEvent<WorkerCommand>) => {
  const command = event.data;
  switch (command.type) {
    case 'open':
      open(command);
      return;
    case 'pictures':
      link?.pictures(command.choice);
      return;
    case 'input':
      link?.input(command.events);
      return;
    case 'resize':
      link?.resize(command.size);
      return;
    case 'visibility':
      link?.visibility(command.visible);
      return;
    case 'clipboard-offer':
      link?.offerText(command.text);
      return;
    case 'file-offer':
      link?.offerFiles(command.offer);
      return;
    case 'file-read':
      link?.fileRead(command.request, command.data === undefined ? undefined : new Uint8Array(command.data));
      return;
    case 'file-cancel':
      link?.cancelFile(command.id);
      return;
    case 'end-session':
      link?.endSession();
      return;
    case 'close':
      socket?.close();
      self.close();
      return;
  }
});

function open({ url, ticket, canvas, pictures }: Extract<WorkerCommand, { type: 'open' }>): void {
  const webSocket = new WebSocket(url, TUNNEL_SUBPROTOCOL);
  webSocket.binaryType = 'arraybuffer';
  const desktop = new DesktopLink({
    ticket,
    pictures,
    socket: webSocket,
    surface: new CanvasSurface(canvas),
    decodeRegion,
    now: () => performance.now(),
    nextFrame,
    soon: (run) => void setTimeout(run),
    emit,
  });
  webSocket.addEventListener('open', () => desktop.opened());
  webSocket.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (event.data instanceof ArrayBuffer) desktop.received(new Uint8Array(event.data));
    else desktop.failed(new Error('the gateway sent text'));
  });
  webSocket.addEventListener('close', () => desktop.closed());
  setInterval(() => desktop.tick(), 1000);
  link = desktop;
  socket = webSocket;
}

function emit(event: WorkerEvent): void {
  self.postMessage(event);
}

/** Frames stop in a background tab, but what is drawn must still be told to the gateway: there a timer stands in. */
function nextFrame(run: () => void): void {
  const once = (): void => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    run();
  };
  const timer = setTimeout(once, 100);
  const frame = requestAnimationFrame(once);
}
