//! `tabellion doctor`: what stands in the way of a good start, all at once, each with what to do.
//!
//! Must never: change anything, or open the log for writing.

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};
use tabellion_gateway::Gateway;
use tabellion_ledger::anchor::Outbox;
use tabellion_ledger::keyring;
use tabellion_ledger::{ComparedReader, OpenError, Reader, loss_said};
use tabellion_model::Purpose;
use tabellion_tlog::Policy;
use tabellion_views::Views;

use crate::anchoring;
use crate::config::{self, Config};
use crate::directory::{self, Directory, Place, TRUST_FILE, check_private, check_unchanged_by_others};
use crate::failure::{Exit, Failure};
use crate::request::{Answer, Request, Response};
use crate::socket::Client;
use crate::terminal;
use crate::trust;
use crate::writer::{take_lock, unexpected};

/// Less free space than this is worth a word: a few segments.
const LOW_SPACE_BYTES: u64 = 512 << 20;

/// What is said of a vault that lacks no key, and of what is not looked at here.
const WHOLE_VAULT: &str = "the vault knows every key that content is kept under; whether each opens its content, and every signature, is what tabellion fsck checks";

/// Where to look.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// One thing that was looked at: `Err` holds what is wrong and what to do.
struct Finding {
    what: &'static str,
    outcome: Result<String, String>,
}

/// Looks, and fails when something needs doing.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let findings = look(&options.place);
    let healthy = findings.iter().all(|finding| finding.outcome.is_ok());
    if options.json {
        let rows: Vec<Value> = findings.iter().map(row).collect();
        terminal::json(&json!({ "findings": rows, "healthy": healthy }))?;
    } else {
        for Finding { what, outcome } in &findings {
            let (word, text) = match outcome {
                Ok(text) => ("ok", text),
                Err(text) => ("TO DO", text),
            };
            let text: Vec<String> = text.lines().map(terminal::printable).collect();
            terminal::data(&format!("{word:<6} {what:<14} {}\n", text.join(" ")))?;
        }
    }
    if healthy { Ok(()) } else { Err(Failure::told(Exit::Failed)) }
}

fn row(finding: &Finding) -> Value {
    let (healthy, text) = match &finding.outcome {
        Ok(text) => (true, text),
        Err(text) => (false, text),
    };
    json!({ "healthy": healthy, "text": text, "what": finding.what })
}

fn look(place: &Place) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |what, outcome: Result<String, Failure>| {
        let outcome = outcome.map_err(|failure| failure.to_string());
        let good = outcome.is_ok();
        findings.push(Finding { what, outcome });
        good
    };
    add(
        "configuration",
        place
            .load_config()
            .and_then(|config| place.check_config_is_there().map(|()| config))
            .and_then(|config| servable(&config))
            .map(|()| "every key is known and every value possible".to_owned()),
    );
    if let Ok(config) = place.load_config() {
        add("retention", retention(&config));
    }
    // First of all: what a server may hold that is on no disk any more is lost by following any other advice.
    if let Some(trouble) = server_trouble(&place.dir) {
        add("server", Err(Failure::failed(trouble)));
        return findings;
    }
    let there = directory::has_log(&place.dir).and_then(|there| {
        let missing = || {
            Failure::failed(format!(
                "there is no log in {0}; make one: tabellion init --dir {0}",
                place.dir.display()
            ))
        };
        there.then(|| format!("{} holds a log", place.dir.display())).ok_or_else(missing)
    });
    if !add("directory", there) {
        return findings;
    }
    add("permissions", permissions(place));
    add("space", space(&place.dir));
    add("lock", lock(&place.dir));
    add("stops", stops(&place.dir));
    // Before the log: an empty key table keeps it from being read.
    add("vault/lost", loss(place));
    let read = |directory: Directory| directory.reader_with_keys().map(|compared| (directory, compared));
    match Directory::find(place).and_then(read) {
        Err(failure) => {
            add("log", Err(failure));
        }
        Ok((directory, ComparedReader { reader, lacking, unread, .. })) => {
            add("log", Ok(read_back(&reader, unread)));
            add(
                "vault keys",
                lacking.map_or_else(|| Ok(WHOLE_VAULT.to_owned()), |what| Err(Failure::failed(what))),
            );
            add("copy", copy(&directory));
            add("expiry", expiry(&directory, &reader));
            let clock = reader.clock_trouble().map(Failure::failed);
            let conflict = reader.conflict().map(|conflict| Failure::failed(conflict.to_string()));
            add("witnesses", conflict.map_or_else(|| witnesses(&directory), Err));
            add("anchors", anchors(&directory, &reader));
            add("clock", clock.map_or_else(|| Ok("not behind the log's newest commit".to_owned()), Err));
            add("views", views(&directory));
            add("keys", keys(&directory, &reader));
            add("trust file", trust_file(&directory, &reader));
        }
    }
    findings
}

