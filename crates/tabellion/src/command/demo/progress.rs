//! How far the demo is: one line that is redrawn on a terminal, a line for every ten steps elsewhere.

use std::io::{self, IsTerminal as _};

use crate::terminal;

/// Characters of the bar.
const BAR_WIDTH: usize = 30;
/// Columns that a redrawn line clears.
const LINE_WIDTH: usize = 78;
/// Steps for a line where nothing can be redrawn.
const STEPS_PER_LINE: usize = 10;

/// Steps of one chapter.
pub(super) struct Progress {
    total: usize,
    done: usize,
    redraws: bool,
}

impl Progress {
    /// A chapter of `total` steps, shown on standard error.
    pub(super) fn new(total: usize) -> Self {
        Self { total, done: 0, redraws: io::stderr().is_terminal() }
    }

    /// One step is done, and `what` is its name.
    pub(super) fn step(&mut self, what: &str) {
        self.done += 1;
        if self.redraws {
            terminal::redraw(&format!("{:<LINE_WIDTH$}", bar(self.done, self.total, what)));
        } else if self.done.is_multiple_of(STEPS_PER_LINE) || self.done == self.total {
            terminal::say(&format!("   {} of {}", self.done, self.total));
        }
    }
}

impl Drop for Progress {
    /// The line makes room for what comes after it.
    fn drop(&mut self) {
        if self.redraws {
            terminal::redraw(&" ".repeat(LINE_WIDTH));
            terminal::redraw("");
        }
    }
}

fn bar(done: usize, total: usize, what: &str) -> String {
    let full = (done * BAR_WIDTH).checked_div(total).unwrap_or(BAR_WIDTH).min(BAR_WIDTH);
    format!("   [{}{}] {done} of {total}  {what}", "#".repeat(full), ".".repeat(BAR_WIDTH - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_empty_at_the_beginning_and_full_at_the_end() {
        assert_eq!(bar(0, 45, "x"), format!("   [{}] 0 of 45  x", ".".repeat(30)));
        assert_eq!(bar(45, 45, "x"), format!("   [{}] 45 of 45  x", "#".repeat(30)));
        assert_eq!(bar(0, 0, "x"), format!("   [{}] 0 of 0  x", "#".repeat(30)), "nothing to do is done");
    }
}
