// What the viewer's types name of the DOM, whose own types would hide what Node lacks. Tests here bring both as objects of their own.
interface ImageBitmap {
  readonly width: number;
  readonly height: number;
  close(): void;
}
interface OffscreenCanvas {
  width: number;
  height: number;
}
