//! What the program tells the control plane about where it runs.

use std::sync::Arc;
use std::time::Duration;

use crate::running::Running;
use crate::work::playground::Playground;

/// A line for the operator.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;
/// Adds numbers in the Prometheus text format.
pub type Numbers = Arc<dyn Fn(&mut String) + Send + Sync>;
/// Whether a part of the program does its work; if not, why.
pub type Ready = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// A sentence about something that should be looked at, when there is something.
pub type Note = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// One line of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured {
    /// Section and key, as in the file.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Where it was set.
    pub place: String,
}

/// Settings with a default for everything that has a good one.
#[derive(Clone)]
pub struct Settings {
    /// Where people reach the control plane, without a slash at the end: links begin with it, and over https the cookie is for https alone.
    pub public_url: String,
    /// Anybody may read checkpoints, tiles and entry bundles: the entries themselves, which hold no content.
    pub public_log: bool,
    /// Takes the access log: one line a request, without ids of people or content.
    pub log: Log,
    /// Numbers of other parts of the program, for `/metrics`.
    pub numbers: Vec<Numbers>,
    /// What other parts of the program have to say that an operator should look at, though they do their work.
    pub notes: Vec<Note>,
    /// Other parts that `/readyz` asks, by name.
    pub ready: Vec<(&'static str, Ready)>,
    /// Where calls are tried, where a gateway runs.
    pub playground: Option<Playground>,
    /// Entries that the views may be behind before `/readyz` says so.
    pub max_lag: u64,
    /// The configuration in force, as the settings page shows it: never a secret.
    pub configuration: Vec<Configured>,
    /// What runs beside the control plane.
    pub running: Running,
    /// How long a stop waits for requests that were read.
    pub stop_within: Duration,
}

/// Views that are further behind than a few batches do not keep up.
const MAX_LAG: u64 = 10_000;
/// Longer than any request takes; a supervisor that waits thirty seconds is not kept waiting.
const STOP_WITHIN: Duration = Duration::from_secs(20);

impl Settings {
    /// Settings for `public_url` that log to nobody.
    pub fn new(public_url: &str) -> Self {
        Self {
            public_url: public_url.trim_end_matches('/').to_owned(),
            public_log: false,
            log: Arc::new(|_| {}),
            numbers: Vec::new(),
            notes: Vec::new(),
            ready: Vec::new(),
            playground: None,
            max_lag: MAX_LAG,
            configuration: Vec::new(),
            running: Running::default(),
            stop_within: STOP_WITHIN,
        }
    }

    /// Whether people reach the control plane over https alone.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}