/// How much of the log was read, and how.
fn read_back(reader: &Reader, unread: u64) -> String {
    let (origin, size) = (reader.origin(), reader.size());
    if unread == 0 {
        return format!("{origin} reads back whole, {size} entries");
    }
    format!(
        "{origin} has {size} entries; the first {unread} are in its saved state and were not read: a server reads them in the background, and \
         tabellion fsck does"
    )
}

/// Whether every rule keeps its floor.
fn retention(config: &Config) -> Result<String, Failure> {
    let rules = config.retention.rules()?;
    let how = if config.expire_by_hand { "when tabellion retain is run" } else { "once a day by the server" };
    Ok(match rules.len() {
        0 => "no content expires: [retention] has no rule; the log itself never does".to_owned(),
        count => {
            format!("{count} rules, none below its floor; what is due goes {how}, the log itself never does")
        }
    })
}

/// Whether somebody said that keys are lost, which the next start takes at its word.
fn loss(place: &Place) -> Result<String, Failure> {
    match loss_said(Directory::find(place)?.disk()?.as_ref())? {
        None => Ok("nobody says that keys of the vault are lost".to_owned()),
        Some(said) => Err(Failure::failed(format!(
            "{said}. If that is not meant, put the newest vault back, and take vault/lost away, before anything is started"
        ))),
    }
}

/// What the server erases by rule today, and what later, once a rule has been on record for its time of grace.
fn expiry(directory: &Directory, reader: &Reader) -> Result<String, Failure> {
    let config = directory.config();
    let rules = if config.expire_by_hand { Vec::new() } else { config.retention.rules()? };
    let grace = config.rule_grace;
    let due = reader.expiring(&reader.plan(&rules, grace.0)?)?;
    if due.iter().any(|expiry| expiry.keys > 0)
        && let Some(doubt) = reader.clock_doubt()?
    {
        return Err(Failure::failed(format!("content is due and waits: {doubt}")));
    }
    if due.is_empty() {
        return Ok("the server has nothing to erase by rule now".to_owned());
    }
    let lines = due.iter().map(|expiry| {
        let whose = expiry.rule.system.map(|system| format!(" of system {system}")).unwrap_or_default();
        let mut parts = vec![format!("{} keys now", expiry.keys)];
        parts.extend(expiry.waiting.map(|waiting| {
            format!(
                "{} keys from {} on, when the rule of {} months has been on record for {} hours (to keep them, set it back and start the server)",
                waiting.keys,
                waiting.from,
                expiry.rule.months,
                grace.hours()
            )
        }));
        let held = (expiry.held > 0).then(|| format!("{} keys stay under legal holds", expiry.held));
        parts.extend(held);
        format!("class {}{whose}: {}", expiry.rule.class, parts.join(", "))
    });
    Ok(format!("the server will erase by rule: {}", lines.collect::<Vec<_>>().join("; ")))
}

/// Who else may read the keys, or change what the log is run by.
fn permissions(place: &Place) -> Result<String, Failure> {
    check_private(&place.dir)?;
    let file = place.config.clone().unwrap_or_else(|| place.dir.join(config::FILE_NAME));
    check_unchanged_by_others(&place.dir, &[file, place.dir.join(TRUST_FILE)])?;
    Ok("keys and vault are private to their owner, and nobody else changes anything".to_owned())
}

