// The one error a reader throws when a part cannot be read by itself (docs/formats.md §12, exit 2).
// Promise: readers throw Malformed and nothing else for bad input; any other error is a fault of this program.

/** A part of the input is not of the form of docs/formats.md. `what` is written for a person. */
export class Malformed extends Error {
  constructor(what) {
    super(what);
    this.name = 'Malformed';
  }
}

/** Runs a reader and names the place in its error, so that a person knows where to look. */
export function within(place, read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) throw new Malformed(`${place}: ${error.message}`);
    throw error;
  }
}
