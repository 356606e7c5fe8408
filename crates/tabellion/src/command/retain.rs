//! `tabellion retain`: content that has been kept for its time goes.
//!
//! Must never: take a rule below the floor of its class, touch what a configured rule for one system is about, or erase when it was asked for a list.

use clap::Args;
use serde_json::{Value, json};
use tabellion_ledger::RetentionRule;
use tabellion_model::catalogue::{CountedFrom, Floor, RetentionFloor, retention_floors};

use crate::config::{MAX_KEEP_MONTHS, RetentionSettings, is_class};
use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, Expiring, KeepRule, Request};
use crate::terminal;
use crate::writer::{Writer, unexpected};

/// Which class, and how long.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// The retention class; without it, every rule of [retention] in the configuration
    #[arg(long, value_name = "CLASS", requires = "keep_months")]
    class: Option<String>,
    /// Whole months that content is kept after the month it was recorded in
    #[arg(long, value_name = "N", requires = "class", value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_KEEP_MONTHS)))]
    keep_months: Option<u32>,
    /// Put on record that this machine's clock is right, and how you know, so that what waited for that may go; nothing is erased by it
    #[arg(long, value_name = "REASON", conflicts_with_all = ["class", "due", "classes"])]
    clock_is_right: Option<String>,
    /// Only say what is due; nothing is erased
    #[arg(long)]
    due: bool,
    /// List the classes that laws and standards ask for, with their floors
    #[arg(long, conflicts_with_all = ["class", "due"])]
    classes: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// Erases what is due, or says what that is.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    if options.classes {
        return list_classes(options.json);
    }
    let directory = Directory::find(&options.place)?;
    if let Some(reason) = &options.clock_is_right {
        return confirm_clock(&directory, reason, options.json);
    }
    let retention = &directory.config().retention;
    let (rules, beside) = match (&options.class, options.keep_months) {
        (Some(class), Some(months)) => {
            let (rule, beside) = one_rule(retention, class, months)?;
            (vec![rule], beside)
        }
        _ => (retention.rules()?, Vec::new()),
    };
    if rules.is_empty() {
        return Err(Failure::malformed(
            "no retention rule is given: use --class and --keep-months, or set [retention] in the configuration",
        ));
    }
    let sent = |rules: &[RetentionRule]| rules.iter().map(sent).collect();
    let request = Request::Expire { rules: sent(&rules), beside: sent(&beside), only_list: options.due };
    let found = Writer::with(&directory, |writer| match writer.ask(&request)? {
        Answer::Expiring { rules } => Ok(rules),
        other => Err(unexpected(&other)),
    })?;
    for rule in &rules {
        if !found.iter().any(|found| found.rule.class == rule.class) {
            terminal::say(&format!("{}: nothing is older than {} months", rule.class, rule.months));
        }
    }
    if options.json {
        let erasures: Vec<_> = found.iter().filter_map(|found| found.erased.as_ref()).collect();
        return terminal::json(&json!({ "erasures": erasures, "rules": found }));
    }
    found.iter().try_for_each(|found| terminal::data(&line(found)))
}

fn confirm_clock(directory: &Directory, reason: &str, as_json: bool) -> Result<(), Failure> {
    let request =
        Request::ConfirmClock { reason: reason.to_owned(), account: Some(crate::safeguards::account()) };
    let record = Writer::with(directory, |writer| writer.append(&request))?;
    let index = record.first().map(|record| record.index);
    if as_json {
        return terminal::json(&json!({ "entry": index }));
    }
    let index = index.map_or_else(String::new, |index| format!(", entry {index}"));
    terminal::data(&format!(
        "the clock is right, on record{index}. What is due goes when it is looked at next\n"
    ))
}

fn sent(rule: &RetentionRule) -> KeepRule {
    KeepRule {
        class: rule.class.clone(),
        system: rule.system.map(|system| system.to_hex()),
        months: rule.months,
        counted_from: rule.counted_from,
    }
}

/// The rule that was asked for, and those for single systems, whose content it leaves to them.
fn one_rule(
    configured: &RetentionSettings,
    class: &str,
    months: u32,
) -> Result<(RetentionRule, Vec<RetentionRule>), Failure> {
    if !is_class(class) {
        return Err(Failure::malformed(format!(
            "{class:?} is no retention class: a class is [a-z][a-z0-9-]*, at most 30 characters"
        )));
    }
    configured.for_class(class, months)
}

fn line(found: &Expiring) -> String {
    let whose = found.rule.system.as_deref().map(|system| format!(" of system {system}")).unwrap_or_default();
    let held = match found.held {
        0 => String::new(),
        held => format!("; {held} keys stay under legal holds {}", found.holds.join(", ")),
    };
    let what = match &found.erased {
        None => format!("{} keys of content are due, recorded up to {}", found.keys, found.until),
        Some(erased) => format!(
            "erased {} units under {} keys, recorded up to {}, {} orders",
            erased.units,
            erased.keys,
            found.until,
            erased.orders.len()
        ),
    };
    format!("{}{whose}: {what}{held}\n", found.rule.class)
}

fn list_classes(as_json: bool) -> Result<(), Failure> {
    if as_json {
        let rows: Vec<Value> = retention_floors().iter().map(row).collect();
        return terminal::json(&json!({ "classes": rows }));
    }
    for known in retention_floors() {
        let months = match known.floor {
            Floor::Never => "never expires".to_owned(),
            Floor::Months(months) => format!("{months} months"),
        };
        let since = match known.counted_from {
            CountedFrom::Recorded => "",
            CountedFrom::Market => " from the month that counted_from names",
        };
        terminal::data(&format!("{}: {months}{since}. {} {}\n", known.class, known.covers, known.source))?;
    }
    Ok(())
}

fn row(known: &RetentionFloor) -> Value {
    let months = match known.floor {
        Floor::Never => Value::Null,
        Floor::Months(months) => months.into(),
    };
    let since = match known.counted_from {
        CountedFrom::Recorded => "recorded",
        CountedFrom::Market => "market",
    };
    json!({ "class": known.class, "counted_from": since, "covers": known.covers, "floor_months": months, "source": known.source })
}
