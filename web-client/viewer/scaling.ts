export interface Size {
  readonly width: number;
  readonly height: number;
}

/** `fit` scales the desktop down or up to fill the window; `actual` shows it pixel by pixel and scrolls. */
export type Scaling = 'fit' | 'actual';

/** Where the desktop lies in its element, in CSS pixels. */
export interface DesktopLayout extends Size {
  readonly left: number;
  readonly top: number;
  /** CSS pixels for one desktop pixel. */
  readonly scale: number;
  /** Each desktop pixel covers a whole number of device pixels, so it needs no smoothing. */
  readonly crisp: boolean;
}

/**
 * Lays a desktop out in its element. Actual size is a whole number of device pixels for each desktop pixel (one, on
 * screens below a ratio of 2), so it is crisp at every `devicePixelRatio`; positions fall on device pixels too.
 */
export function layoutDesktop(desktop: Size, element: Size, scaling: Scaling, devicePixelRatio: number): DesktopLayout {
  const actual = deviceScale(devicePixelRatio);
  const fitting = Math.min(
    (element.width * devicePixelRatio) / desktop.width,
    (element.height * devicePixelRatio) / desktop.height,
  );
  // Within half a percent of actual size, a thin border is better than a blur.
  const near = fitting >= actual && fitting < actual * 1.005;
  const deviceUnits = scaling === 'actual' || near ? actual : Math.max(fitting, minScale);
  const scale = deviceUnits / devicePixelRatio;
  const width = desktop.width * scale;
  const height = desktop.height * scale;
  const snap = (value: number): number => Math.floor(value * devicePixelRatio) / devicePixelRatio;
  return {
    left: snap(Math.max(0, (element.width - width) / 2)),
    top: snap(Math.max(0, (element.height - height) / 2)),
    width,
    height,
    scale,
    crisp: Number.isInteger(deviceUnits),
  };
}

/** The desktop size to ask for, so that it fills an element of this size (CSS pixels) at actual size. */
export function desktopSizeFor(element: Size, devicePixelRatio: number): Size {
  const ratio = devicePixelRatio / deviceScale(devicePixelRatio);
  return {
    // Four and two: some servers pad rows to four pixels, and video of the desktop needs even sides.
    width: clamp(Math.floor((element.width * ratio) / 4) * 4, minDesktop.width),
    height: clamp(Math.floor((element.height * ratio) / 2) * 2, minDesktop.height),
  };
}

const minScale = 0.01;
const minDesktop: Size = { width: 640, height: 480 };
const maxDesktop = 8192;

function deviceScale(devicePixelRatio: number): number {
  return Math.max(1, Math.floor(devicePixelRatio));
}

function clamp(value: number, least: number): number {
  return Math.max(least, Math.min(maxDesktop, value));
}
