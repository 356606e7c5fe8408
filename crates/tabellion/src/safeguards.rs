//! What a start changes of guards, rules of masking and other safeguards, put on record before anything is let through.
//!
//! Promises: a start that changes them and says nothing of why says on standard error that it is on record so. Must never: open a file that settings name.

use std::fs;

use serde_json::Value;
use tabellion_app::work::configuration::{Changed, Started};
use tabellion_ledger::Draft;

use crate::failure::Failure;
use crate::held::Held;
use crate::terminal;

/// Longest reason, in characters: a paragraph, as over the API.
const MAX_REASON_CHARS: usize = 2000;
/// Where accounts have their names.
const ACCOUNTS: &str = "/etc/passwd";
/// Largest file of accounts that is read.
const MAX_ACCOUNTS_BYTES: u64 = 1 << 20;

/// Records that this start takes its settings, `loaded`, and what they change, together; `reason` is what whoever starts it says of why.
pub(crate) fn take(held: &Held, loaded: &Draft, reason: Option<&str>) -> Result<(), Failure> {
    let settings = loaded.body.get("settings").and_then(Value::as_str).unwrap_or_default().to_owned();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let started = Started { settings, account: account(), version, reason: reason.map(str::to_owned) };
    let changed = held.desk()?.take_settings(loaded, &started).map_err(|refusal| {
        Failure::failed(format!(
            "the settings of this start, and what they change of guards, rules of masking and other safeguards, cannot be recorded: {refusal}; start again"
        ))
    })?;
    match (changed, reason) {
        (Changed::Differs, None) => terminal::say(
            "guards, rules of masking or other safeguards differ from those of the start before, which is on record; say why with tabellion configuration explain, in the console, or next time with --reason",
        ),
        (Changed::Nothing, Some(_)) => terminal::say(
            "--reason is not on record: guards, rules of masking and other safeguards are those of the start before",
        ),
        _ => {}
    }
    Ok(())
}

/// A reason as it is recorded.
pub(crate) fn checked(reason: &str) -> Result<String, Failure> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON_CHARS {
        return Err(Failure::malformed(format!("--reason takes 1 to {MAX_REASON_CHARS} characters")));
    }
    Ok(reason.to_owned())
}

/// The account that this process runs under, for records of what is done at the machine: its name where the system's own file has one, else its number.
pub(crate) fn account() -> String {
    let id = rustix::process::getuid().as_raw();
    let small = fs::metadata(ACCOUNTS).is_ok_and(|facts| facts.len() <= MAX_ACCOUNTS_BYTES);
    let accounts = if small { fs::read_to_string(ACCOUNTS).unwrap_or_default() } else { String::new() };
    name_of(&accounts, id).unwrap_or_else(|| format!("uid {id}"))
}

/// The name of the account with this number.
fn name_of(accounts: &str, id: u32) -> Option<String> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(id) && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn an_account_has_the_name_that_the_system_gives_it() {
        let accounts =
            "root:x:0:0:root:/root:/bin/sh\nnotary:x:998:998::/var/lib/notary:/sbin/nologin\nbroken\n";
        assert_eq!(name_of(accounts, 998).as_deref(), Some("notary"));
        assert_eq!(name_of(accounts, 1), None, "somebody else would have run it");
    }
}
