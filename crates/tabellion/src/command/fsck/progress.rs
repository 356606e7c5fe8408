//! How far a check of a directory is: one line that is redrawn on a terminal, a line a second elsewhere; and Ctrl-C.
//!
//! Promises: the first Ctrl-C ends the check in words, a second one at once; both with the exit status of what is not known. Must never: draw on what
//! is no terminal.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use tabellion_ledger::{FsckProgress, FsckUnit};

use crate::failure::{Exit, Failure};
use crate::terminal;

/// How often a line is drawn again on a terminal.
const REDRAWN_EVERY: Duration = Duration::from_millis(200);
/// How often a line is written elsewhere.
const WRITTEN_EVERY: Duration = Duration::from_secs(1);
/// Columns that a redrawn line clears.
const LINE_WIDTH: usize = 100;

/// How it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Nothing,
    Redrawn,
    Lines,
    Json,
}

/// Tells how far a check is.
pub(super) struct Watcher {
    form: Form,
    ended: Arc<AtomicBool>,
    last: Mutex<Last>,
}

struct Last {
    told: Option<Instant>,
    step: u8,
    began: Instant,
}

impl Watcher {
    /// `wanted`: also where nobody looks at a terminal. `as_json`: in a form for programs.
    pub(super) fn new(wanted: bool, as_json: bool) -> Result<Self, Failure> {
        let terminal = io::stderr().is_terminal();
        let form = match (wanted, as_json, terminal) {
            (true, true, _) => Form::Json,
            (_, false, true) => Form::Redrawn,
            (true, false, false) => Form::Lines,
            (false, ..) => Form::Nothing,
        };
        let ended = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag down and raises it, the next one ends the process.
            signal_hook::flag::register_conditional_shutdown(
                signal,
                Exit::Undetermined as i32,
                Arc::clone(&ended),
            )
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&ended)))
            .map_err(|error| Failure::failed(format!("cannot listen for signals: {error}; start again")))?;
        }
        let last = Mutex::new(Last { told: None, step: 0, began: Instant::now() });
        Ok(Self { form, ended, last })
    }

    /// Takes how far it is; `false` once somebody wants an end.
    pub(super) fn at(&self, progress: &FsckProgress) -> bool {
        if self.form != Form::Nothing {
            // Whoever cannot have the line at once leaves it to the other thread.
            if let Ok(mut last) = self.last.try_lock() {
                self.tell(&mut last, progress);
            }
        }
        !self.ended.load(Ordering::Relaxed)
    }

    fn tell(&self, last: &mut Last, progress: &FsckProgress) {
        let now = Instant::now();
        if last.step != progress.number {
            (last.step, last.began, last.told) = (progress.number, now, None);
        }
        let every = if self.form == Form::Redrawn { REDRAWN_EVERY } else { WRITTEN_EVERY };
        let is_end = progress.done == progress.total;
        if !is_end && last.told.is_some_and(|told| now.duration_since(told) < every) {
            return;
        }
        last.told = Some(now);
        let elapsed = now.duration_since(last.began);
        match self.form {
            Form::Nothing => {}
            Form::Redrawn => terminal::redraw(&format!("{:<LINE_WIDTH$}", line(progress, elapsed))),
            Form::Lines => terminal::say(&line(progress, elapsed)),
            Form::Json => terminal::say(&json!({ "progress": value(progress) }).to_string()),
        }
    }

    /// Clears what was drawn.
    pub(super) fn end(&self) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if self.form == Form::Redrawn && last.told.is_some() {
            terminal::redraw(&" ".repeat(LINE_WIDTH));
            terminal::redraw("");
        }
    }
}

/// As JSON.
pub(super) fn value(progress: &FsckProgress) -> serde_json::Value {
    json!({
        "done": progress.done, "number": progress.number, "step": progress.step, "steps": progress.steps, "total": progress.total,
        "unit": match progress.unit { FsckUnit::Bytes => "bytes", FsckUnit::Entries => "entries" },
    })
}

/// `2/3 entries and signatures: 512 of 2048 MiB (25 %), 85 MiB/s, 18 s left`.
fn line(progress: &FsckProgress, elapsed: Duration) -> String {
    let FsckProgress { step, number, steps, .. } = progress;
    format!("{number}/{steps} {step}: {}", amount(progress, elapsed))
}

/// How much of how much, how fast, how long still.
fn amount(progress: &FsckProgress, elapsed: Duration) -> String {
    let (scale, name) = match progress.unit {
        FsckUnit::Bytes => (1 << 20, "MiB"),
        FsckUnit::Entries => (1, "entries"),
    };
    let percent = (progress.done.min(progress.total) * 100).checked_div(progress.total).unwrap_or(100);
    let mut text = format!("{} of {} {name} ({percent} %)", progress.done / scale, progress.total / scale);
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    if let Some(rate) = (progress.done.saturating_mul(1000)).checked_div(millis).filter(|rate| *rate > 0) {
        let left = progress.total.saturating_sub(progress.done) / rate;
        // Writing to a string does not fail.
        let _ = write!(text, ", {} {name}/s, {left} s left", rate / scale);
    }
    text
}

/// What is said of a check that was ended.
pub(super) fn stopped(progress: &FsckProgress) -> String {
    let FsckProgress { step, number, steps, .. } = progress;
    let amount = amount(progress, Duration::ZERO);
    format!(
        "stopped in step {number} of {steps} ({step}) after {amount}; nothing was changed, and what comes after was NOT checked"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_of_how_much_how_fast_and_how_long_still() {
        let progress = FsckProgress {
            step: "entries and signatures",
            number: 2,
            steps: 3,
            done: 512 << 20,
            total: 2048 << 20,
            unit: FsckUnit::Bytes,
        };
        assert_eq!(
            line(&progress, Duration::from_secs(8)),
            "2/3 entries and signatures: 512 of 2048 MiB (25 %), 64 MiB/s, 24 s left"
        );
        assert!(
            line(&progress, Duration::ZERO).ends_with("(25 %)"),
            "a rate was made up before there was any"
        );
        let empty = FsckProgress { done: 0, total: 0, unit: FsckUnit::Entries, ..progress };
        assert!(line(&empty, Duration::from_secs(1)).contains("0 of 0 entries (100 %)"));
        let text = stopped(&progress);
        assert!(text.contains("nothing was changed") && text.contains("NOT checked"), "{text}");
    }
}
