import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type {
  ClipboardState,
  EndReason,
  Notice,
  RemoteDesktopState,
  Scaling,
  Size,
  ViewerMode,
} from '../../viewer/remote-desktop.ts';
import { RemoteDesktop } from '../../viewer/remote-desktop.ts';
import type { SessionEnd } from '../api/types.ts';
import { whyTunnelBrokeOff } from './lost-tunnel.ts';
import { stepOfPhase } from './phases.ts';
import { chosenPictures } from './picture-setting.ts';

/** A remote desktop in a page, and what the page around it shows of it. */
export interface DesktopView {
  /** Give it to the element that the desktop fills. */
  readonly place: RefObject<HTMLDivElement | null>;
  readonly desktop: RemoteDesktop | undefined;
  readonly state: RemoteDesktopState;
  /** Whether the desktop was there before it ended. */
  readonly wasActive: boolean;
  /** The gateway has lost the computer and is bringing the connection back. */
  readonly reconnecting: boolean;
  /** Index into `connectionSteps`. */
  readonly step: number;
  readonly end: EndReason | undefined;
  readonly notice: Notice | undefined;
  /** Why nothing that is typed or clicked gets through, while that is so. */
  readonly frozen: Notice | undefined;
  /** How often the gateway has asked for something that only the user knows. */
  readonly asked: number;
  /** Texts of administrators that nobody dismissed yet. */
  readonly messages: readonly Notice[];
  dismiss(message: Notice): void;
  readonly latency: number | undefined;
  /** How the pictures come at present. */
  readonly mode: ViewerMode | undefined;
  readonly clipboard: ClipboardState | undefined;
  readonly scaling: Scaling;
  setScaling(scaling: Scaling): void;
  /** Starts over with a new ticket. */
  again(): void;
}

interface Options {
  readonly label: string;
  /** Asks the gateway for a ticket, for a desktop of this size. Its rejection is shown. */
  ticket(size: Size): Promise<string>;
  /** Asks the gateway how the session ended, where its tunnel broke off; nothing while it goes on. */
  lookUpEnd(): Promise<SessionEnd | null>;
  /** Ctrl+Alt+Home was pressed: focus something of the page. */
  leave(): void;
}

export function useDesktop(options: Options): DesktopView {
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef(options);
  latest.current = options;
  const [attempt, setAttempt] = useState(0);
  const [desktop, setDesktop] = useState<RemoteDesktop>();
  const [state, setState] = useState<RemoteDesktopState>('connecting');
  const [wasActive, setWasActive] = useState(false);
  const [step, setStep] = useState(0);
  const [end, setEnd] = useState<EndReason>();
  const [notice, setNotice] = useState<Notice>();
  const [frozen, setFrozen] = useState<Notice>();
  const [messages, setMessages] = useState<readonly Notice[]>([]);
  const [asked, setAsked] = useState(0);
  const [latency, setLatency] = useState<number>();
  const [mode, setMode] = useState<ViewerMode>();
  const [clipboard, setClipboard] = useState<ClipboardState>();
  const [scaling, setScaling] = useState<Scaling>('fit');
  const [reconnecting, setReconnecting] = useState(false);

  useEffect(() => {
    const parent = place.current;
    if (parent === null) return undefined;
    const opened = new RemoteDesktop({ parent, label: latest.current.label, pictures: chosenPictures() });
    setDesktop(opened);
    setState('connecting');
    setWasActive(false);
    setReconnecting(false);
    setStep(0);
    setEnd(undefined);
    setNotice(undefined);
    setFrozen(undefined);
    setAsked(0);
    setMessages([]);
    setLatency(undefined);
    setMode(undefined);
    setClipboard(undefined);
    opened.on('state', (next) => {
      setState(next);
      if (next !== 'active') return;
      setWasActive(true);
      // What the server was waiting for is there.
      setNotice((current) => (current?.code.startsWith('status_') ? undefined : current));
    });
    opened.on('phase', (phase) => {
      setReconnecting(phase === 'reconnecting');
      const next = stepOfPhase(phase);
      // Never back: a phase may come twice when the server starts over after a redirection or a reactivation.
      if (next !== undefined) setStep((current) => Math.max(current, next));
    });
    opened.on('end', (reason) => {
      setEnd(reason);
      void whyTunnelBrokeOff(reason, () => latest.current.lookUpEnd()).then((known) => {
        if (known !== undefined) setEnd((shown) => (shown === reason ? known : shown));
      });
    });
    opened.on('notice', (next) => {
      if (next.code === 'frozen') setFrozen(next);
      else if (next.code === 'unfrozen') setFrozen(undefined);
      else if (next.code === 'credential_needed') setAsked((count) => count + 1);
      else if (next.code === 'message') setMessages((shown) => [...shown, next].slice(-MAX_MESSAGES));
      else {
        setNotice(next);
        if (!passing.has(next.code)) return;
        setTimeout(() => setNotice((shown) => (shown === next ? undefined : shown)), PASSING_MS);
      }
    });
    opened.on('latency', setLatency);
    opened.on('mode', setMode);
    opened.on('clipboard', setClipboard);
    opened.on('leave', () => latest.current.leave());
    void opened.connect(latest.current.ticket(opened.idealSize));
    return () => opened.dispose();
  }, [attempt]);

  useEffect(() => {
    if (desktop !== undefined) desktop.scaling = scaling;
  }, [desktop, scaling]);

  const again = (): void => setAttempt((count) => count + 1);
  const dismiss = (message: Notice): void => setMessages((shown) => shown.filter((other) => other !== message));
  const told = { end, notice, frozen, asked, messages, dismiss };
  return {
    place,
    desktop,
    state,
    wasActive,
    reconnecting,
    step,
    ...told,
    latency,
    mode,
    clipboard,
    scaling,
    setScaling,
    again,
  };
}

/** What is said once and is no state of the session. */
const passing: ReadonlySet<string> = new Set(['clipboard_refused', 'files_offered', 'input_waits']);
/** Time enough to read two lines. */
const PASSING_MS = 8000;

/** More than these at once nobody reads: the oldest give way. */
const MAX_MESSAGES = 5;

/** Asks before the page goes away (Ctrl+W is a habit in terminals), as long as `active`. */
export function useLeaveWarning(active: boolean): void {
  useEffect(() => {
    if (!active) return undefined;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [active]);
}
