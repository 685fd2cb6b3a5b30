import type { PublicKey } from './signing-key.ts';

/**
 * How to check a bundle with openssl and sha256sum alone. A test runs every command line of it.
 * @param videoBytes what of `video.mp4` comes before the evidence
 */
export function checkingInstructions(videoBytes: number, key: PublicKey | undefined): string {
  return `HOW TO CHECK THIS RECORDING WITHOUT ORIEL

You need a Unix shell with openssl (3.0 or later), sha256sum, head, tail and grep.
Run the commands in the folder that this bundle was unpacked into.

1. Is this the right key?

   Compare public-key.pem with the key that you were given in another way than with this bundle: the gateway shows it
   under Settings and at /api/evidence/public-key. Its name is the SHA-256 of its DER form:

   $ openssl pkey -pubin -in public-key.pem -outform DER | sha256sum

   ${key === undefined ? 'The manifest names it as key.id.' : `It should print ${key.id}\n   and the manifest names the same as key.id.`}

2. Is the manifest as it was signed?

   $ openssl pkeyutl -verify -pubin -inkey public-key.pem -rawin -in manifest.json -sigfile manifest.sig

   It should print "Signature Verified Successfully". From here on, trust what manifest.json says.

3. Is the video as it was signed?

   The signed part of video.mp4 is its first ${videoBytes} bytes (video.bytes in the manifest). What follows is the evidence
   itself, the same as in the other files here. This looks for its hash where the manifest has it, and should print that:

   $ grep -o "\\"video\\":{[^[]*\\"sha256\\":\\"$(head -c ${videoBytes} video.mp4 | sha256sum | cut -d ' ' -f 1)\\"" manifest.json

   If it prints nothing, the video was altered. Each entry of video.ranges holds the hash of a part of it, so that the
   place can be found: tail -c +START+1 video.mp4 | head -c LENGTH | sha256sum

4. Are the events as they were signed?

   $ grep -o "\\"events\\":{[^}]*\\"sha256\\":\\"$(sha256sum events.jsonl | cut -d ' ' -f 1)\\"" manifest.json

   If it prints nothing, the events were altered. Each line's "prev" is the SHA-256 of the line before it, with its line
   feed. The last line's own hash is events.head in the manifest:

   $ grep -o "\\"events\\":{[^}]*\\"head\\":\\"$(tail -n 1 events.jsonl | sha256sum | cut -d ' ' -f 1)\\"" manifest.json

5. Do events and video belong together?

   For each segment the event log has a line of type "segment", written when the segment was closed, with the SHA-256 of
   its frames. The manifest's "segments" has the same values, and says which bytes of video.mp4 they are. One that is marked
   "encodedAgain" has another value there: it was encoded once more when the desktop had become larger.

events.csv, verification.txt and verification.json are for reading. Nobody signed them: rely on events.jsonl and on these steps.

With Oriel at hand, one command does all of it:  npm run verify -- video.mp4 --public-key public-key.pem
`;
}
