//! How the keys of identity providers stand, for operators: a line when that changes, a note, and numbers.
//!
//! Promises: a line is said when keys cannot be read and when they can again, and while the reason changes not more often than once a minute. Must never: be
//! decided by.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::Identities;
use super::issuer::Issuer;
use super::unread::Unread;

/// How long after a line about a provider's failure the next may be about another. Failures that take turns would fill the operator's log.
const TELL_AGAIN: Duration = Duration::from_mins(1);

/// What came of reading an issuer's keys, over time.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// Why the last reading brought none; none: it did.
    now: Option<Unread>,
    /// Readings that brought none.
    pub(super) failed: u64,
    /// What the operator was told last, where that was a failure, and when.
    told: Option<(Unread, Instant)>,
}

/// What is new to the operator.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Keys cannot be read.
    Unread(Unread),
    /// They can again.
    Well,
}

impl Trouble {
    /// Takes in how a reading ended at `now`; what has to be said about it.
    pub(super) fn take(&mut self, ended: Option<Unread>, now: Instant) -> Option<News> {
        self.now = ended;
        let Some(unread) = &self.now else { return self.told.take().map(|_| News::Well) };
        self.failed += 1;
        let is_known = self
            .told
            .as_ref()
            .is_some_and(|(known, at)| known == unread || now.saturating_duration_since(*at) < TELL_AGAIN);
        if is_known {
            return None;
        }
        self.told = Some((unread.clone(), now));
        Some(News::Unread(unread.clone()))
    }

    /// Why the last reading brought no keys.
    pub(super) fn why(&self) -> Option<&Unread> {
        self.now.as_ref()
    }
}

impl Issuer {
    /// The line for the operator's log.
    pub(super) fn line(&self, news: &News) -> String {
        let name = &self.name;
        match news {
            News::Unread(why) => {
                format!("identity {name}: its keys cannot be read: {why}. {}", self.consequence())
            }
            News::Well => format!("identity {name}: its keys can be read again"),
        }
    }

    /// What becomes of its tokens while its keys cannot be read.
    fn consequence(&self) -> String {
        match self.left() {
            Some(left) => {
                format!("Tokens are held against the keys read last for {} seconds more", left.as_secs())
            }
            None => "Its tokens are refused; keys of our own are good as before".to_owned(),
        }
    }
}

impl Identities {
    /// What an operator should look at; `None`: every provider's keys were read.
    pub(crate) fn trouble(&self) -> Option<String> {
        let troubled = |issuer: &Issuer| {
            // Whoever asks whether the program is well may be anybody.
            let why = issuer.why()?.without_addresses();
            Some(format!("the keys of {} cannot be read: {why}. {}", issuer.name, issuer.consequence()))
        };
        let each: Vec<String> = self.0.iter().filter_map(|issuer| troubled(issuer)).collect();
        (!each.is_empty()).then(|| each.join("; "))
    }

    /// Adds how old the keys are and how often they could not be read, in the Prometheus text format.
    pub(crate) fn render(&self, out: &mut String) {
        if self.is_empty() {
            return;
        }
        let name = "tabellion_gateway_identity_keys_age_seconds";
        let _ = writeln!(
            out,
            "# HELP {name} Time since an identity provider's keys were read; where they never were, since the start.\n# TYPE {name} gauge"
        );
        // Names of sections are of a-z, 0-9 and -.
        for issuer in &self.0 {
            let _ = writeln!(out, "{name}{{identity=\"{}\"}} {}", issuer.name, issuer.age().as_secs());
        }
        let name = "tabellion_gateway_identity_reads_failed_total";
        let _ = writeln!(
            out,
            "# HELP {name} Readings of an identity provider's keys that brought none that can be used.\n# TYPE {name} counter"
        );
        for issuer in &self.0 {
            let _ = writeln!(out, "{name}{{identity=\"{}\"}} {}", issuer.name, issuer.failed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::unread::{Document, Why};
    use super::*;

    /// Requirement: G04. A provider whose failures take turns does not fill the log, and nothing that lasts goes untold.
    #[test]
    fn a_reason_is_told_once_and_another_after_a_while() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let status = |status| Some(Document::Keys.is(Why::Status(status)));
        let mut trouble = Trouble::default();
        assert_eq!(trouble.take(None, at(0)), None, "that all is well is no news");
        let told = |status: Option<Unread>| status.map(News::Unread);
        assert_eq!(trouble.take(status(503), at(5)), told(status(503)), "an outage is not told");
        assert_eq!(trouble.take(status(503), at(10)), None, "the same again");
        assert_eq!(
            trouble.take(Some(Unread::Silent), at(15)),
            None,
            "failures that take turns flood the log"
        );
        assert_eq!(trouble.take(status(503), at(20)), None);
        assert_eq!(
            trouble.take(Some(Unread::Silent), at(65)),
            told(Some(Unread::Silent)),
            "a reason that lasts is never told"
        );
        assert_eq!(trouble.take(None, at(66)), Some(News::Well), "nobody learns that it is over");
        assert_eq!(trouble.take(None, at(67)), None);
        assert_eq!(trouble.take(status(503), at(68)), told(status(503)), "a new outage is not told");
        assert_eq!(trouble.failed, 6);
    }
}
