// Keeps the page alive while megabytes are checked: long loops ask for a breath, which is given about sixty times a second.

const SLICE_MS = 12; // under one frame at 60 Hz, with room for the browser to draw

const nextTask = () => new Promise((resolve) => {
  // A message is delivered as a task of its own, without the 4 ms floor of nested timers.
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    channel.port1.close();
    resolve();
  };
  channel.port2.postMessage(null);
});

/** Reports progress as (stage, done, total) and yields to the browser when a slice is used up. */
export class Pace {
  #report;
  #signal;
  #sliceStart = performance.now();
  stage = '';

  /** @param {AbortSignal} [signal] ends the work at its next breath */
  constructor(report = () => {}, signal = null) {
    this.#report = report;
    this.#signal = signal;
  }

  begin(stage) {
    this.stage = stage;
    this.#report(stage, 0, 0);
  }

  /** Yields if the slice is used up. `done` of `total` are for the progress bar. */
  async breathe(done = 0, total = 0) {
    if (performance.now() - this.#sliceStart < SLICE_MS) return;
    if (total > 0) this.#report(this.stage, done, total);
    await this.rest();
  }

  /** Yields in any case. */
  async rest() {
    await nextTask();
    this.#signal?.throwIfAborted();
    this.#sliceStart = performance.now();
  }
}
