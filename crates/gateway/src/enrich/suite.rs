//! The enrichments in force, made ready, and what they say of the texts of one call.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};
use tabellion_guard::{Detected, Detecting, Detector, LANGUAGE_DETECTOR, NotRead, Topic};
use tabellion_mask::Classes;
use tabellion_model::SystemId;
use tabellion_model::body::{
    EnrichLabel, EnrichOutcome, EnrichedSide, Enrichment as Said, GuardOutcome, Guarded, Masked,
};

use crate::config::StartError;
use crate::enrich::config::{EnrichConfig, Kind};
use crate::guards::Guards;
use crate::guards::config::{GuardConfig, Kind as GuardKind, Mode, Side};
use crate::guards::gathered::Gathered;
use crate::guards::outside::config::OnError;
use crate::guards::outside::{About, Matter};
use crate::upstream::pool::Pool;
use crate::words::{hex_of, is_purpose};

/// Most enrichments: what they say of a call fits into a record of a few kibibytes.
const MAX_ENRICHMENTS: usize = 8;
const MAX_NAME: usize = 64;
/// Bytes of the digest in a version, as guards have it.
const VERSION_BYTES: usize = 6;
/// A service that found something and named nothing.
const FLAGGED: &str = "flagged";

/// Why a detector did not look, beside what it cannot read.
pub(crate) mod why {
    /// The text is larger than what is looked at.
    pub(crate) const TOO_LARGE: &str = "too_large";
    /// There is no text on this side: vectors, counts, a picture.
    pub(crate) const NO_TEXT: &str = "no_text";
    /// Nobody got an answer.
    pub(crate) const NO_ANSWER: &str = "no_answer";
    /// There is an answer, and not all of it.
    pub(crate) const NOT_WHOLE: &str = "not_whole";
    /// The call went by a declared route, into which nothing looks.
    pub(crate) const OPAQUE: &str = "opaque";
    /// More was waiting to be looked at than is kept waiting.
    pub(crate) const BUSY: &str = "busy";
    /// A service gave no verdict, and said no word for why.
    pub(crate) const ERRORED: &str = "errored";
}

/// What a kind tells; a change in what it finds is another number.
fn kind_version(kind: Kind) -> &'static str {
    match kind {
        Kind::Language => "language.1",
        Kind::Sentiment => "sentiment.1",
        Kind::Toxicity => "toxicity.1",
        Kind::Topic => "topic.1",
        Kind::Pii => "pii.1",
        Kind::Http => "http.1",
    }
}

/// How an enrichment looks.
enum How {
    /// By itself, at text.
    Detect(Detecting),
    /// At what masking found.
    Pii,
    /// It asks the service of this number.
    Ask(usize),
}

/// One of them, ready.
struct Enrichment {
    name: String,
    version: String,
    on: Vec<Side>,
    systems: BTreeSet<SystemId>,
    purposes: BTreeSet<String>,
    how: How,
}

/// All of them.
pub(crate) struct Enrichments {
    all: Vec<Enrichment>,
    /// Those that ask services, as guards that never stop anything: the same questions, limits and errors.
    services: Guards,
}

/// One side of a call.
pub(crate) struct Seen {
    /// Its text without what is somebody's, or why there is none.
    pub(crate) text: Result<String, &'static str>,
    /// What masking found, or why nobody knows.
    pub(crate) found: Result<Vec<Masked>, &'static str>,
}

