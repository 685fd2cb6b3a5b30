/**
 * What Node is told when a gateway or a worker of it is started, by `npm start` and the container as well: nothing of it can be made up for later.
 *
 * V8's *memory reducer* goes through the heap once more some eight seconds after V8 did, when little is allocated meanwhile, and moves what is left
 * together. A gateway allocates little however much it has to do, so that this comes each time, and stops all sessions for 25 to 60 ms
 * ([0050](../docs/adr/0050-what-makes-a-key-wait.md)). A small young generation saves the memory that it would have.
 * All other marks come of buffers outside of the heap: each 12 MB of them, or 50 where the heap may grow to twice of what is in it.
 *
 * Code is compiled after a few hundred calls in place of thousands: what runs thirty times a second for each session would be interpreted, or run as
 * V8's first compiler leaves it, for two minutes of a session ([0061](../docs/adr/0061-what-thirty-frames-a-second-run-through.md)).
 */
export const NODE_FLAGS = [
  '--no-memory-reducer',
  '--max-semi-space-size=4',
  '--heap-growing-percent=100',
  '--invocation-count-for-maglev=50',
  '--invocation-count-for-turbofan=200',
  '--minimum-invocations-after-ic-update=50',
] as const;

/**
 * The same for the pixel host, whose updates wait up to a second for their picture and outlive young collections: with four times of what is in it
 * its heap is marked a fourth as often, for 20 MB more ([0062](../docs/adr/0062-what-fifty-recorded-sessions-wait-for.md)).
 */
export const PIXEL_HOST_FLAGS = [
  '--no-memory-reducer',
  '--max-semi-space-size=4',
  '--heap-growing-percent=300',
] as const;
