//! The configured anchors put together: services, keys, schedules; and what they cover as numbers.
//!
//! Promises: an anchor that lacks a setting is refused at the start with the setting's name. Must never: make a key or trust an authority that nobody
//! named.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tabellion_gateway::Outbound;
use tabellion_ledger::anchor::{
    Anchor, AnchorPlan, Anchoring, ArweaveUpload, Calendar, Coverage, Ed25519AnchorKey, EvmChain, EvmKey,
    Exchange, Outbox, Patience, RootLog, Round, Services, TimeStampAuthority,
};
use tabellion_ledger::disk::Disk;
use tabellion_ledger::{OsEntropy, Reader, SystemClock};
use tabellion_model::Micros;
use tabellion_tlog::SignatureType;
use tabellion_tlog::anchor::rfc3161::{check_roots, is_policy};
use tabellion_tlog::anchor::{AnchorKind, AnchorTrust};

use crate::config::{AnchorConfig, Config};
use crate::failure::Failure;
use crate::held::Held;
use crate::secret::SecretPlace;
use crate::{files, terminal, trust};

/// Largest file of certificates.
const MAX_ROOT_FILE: u64 = 256 << 10;
const WEI_IN_GWEI: u128 = 1_000_000_000;

/// Starts to anchor, where anchors are configured.
pub(crate) fn start(config: &Config, held: &Held) -> Result<Option<Anchoring>, Failure> {
    if config.anchors.0.is_empty() {
        return Ok(None);
    }
    let round = round(config, held.disk(), held.ledger.reader(), |_| true, true)?;
    Anchoring::start(round, Arc::clone(&held.ledger), held.dir().to_owned())
        .map(Some)
        .map_err(|error| Failure::failed(format!("the anchors' thread cannot start: {error}; start again")))
}

/// The work of the anchors that `wanted` names; `scheduled`: also on their own clock, not only when asked.
pub(crate) fn round(
    config: &Config,
    disk: &Arc<dyn Disk>,
    reader: &Reader,
    wanted: impl Fn(&str) -> bool,
    scheduled: bool,
) -> Result<Round, Failure> {
    let chosen = config.anchors.0.iter().filter(|(name, _)| wanted(name));
    let plans = chosen
        .map(|(name, anchor)| {
            let every_s = if scheduled { anchor.every_s() } else { 0 };
            let service = service(name, anchor, disk, reader, scheduled)?;
            Ok(AnchorPlan { name: name.clone(), every_s, overdue_s: anchor.overdue_s(), anchor: service })
        })
        .collect::<Result<_, Failure>>()?;
    Ok(Round::new(disk, Arc::new(SystemClock), plans, Arc::new(terminal::say)))
}

/// What an anchor lacks.
fn lacking(name: &str, what: &str) -> Failure {
    Failure::malformed(format!("[anchor.{name}] {what}. Add it to the configuration and start again"))
}

/// The kind of an anchor.
pub(crate) fn kind(name: &str, config: &AnchorConfig) -> Result<AnchorKind, Failure> {
    config.kind.ok_or_else(|| lacking(name, "has no kind: rfc3161, opentimestamps, arweave, evm or root-log"))
}

fn service(
    name: &str,
    config: &AnchorConfig,
    disk: &Arc<dyn Disk>,
    reader: &Reader,
    scheduled: bool,
) -> Result<Box<dyn Anchor>, Failure> {
    let kind = kind(name, config)?;
    let exchange = |url: &str| -> Result<Box<dyn Exchange>, Failure> {
        if url.is_empty() {
            return Err(lacking(name, "has no url"));
        }
        let outbound = Outbound::new(&format!("anchor.{name}"), url, config.ca_file.as_deref());
        Ok(Box::new(outbound.map_err(|error| Failure::malformed(error.to_string()))?))
    };
    let services = |first: &str, more: &[String]| -> Result<Services, Failure> {
        let urls = std::iter::once(first).chain(more.iter().map(String::as_str));
        let all = urls.map(|url| Ok((url.to_owned(), exchange(url)?)));
        all.collect::<Result<_, Failure>>().map(Services::new)
    };
    no_services_in_vain(name, kind, config)?;
    let key_file = || {
        config
            .key_file
            .as_deref()
            .ok_or_else(|| lacking(name, "has no key_file; make one with tabellion anchor key"))
    };
    let refused = |error: tabellion_ledger::anchor::AnchorKeyError| Failure::malformed(error.to_string());
    Ok(match kind {
        AnchorKind::Rfc3161 => Box::new(TimeStampAuthority {
            services: services(&config.url, &config.more_urls)?,
            entropy: Arc::new(OsEntropy),
            policy: policy(name, config)?,
            roots: roots(name, config)?,
        }),
        AnchorKind::OpenTimestamps => Box::new(Calendar {
            services: services(&config.url, &config.more_urls)?,
            entropy: Arc::new(OsEntropy),
            ask_again_s: config.ask_again_seconds,
        }),
        AnchorKind::Arweave => Box::new(ArweaveUpload {
            upload: services(&config.url, &config.more_urls)?,
            gateway: services(
                config.gateway_url.as_deref().ok_or_else(|| lacking(name, "has no gateway_url"))?,
                &config.more_gateway_urls,
            )?,
            key: Ed25519AnchorKey::load(key_file()?).map_err(refused)?,
            ask_again_s: config.ask_again_seconds,
        }),
        AnchorKind::RootLog => Box::new(RootLog::new(
            Box::new(root_log(name, config)?),
            reader.clone(),
            root_keys(name, config)?,
            Outbox::new(Arc::clone(disk), name),
            if scheduled { config.every_minutes * 60 } else { 0 },
        )),
        AnchorKind::Evm => Box::new(EvmChain {
            services: services(&config.url, &config.more_urls)?,
            key: EvmKey::load(key_file()?).map_err(refused)?,
            chain: config.chain_id.ok_or_else(|| lacking(name, "has no chain_id"))?,
            to: config.to.as_deref().map(|to| address(name, to)).transpose()?,
            max_fee_wei: u128::from(config.max_fee_gwei) * WEI_IN_GWEI,
            confirmations: config.confirmations,
            ask_again_s: config.ask_again_seconds,
        }),
    })
}