/// What `serve` would refuse to start with, and what it would serve to others in plain text.
fn servable(config: &Config) -> Result<(), Failure> {
    let console = config.console_listen.0;
    if let Some(gateway) = config.gateway.config() {
        if console.is_some_and(|console| console == gateway.listen && console.port() != 0) {
            return Err(Failure::failed(format!(
                "[console] listen and [gateway] listen are both {}: give one of them another port",
                gateway.listen
            )));
        }
        Gateway::check(&gateway).map_err(|error| Failure::failed(error.to_string()))?;
    }
    let in_the_open = console.is_some_and(|console| !console.ip().is_loopback());
    if in_the_open && !config.console_url().starts_with("https://") {
        return Err(Failure::failed(
            "[console] listen is open to other machines, and [console] public_url is not https: sessions would cross the network in plain text. \
             Listen on 127.0.0.1 behind a proxy with TLS, and set public_url to its address",
        ));
    }
    Ok(())
}

fn space(dir: &Path) -> Result<String, Failure> {
    let facts = rustix::fs::statvfs(dir)
        .map_err(|error| Failure::io("ask for the space below", dir, &error.into()))?;
    let free = facts.f_bavail.saturating_mul(facts.f_frsize);
    let mib = free >> 20;
    if free < LOW_SPACE_BYTES {
        let text = format!(
            "only {mib} MiB are free below {}; when nothing is left, appends are refused. Free some space",
            dir.display()
        );
        return Err(Failure::failed(text));
    }
    Ok(format!("{mib} MiB free"))
}

/// Whether this copy of the log may go on.
fn copy(directory: &Directory) -> Result<String, Failure> {
    match directory.retired()? {
        None => Ok("nothing says that a newer one exists".to_owned()),
        Some(why) => Err(Failure::failed(format!(
            "nothing is appended to this copy of the log: {why}. Restore a newer backup, or go on in a new log that cites this one: tabellion init \
             --continues {}",
            directory.path().display()
        ))),
    }
}

/// What a server that holds the log cannot record, and why; `None`: there is no server, or nothing is wrong.
fn server_trouble(dir: &Path) -> Option<String> {
    let mut client = Client::connect(dir).ok().flatten()?;
    match client.ask(&Request::Trouble {}) {
        Ok(Response::Done(Answer::Trouble { why })) => why,
        _ => None,
    }
}

fn lock(dir: &Path) -> Result<String, Failure> {
    match take_lock(dir) {
        Ok(_released_at_once) => Ok("nobody holds the log".to_owned()),
        Err(OpenError::Locked(text)) => match Client::connect(dir)?
            .map(|mut client| client.ask(&Request::Status {}))
        {
            Some(Ok(Response::Done(Answer::Status { pid, .. }))) => {
                Ok(format!("a server holds the log (process {pid}) and answers"))
            }
            Some(Ok(_) | Err(_)) => Err(Failure::failed(format!("{text}. It does not answer on its socket"))),
            None => Err(Failure::failed(format!(
                "{text}. It has no socket; if it is no command that ends soon, stop it"
            ))),
        },
        Err(error) => Err(error.into()),
    }
}

/// Which emergency stops a server obeys now: no fault of anything, and the first thing to know where calls are refused.
fn stops(dir: &Path) -> Result<String, Failure> {
    let Some(mut client) = Client::connect(dir)? else {
        return Ok("no server lets calls through; tabellion stop list shows what will be refused".to_owned());
    };
    Ok(match client.ask(&Request::ListStops {})? {
        Response::Done(Answer::Stops { stops }) => {
            let in_force: Vec<String> =
                stops.into_iter().filter(|stop| stop.in_force).map(|stop| stop.id).collect();
            if in_force.is_empty() {
                "no emergency stop is in force".to_owned()
            } else {
                format!("in force, so that calls are refused (tabellion stop list): {}", in_force.join(", "))
            }
        }
        Response::Done(other) => return Err(unexpected(&other)),
        Response::Refused(refusal) => return Err(refusal.into()),
    })
}

