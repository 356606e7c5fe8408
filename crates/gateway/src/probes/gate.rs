//! What is in force for canaries: every policy and every stop of the newest snapshot, and beside them the one system that probes, with a rule that permits it.
//!
//! Promises: a policy that forbids holds for canaries too. Must never: be the snapshot by which anybody else is let through.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};

use sha2::{Digest as _, Sha256};
use tabellion_model::body::{Capture, StopSubject, SystemStage};
use tabellion_model::probe::{PROBE_KEY, PROBE_POLICY, PROBE_SYSTEM};
use tabellion_model::{CredentialId, SystemId};
use tabellion_views::gate::{Gate, GateCell, GateKey, GatePolicy, GateStop, GateSystem};
use tokio::sync::watch;

use super::PURPOSE;
use super::places::Place;
use crate::words::hex_of;

/// It permits whoever asks under this snapshot, which is the system of probes alone.
const RULE: &str = r#"@id("tabellion-probe") permit (principal, action, resource);"#;

/// The one system that probes, its key, and the rule that permits it.
struct Own {
    rule: GatePolicy,
    systems: Arc<HashMap<SystemId, GateSystem>>,
    keys: Arc<HashMap<CredentialId, GateKey>>,
    /// Models and providers that canaries ask for.
    ways: BTreeSet<(String, String)>,
}

impl Own {
    /// Whether canaries are kept back by a stop.
    fn is_held_by(&self, stop: &GateStop) -> bool {
        let canary = |(model, upstream): &(String, String)| {
            stop.holds(&StopSubject {
                system: PROBE_SYSTEM,
                key: PROBE_KEY,
                person: None,
                agent: None,
                asked: Some(model),
                instead_of: None,
                given: Some(model),
                provider: Some(upstream),
            })
        };
        self.ways.iter().any(canary)
    }
}

/// What a round is done for when it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Changes {
    /// Of which generation the policies are.
    policies: u64,
    /// How often a stop that kept canaries back was lifted.
    lifts: u64,
}

/// A cell that follows `gate`, for canaries of `places`; and what changed in it.
pub(super) fn beside(gate: &GateCell, places: &[Place]) -> (Arc<GateCell>, watch::Receiver<Changes>) {
    let purposes: BTreeSet<String> =
        places.iter().map(|place| place.purpose.clone()).chain([PURPOSE.to_owned()]).collect();
    let purposes: Vec<String> = purposes.into_iter().collect();
    let system = GateSystem {
        name: PROBE_POLICY.to_owned(),
        stage: SystemStage::Live,
        owner: PROBE_KEY,
        purposes: purposes.clone(),
        capture: Capture::None,
    };
    // No listener ever looks a key up in this snapshot; were it to, no secret has this digest.
    let key =
        GateKey { system: PROBE_SYSTEM, secret_sha256: [0; 32], purposes, models: Vec::new(), ends_at: None };
    let own = Own {
        rule: rule(),
        systems: Arc::new([(PROBE_SYSTEM, system)].into()),
        keys: Arc::new([(PROBE_KEY, key)].into()),
        ways: places.iter().map(|place| (place.model.clone(), place.upstream.clone())).collect(),
    };
    let cell = Arc::new(GateCell::new(Gate::default()));
    let (tell, told) = watch::channel(Changes::default());
    let weak = Arc::downgrade(&cell);
    gate.listen(move |newest| follow(newest, &weak, &own, &tell));
    (cell, told)
}

/// Takes over a snapshot; false: nobody probes any more.
fn follow(newest: &Gate, cell: &Weak<GateCell>, own: &Own, tell: &watch::Sender<Changes>) -> bool {
    let Some(cell) = cell.upgrade() else { return false };
    let generation = newest.policy_generation;
    let is_in_force = |stop: &GateStop| newest.stops.iter().any(|now| now.stop == stop.stop);
    let is_lifted = |stop: &GateStop| !is_in_force(stop) && own.is_held_by(stop);
    let lifted = cell.load().stops.iter().any(is_lifted);
    cell.store(Gate {
        position: newest.position,
        systems: Arc::clone(&own.systems),
        keys: Arc::clone(&own.keys),
        policies: Arc::clone(&newest.policies),
        own: Some(own.rule.clone()),
        packs: Arc::clone(&newest.packs),
        stops: Arc::clone(&newest.stops),
        policy_generation: generation,
        ..Gate::default()
    });
    tell.send_if_modified(|known| {
        let now = Changes { policies: generation, lifts: known.lifts + u64::from(lifted) };
        std::mem::replace(known, now) != now
    });
    true
}

fn rule() -> GatePolicy {
    GatePolicy {
        name: PROBE_POLICY.to_owned(),
        text: RULE.to_owned(),
        digest: hex_of(Sha256::digest(RULE).into()),
    }
}