/// Refuses further services where a kind of anchor has no use for them.
fn no_services_in_vain(name: &str, kind: AnchorKind, config: &AnchorConfig) -> Result<(), Failure> {
    let key = if kind == AnchorKind::RootLog && !config.more_urls.is_empty() {
        "more_urls"
    } else if kind != AnchorKind::Arweave && !config.more_gateway_urls.is_empty() {
        "more_gateway_urls"
    } else {
        return Ok(());
    };
    let kind = kind.as_str();
    Err(Failure::malformed(format!(
        "[anchor.{name}] {key} means nothing for an anchor of kind {kind}; leave it out and start again"
    )))
}

/// The policy that time stamps are asked for under, as an object identifier.
fn policy(name: &str, config: &AnchorConfig) -> Result<Option<String>, Failure> {
    match &config.policy {
        Some(policy) if !is_policy(policy) => Err(Failure::malformed(format!(
            "[anchor.{name}] policy = {policy:?} is no object identifier, such as 1.2.3.4.1; correct it or leave it out, and start again"
        ))),
        policy => Ok(policy.clone()),
    }
}

/// The certificates (DER) that must vouch for an authority's signer.
pub(crate) fn roots(name: &str, config: &AnchorConfig) -> Result<Vec<Vec<u8>>, Failure> {
    let file = config.root_file.as_deref().ok_or_else(|| {
        lacking(name, "has no root_file, the certificate of the authority that certifies the service (PEM or DER); answers that cannot be checked anchor nothing")
    })?;
    let bytes = files::read_limited(Path::new(file), MAX_ROOT_FILE, "file of certificates")?;
    let roots = AnchorTrust::certificates_in(&bytes);
    check_roots(&roots).map_err(|error| {
        let file = file.display();
        Failure::malformed(format!(
            "[anchor.{name}] root_file {file} holds no certificate that can be used ({error}); name one in PEM or DER"
        ))
    })?;
    Ok(roots)
}

/// The root log's server, with the token that this log is known by there.
fn root_log(name: &str, config: &AnchorConfig) -> Result<Outbound, Failure> {
    if config.url.is_empty() {
        return Err(lacking(name, "has no url"));
    }
    if config.url.starts_with("http://") && !is_of_this_machine(&config.url) {
        return Err(lacking(
            name,
            "has a url without TLS, over which its API key would go to whoever listens; only this machine itself can be reached by http://",
        ));
    }
    let outbound = Outbound::new(&format!("anchor.{name}"), &config.url, config.ca_file.as_deref());
    let outbound = outbound.map_err(|error| Failure::malformed(error.to_string()))?;
    let file = config.token_file.clone();
    let file = file.ok_or_else(|| {
        lacking(name, "has no token_file, the API key that the root log's operator issued for this log")
    })?;
    let token = SecretPlace::File(file).read().map_err(Failure::malformed)?;
    let refused = || {
        Failure::malformed(format!("[anchor.{name}] token_file holds no token on its first line; correct it"))
    };
    outbound.with_bearer(&token).ok_or_else(refused)
}