/// Whether the views' file can be used.
fn views(directory: &Directory) -> Result<String, Failure> {
    let Some(wrong) = Views::look(directory.path()) else {
        return Ok("no damage found in their file".to_owned());
    };
    Err(Failure::failed(format!(
        "the views' file cannot be used: {wrong}. Stop the server and make them anew from the log: tabellion rebuild --dir {}",
        directory.path().display()
    )))
}

/// Whom the configuration asks to cosign.
fn witnesses(directory: &Directory) -> Result<String, Failure> {
    Ok(match directory.witnesses()? {
        None => "nobody is asked to cosign: no [witness] policy is set".to_owned(),
        Some(policy) => format!("{} are asked to cosign; no conflict is known", policy.peers.len()),
    })
}

/// Whether every anchor can be asked as it is configured, and what it gave is whole.
fn anchors(directory: &Directory, reader: &Reader) -> Result<String, Failure> {
    let config = directory.config();
    drop(anchoring::round(config, &directory.disk()?, &directory.reader()?, |_| true, false)?);
    let kept = reader.anchored(reader.size())?;
    if let Some(damaged) = kept.damaged.first() {
        let more = kept.damaged.len().saturating_sub(1);
        let more = if more == 0 { String::new() } else { format!(", and {more} more") };
        return Err(Failure::failed(format!("{damaged}{more}")));
    }
    let mut failing = Vec::new();
    for name in config.anchors.0.keys() {
        let coverage = Outbox::new(directory.disk()?, name).coverage();
        let coverage = coverage.map_err(|error| Failure::failed(error.to_string()))?;
        failing.extend(coverage.error.map(|error| format!("{name} [{}]: {}", error.code, error.text)));
    }
    if !failing.is_empty() {
        return Err(Failure::failed(format!(
            "not every anchor answers, and what waits is asked for again: {}",
            failing.join("; ")
        )));
    }
    Ok(match config.anchors.0.len() {
        0 => "nobody outside vouches for times: no [anchor.NAME] is configured".to_owned(),
        asked => format!("{asked} configured; {} checkpoints are confirmed", kept.whole.len()),
    })
}

/// Every key that this installation signs with must have its file.
fn keys(directory: &Directory, reader: &Reader) -> Result<String, Failure> {
    let (disk, chain) = (directory.disk()?, reader.keys());
    let mut purposes = Vec::new();
    directory.key_pair(Purpose::Root, &chain.root().key_id)?;
    for purpose in [Purpose::Log, Purpose::Writer, Purpose::Package] {
        let key = chain.in_force(purpose, reader.size());
        let key = key.ok_or_else(|| {
            Failure::failed(format!(
                "no {purpose} key is in force; create one: tabellion key create --purpose {purpose}"
            ))
        })?;
        directory.key_pair(purpose, &key.key_id)?;
        purposes.push(purpose.as_str());
    }
    let actors = keyring::list_keys(disk.as_ref(), Purpose::Actor)?;
    for key_id in &actors {
        directory.key_pair(Purpose::Actor, key_id)?;
    }
    let how = if keyring::are_encrypted(disk.as_ref())? {
        "encrypted"
    } else {
        "not encrypted (tabellion key encrypt)"
    };
    if let Some(trouble) = reader.second_key_trouble()?.into_iter().next() {
        return Err(Failure::failed(trouble));
    }
    let second = reader.hybrid_key().map_or("", |_| ", and the second key (hybrid) is the one on record");
    Ok(format!(
        "root, {} and {} actor keys have their files, {how}{second}",
        purposes.join(", "),
        actors.len()
    ))
}

fn trust_file(directory: &Directory, reader: &Reader) -> Result<String, Failure> {
    let path = directory.path().join(TRUST_FILE);
    let unusable = |error: &dyn std::fmt::Display| {
        Failure::failed(format!("the trust file cannot be made: {error}; run tabellion fsck"))
    };
    let due = Policy::parse(trust::text(reader)?).map_err(|error| unusable(&error))?;
    if trust::read(&path)?.to_string() == due.to_string() {
        return Ok(format!("{} names the keys of this log", path.display()));
    }
    Err(Failure::failed(format!(
        "{0} does not name the keys of this log as they are now. If nobody changed it on purpose: tabellion key trust --dir {1} > {0}",
        path.display(),
        directory.path().display()
    )))
}
