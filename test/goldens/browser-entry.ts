import { decodeGolden } from './decode.ts';

/** What the test calls on its page; both ways as base64, which is all that a page is handed quickly. */
Object.assign(globalThis, {
  decodeGolden(records: string): { width: number; height: number; skipped: number; pixels: string } {
    const { width, height, skipped, pixels } = decodeGolden(Uint8Array.from(atob(records), (c) => c.charCodeAt(0)));
    let text = '';
    for (let at = 0; at < pixels.length; at += 8192) text += String.fromCharCode(...pixels.subarray(at, at + 8192));
    return { width, height, skipped, pixels: btoa(text) };
  },
});