/// Whether a URL names this machine.
fn is_of_this_machine(url: &str) -> bool {
    let uri = url.parse::<hyper::Uri>().ok();
    let host = uri.as_ref().and_then(hyper::Uri::host).unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The keys that a root log's receipts have to be under: those of its trust file.
pub(crate) fn root_keys(name: &str, config: &AnchorConfig) -> Result<AnchorTrust, Failure> {
    let file = config.root_file.as_deref().ok_or_else(|| {
        lacking(
            name,
            "has no root_file, the root log's trust file; answers that cannot be checked anchor nothing",
        )
    })?;
    let logs = trust::read(file)?.logs.into_iter().map(|line| line.key);
    let root_logs: Vec<_> = logs.filter(|key| key.kind() == SignatureType::Ed25519).collect();
    if root_logs.is_empty() {
        let file = file.display();
        return Err(Failure::malformed(format!(
            "[anchor.{name}] root_file {file} names no log; it has to be the trust file of the root log"
        )));
    }
    Ok(AnchorTrust { root_logs, ..AnchorTrust::default() })
}

fn address(name: &str, text: &str) -> Result<[u8; 20], Failure> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode(digits).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        Failure::malformed(format!(
            "[anchor.{name}] to = {text:?} is no address of 40 hex digits; correct it and start again"
        ))
    })
}

/// Microseconds since 1970.
pub(crate) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Name, help and value of a number.
type Family<'a> = (&'static str, &'static str, &'a dyn Fn(&Coverage) -> Option<u64>);

/// How long each configured anchor may take, by its name.
pub(crate) type Patiences = BTreeMap<String, Patience>;

/// Of the configuration.
pub(crate) fn patiences(config: &Config) -> Patiences {
    let of = |anchor: &AnchorConfig| Patience { every_s: anchor.every_s(), overdue_s: anchor.overdue_s() };
    config.anchors.0.iter().map(|(name, anchor)| (name.clone(), of(anchor))).collect()
}

/// Since when the anchor is overdue, microseconds since 1970.
pub(crate) fn overdue_since(one: &Coverage, reader: &Reader, patiences: &Patiences) -> Option<u64> {
    one.overdue_since(reader, *patiences.get(&one.name)?, now_us())
}

/// What somebody has to look at, for the pages of the console: anchors that are overdue.
pub(crate) fn trouble(coverage: &[Coverage], reader: &Reader, patiences: &Patiences) -> Option<String> {
    let overdue = |one: &Coverage| {
        let since = Micros(overdue_since(one, reader, patiences)?);
        let error = one.error.as_ref().map(|error| format!(" ({})", error.code)).unwrap_or_default();
        Some(format!("{} since {since}{error}", one.name))
    };
    let overdue: Vec<String> = coverage.iter().filter_map(overdue).collect();
    (!overdue.is_empty())
        .then(|| format!("anchors: overdue: {}; tabellion anchor status says more", overdue.join(", ")))
}

/// What the anchors cover, in the Prometheus text format.
pub(crate) fn render(text: &mut String, coverage: &[Coverage], reader: &Reader, patiences: &Patiences) {
    let now = now_us();
    let age = |at: Option<u64>| at.map(|at| now.saturating_sub(at) / 1_000_000);
    let overdue = |one: &Coverage| Some(u64::from(overdue_since(one, reader, patiences).is_some()));
    let families: [Family<'_>; 6] = [
        ("tabellion_anchor_size", "Log size that the anchor has confirmed.", &|one| Some(one.size)),
        (
            "tabellion_anchor_age_seconds",
            "Age of the newest checkpoint that the anchor has confirmed.",
            &|one| age(one.taken_at),
        ),
        ("tabellion_anchor_open_jobs", "Checkpoints that wait for the anchor.", &|one| Some(one.open)),
        (
            "tabellion_anchor_waiting_seconds",
            "Age of the oldest checkpoint that waits for the anchor.",
            &|one| age(one.waiting_since),
        ),
        (
            "tabellion_anchor_overdue",
            "Whether a checkpoint waits longer for the anchor than overdue_minutes, or the next was due that long ago.",
            &overdue,
        ),
        ("tabellion_anchor_failing", "Whether the anchor's last answer was none or unusable.", &|one| {
            Some(u64::from(one.error.is_some()))
        }),
    ];
    let name = "tabellion_anchor_covered_ratio";
    let help =
        "Share of the log under a checkpoint that the anchor has confirmed; 1: nothing waits to be covered.";
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n");
    for one in coverage {
        if let Ok(permille) = reader.covered_permille(one.size) {
            let _ = writeln!(
                text,
                "{name}{{anchor=\"{}\"}} {}.{:03}",
                one.name,
                permille / 1000,
                permille % 1000
            );
        }
    }
    for (name, help, value) in families {
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n");
        for one in coverage {
            if let Some(value) = value(one) {
                let _ = writeln!(text, "{name}{{anchor=\"{}\"}} {value}", one.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_key_leaves_this_machine_by_tls_alone() {
        for own in
            ["http://127.0.0.1:8087", "http://localhost:8087/x", "http://[::1]:8087", "http://127.9.9.9"]
        {
            assert!(is_of_this_machine(own), "{own} could not be tried out");
        }
        for other in [
            "http://10.0.0.1",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
            "http://0.0.0.0",
            "no url",
        ] {
            assert!(!is_of_this_machine(other), "the key would go to {other} for all to read");
        }
    }
}
