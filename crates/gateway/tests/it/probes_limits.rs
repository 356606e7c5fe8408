//! Probes at the edges of what may be set up: as many rules as there may be in force, and a canary without text.

use std::sync::Arc;

use tabellion_gateway::{
    Gateway, GatewayConfig, GuardConfig, GuardKind, GuardServiceConfig, GuardShape, ProbeConfig,
};
use tabellion_model::body::{Body as _, GuardProbed, ProbeResult};
use tabellion_testkit::upstream::Script;
use tabellion_views::gate::Gate;

use crate::fixture::{Fixture, Setup, body, gate, policy};
use crate::probes::PATIENCE;

/// The most rules that may be in force (docs/policies.md).
const MOST_RULES: usize = 256;

/// What the canaries of one guard and of masking came to while so many rules are in force.
fn results(rules: usize) -> Vec<(ProbeResult, Option<String>)> {
    let forbids = "forbid (principal, action, resource) when { context.stream && !context.stream };\n";
    let permits = "permit (principal, action, resource);\n";
    let text = forbids.repeat(rules - 1) + permits;
    let setup = Setup {
        gate: Gate { policies: Arc::new(vec![policy(&text)]), ..gate() },
        guards: vec![GuardConfig::new("taken-over", GuardKind::Injection)],
        probes: ProbeConfig { every_s: None, ..ProbeConfig::default() },
        ..Setup::default()
    };
    let fixture = Fixture::with(Script::by(|_, _| panic!("a canary reached a provider")), setup);
    let probing = fixture.gateway.as_ref().expect("not stopped").probing();
    probing.run(PATIENCE).expect("a round comes to its end");
    let round: GuardProbed = body(&fixture.of_type(GuardProbed::TYPE).pop().expect("a round is on record"));
    assert!(!round.places.is_empty(), "nothing is tried");
    round.places.into_iter().map(|place| (place.result, place.why)).collect()
}

/// Requirement: N19. The rule by which canaries are permitted is nobody's, and takes the place of nobody's.
#[test]
fn as_many_rules_as_there_may_be_leave_room_for_canaries() {
    for place in results(MOST_RULES) {
        assert_eq!(place, (ProbeResult::Stopped, None), "nobody would know whether guards hold");
    }
    // One more denies every call; canaries are no way around that.
    for (result, why) in results(MOST_RULES + 1) {
        assert_eq!((result, why.as_deref()), (ProbeResult::Untested, Some("policy_error")));
    }
}

/// Requirement: N19. A canary without text would be found nowhere, and be reported as one that nobody wrote.
#[test]
fn a_canary_without_text_refuses_the_start() {
    let service = || GuardServiceConfig {
        private_network: true,
        ..GuardServiceConfig::new("http://127.0.0.1:1/check".to_owned(), GuardShape::Tabellion, "1")
    };
    let checked = |canary: Option<&str>| {
        let guard = GuardConfig {
            service: Some(service()),
            canary: canary.map(str::to_owned),
            ..GuardConfig::new("others", GuardKind::Http)
        };
        let config = GatewayConfig { guards: vec![guard], ..GatewayConfig::default() };
        Gateway::check(&config).map_err(|error| error.to_string())
    };
    for empty in ["", " ", "\t\n", "\u{3000}"] {
        let said = checked(Some(empty)).expect_err("it is taken");
        assert!(said.contains("[guard.others]") && said.contains("canary is empty"), "{said}");
    }
    for canary in [None, Some("x")] {
        assert!(checked(canary).is_ok(), "{canary:?} is refused");
    }
}