impl Enrichments {
    /// Makes them ready.
    pub(crate) fn new(configs: &[EnrichConfig]) -> Result<Self, StartError> {
        if configs.len() > MAX_ENRICHMENTS {
            let what = format!(
                "{} sections [enrich.NAME] are more than {MAX_ENRICHMENTS}; leave some out",
                configs.len()
            );
            return Err(StartError::Setting(what));
        }
        let mut all: Vec<Enrichment> = Vec::new();
        let mut services = Vec::new();
        for config in configs {
            let refused = |why: &str| StartError::Setting(format!("[enrich.{}] {why}", config.name));
            let how = how(config, &mut services).map_err(|why| refused(&why))?;
            let made = enrichment(config, how).map_err(|why| refused(&why))?;
            if all.iter().any(|known| known.name == made.name) {
                return Err(refused("the name is there twice; records could not tell the two apart"));
            }
            all.push(made);
        }
        // A service is set up as that of a guard, whose errors name their section.
        let of_guard = |error| match error {
            StartError::Setting(text) => StartError::Setting(text.replace("[guard.", "[enrich.")),
            other => other,
        };
        Ok(Self { all, services: Guards::new(&services).map_err(of_guard)? })
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// An empty pool for connections to the services.
    pub(crate) fn pool(&self) -> Pool {
        Pool::new(self.services.outside.len())
    }

    /// Numbers of those that are for such a call, each with the sides that it looks at.
    pub(crate) fn that_apply(&self, system: SystemId, purpose: &str) -> Vec<(usize, Side)> {
        let applies = |one: &Enrichment| {
            (one.systems.is_empty() || one.systems.contains(&system))
                && (one.purposes.is_empty() || one.purposes.contains(purpose))
        };
        let numbered = self.all.iter().enumerate().filter(|(_, one)| applies(one));
        numbered.flat_map(|(number, one)| one.on.iter().map(move |side| (number, *side))).collect()
    }

    /// What one says of one side; `None`: there is none of this number.
    pub(crate) async fn says(
        &self,
        (number, side): (usize, Side),
        seen: &Seen,
        about: &About,
        pool: &Pool,
    ) -> Option<Said> {
        let one = self.all.get(number)?;
        let said = match (&one.how, &seen.text, &seen.found) {
            (How::Pii, _, Ok(found)) => one.found(side, found),
            (How::Pii, _, Err(why)) | (_, Err(why), _) => one.not_run(side, why),
            (How::Detect(detecting), Ok(text), _) => one.detected(side, detecting.look(text)),
            (How::Ask(service), Ok(text), _) => {
                let mut gathered = Gathered::default();
                gathered.add(text);
                let mut results = vec![self.services.all.get(*service)?.not_run()];
                let matter = Matter { side, about, texts: &gathered, classes: Classes::NONE };
                // A call that is over is not changed: no service of these may.
                let _ = self.services.ask(&[*service], &mut results, &matter, pool).await;
                one.asked(side, results.pop()?)
            }
        };
        Some(said)
    }
}

impl Enrichment {
    fn said(&self, side: Side, outcome: EnrichOutcome) -> Said {
        Said {
            enrichment: self.name.clone(),
            version: self.version.clone(),
            side: match side {
                Side::Prompt => EnrichedSide::Prompt,
                Side::Answer => EnrichedSide::Answer,
            },
            outcome,
            why: None,
            labels: Vec::new(),
            score_per_10000: None,
        }
    }

    fn not_run(&self, side: Side, why: &str) -> Said {
        Said { why: Some(why.to_owned()), ..self.said(side, EnrichOutcome::NotRun) }
    }

    fn found(&self, side: Side, found: &[Masked]) -> Said {
        // Of one class some may have been replaced otherwise than others, or let pass.
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for masked in found {
            let count = counts.entry(&masked.class).or_default();
            *count = count.saturating_add(masked.count);
        }
        let label = |(class, count): (&str, u64)| EnrichLabel { label: class.to_owned(), count };
        Said { labels: counts.into_iter().map(label).collect(), ..self.said(side, EnrichOutcome::Ran) }
    }

    fn detected(&self, side: Side, detected: Result<Detected, NotRead>) -> Said {
        match detected {
            Err(why) => self.not_run(side, why.as_str()),
            Ok(Detected { labels, score_per_10000 }) => {
                let labels = labels.into_iter().map(|(label, count)| EnrichLabel { label, count }).collect();
                Said { labels, score_per_10000, ..self.said(side, EnrichOutcome::Ran) }
            }
        }
    }

