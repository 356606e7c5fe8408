//! `tabellion retain`: content that has been kept for its time goes.

use std::collections::BTreeMap;

use clap::Args;
use tabellion_ledger::{Clock as _, SystemClock};

use super::erase;
use crate::config::is_class;
use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, Request, Response, Target};
use crate::terminal;
use crate::writer::{Writer, unexpected};

/// Most months that can be asked for: a hundred years.
const MAX_MONTHS: i64 = 1200;

/// Which class, and how long.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// The retention class; without it, every class of [retention] in the configuration
    #[arg(long, value_name = "CLASS", requires = "keep_months")]
    class: Option<String>,
    /// Whole months that content is kept after the month it was recorded in
    #[arg(long, value_name = "N", requires = "class", value_parser = clap::value_parser!(u32).range(0..=MAX_MONTHS))]
    keep_months: Option<u32>,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// Erases what is due.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let directory = Directory::find(&options.place)?;
    let rules = match (&options.class, options.keep_months) {
        (Some(class), Some(months)) => BTreeMap::from([(class.clone(), months)]),
        _ => directory.config().retention.clone(),
    };
    if rules.is_empty() {
        return Err(Failure::malformed(
            "no retention rule is given: use --class and --keep-months, or set [retention] in the configuration",
        ));
    }
    if let Some(class) = rules.keys().find(|class| !is_class(class)) {
        return Err(Failure::malformed(format!(
            "{class:?} is no retention class: a class is [a-z][a-z0-9-]*, at most 30 characters"
        )));
    }
    let now = SystemClock.now().month();
    let mut done = Vec::new();
    Writer::with(&directory, |writer| {
        for (class, months) in &rules {
            let Some(until) = last_due(now, *months) else { continue };
            let target = Target::Retention { class: class.clone(), until };
            let reason = format!("retention: class {class} is kept for {months} months");
            match writer.respond(&Request::Erase { target, reason })? {
                Response::Done(Answer::Erased { erasures }) => done.extend(erasures),
                Response::Done(other) => return Err(unexpected(&other)),
                Response::Refused(refusal) if refusal.code.as_deref() == Some("not_found") => {
                    terminal::say(&format!("{class}: nothing is older than {months} months"));
                }
                Response::Refused(refusal) => return Err(refusal.into()),
            }
        }
        Ok(())
    })?;
    erase::tell(&done, options.json)
}

/// The last month (yyyymm) whose content has been kept for `months` whole months at `now`; `None` before the calendar begins.
fn last_due(now: u32, months: u32) -> Option<u32> {
    let count = (now / 100) * 12 + (now % 100).checked_sub(1)?;
    let due = count.checked_sub(months.checked_add(1)?)?;
    Some(due / 12 * 100 + due % 12 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_kept_for_whole_months_after_its_own() {
        for (now, months, expected) in
            [(202_611, 0, 202_610), (202_611, 6, 202_604), (202_601, 0, 202_512), (202_603, 24, 202_402)]
        {
            assert_eq!(
                last_due(now, months),
                Some(expected),
                "content would go too early or stay too long ({now}, {months})"
            );
        }
        assert_eq!(last_due(2, 1200), None, "a rule older than the calendar keeps everything");
    }
}