    /// What a service said, which was asked as a guard is. Its own word for itself stands in the version.
    fn asked(&self, side: Side, said: Guarded) -> Said {
        let first = said.found.first().cloned();
        let outcome = match said.outcome {
            GuardOutcome::Passed | GuardOutcome::Flagged | GuardOutcome::Blocked => EnrichOutcome::Ran,
            GuardOutcome::Errored | GuardOutcome::NotRun => EnrichOutcome::NotRun,
        };
        let found = match said.outcome {
            GuardOutcome::Flagged | GuardOutcome::Blocked if said.found.is_empty() => {
                vec![FLAGGED.to_owned()]
            }
            GuardOutcome::Flagged | GuardOutcome::Blocked => said.found,
            GuardOutcome::Passed | GuardOutcome::Errored | GuardOutcome::NotRun => Vec::new(),
        };
        let why =
            (outcome == EnrichOutcome::NotRun).then(|| first.unwrap_or_else(|| why::ERRORED.to_owned()));
        let labels = found.into_iter().map(|label| EnrichLabel { label, count: 1 }).collect();
        Said { version: said.version, why, labels, ..self.said(side, outcome) }
    }
}

/// How a kind looks; one that asks adds its service.
fn how(config: &EnrichConfig, services: &mut Vec<GuardConfig>) -> Result<How, String> {
    if let Some(why) = config.misfit() {
        return Err(why.to_owned());
    }
    let topics = || {
        let topic = |topic: &crate::TopicConfig| Topic {
            name: topic.name.clone(),
            terms: topic.terms.clone(),
            at_least: topic.at_least,
        };
        config.topics.iter().map(topic).collect()
    };
    let detector = match config.kind {
        Kind::Pii => return Ok(How::Pii),
        Kind::Http => {
            let Some(mut service) = config.service.clone() else {
                return Err("there is no service to ask".to_owned());
            };
            // Nothing is ever stopped for what it says, or for its silence.
            service.on_error = OnError::Flag;
            let guard = GuardConfig::new(config.name.clone(), GuardKind::Http);
            services.push(GuardConfig { mode: Mode::Flag, service: Some(service), ..guard });
            return Ok(How::Ask(services.len() - 1));
        }
        Kind::Language => Detector::Language,
        Kind::Sentiment => Detector::Sentiment,
        Kind::Toxicity => Detector::Toxicity,
        Kind::Topic => Detector::Topics(topics()),
    };
    Detecting::new(&detector).map(How::Detect).map_err(|fault| fault.to_string())
}

fn enrichment(config: &EnrichConfig, how: How) -> Result<Enrichment, String> {
    let is_name = (1..=MAX_NAME).contains(&config.name.len())
        && config.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if !is_name {
        return Err(format!("an enrichment is named with a-z, 0-9 and -, at most {MAX_NAME} characters"));
    }
    let system = |id: &String| {
        SystemId::from_hex(id).ok_or_else(|| format!("systems: {id:?} is no id of a system (32 hex digits)"))
    };
    let purpose = |purpose: &String| {
        is_purpose(purpose)
            .then(|| purpose.clone())
            .ok_or_else(|| format!("purposes: {purpose:?} is no purpose"))
    };
    let written = serde_json::to_vec(config).map_err(|error| error.to_string())?;
    let digest: [u8; 32] = Sha256::digest(written).into();
    let short: String = hex_of(digest).chars().take(2 * VERSION_BYTES).collect();
    let by = if config.kind == Kind::Language { format!(":{LANGUAGE_DETECTOR}") } else { String::new() };
    Ok(Enrichment {
        name: config.name.clone(),
        version: format!("{}-{short}{by}", kind_version(config.kind)),
        on: config.on.clone(),
        systems: config.systems.iter().map(system).collect::<Result<_, _>>()?,
        purposes: config.purposes.iter().map(purpose).collect::<Result<_, _>>()?,
        how,
    })
}
