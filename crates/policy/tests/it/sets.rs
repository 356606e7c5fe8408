//! Small sets of rules in every combination, against a second reading of what they mean.

use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use tabellion_model::body::SystemStage;
use tabellion_policy::{NamedPolicy, PolicySet, Verdict};

use crate::call::Call;

/// A rule's condition, as text and as what it says of a call: `None` when it errs.
#[derive(Debug, Clone, Copy)]
enum Condition {
    Always,
    Never,
    Purpose(u8),
    Streams,
    Paused,
    Errs,
    ErrsUnlessStream,
}

impl Condition {
    fn text(self) -> String {
        match self {
            Self::Always => String::new(),
            Self::Never => "when { context.hour_utc > 23 }".to_owned(),
            Self::Purpose(purpose) => format!("when {{ context.purpose == \"p{purpose}\" }}"),
            Self::Streams => "when { context.stream }".to_owned(),
            Self::Paused => "unless { principal.stage != \"paused\" }".to_owned(),
            Self::Errs => "when { context.received_bytes * 9223372036854775807 > 0 }".to_owned(),
            Self::ErrsUnlessStream => {
                "when { context.stream || context.received_bytes * 9223372036854775807 > 0 }".to_owned()
            }
        }
    }

    fn of(self, call: &Call) -> Option<bool> {
        match self {
            Self::Always => Some(true),
            Self::Never => Some(false),
            Self::Purpose(purpose) => Some(call.purpose == format!("p{purpose}")),
            Self::Streams => Some(call.stream),
            Self::Paused => Some(call.stage == SystemStage::Paused),
            Self::Errs => None,
            Self::ErrsUnlessStream => call.stream.then_some(true),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Sketch {
    permits: bool,
    /// Number of the model it is limited to.
    model: Option<u8>,
    condition: Condition,
}

impl Sketch {
    fn text(self) -> String {
        let effect = if self.permits { "permit" } else { "forbid" };
        let resource =
            self.model.map_or("resource".to_owned(), |model| format!("resource == Model::\"m{model}\""));
        format!("{effect} (principal, action, {resource}) {};\n", self.condition.text())
    }

    fn of(self, call: &Call) -> Option<bool> {
        if self.model.is_some_and(|model| call.model != format!("m{model}")) {
            return Some(false);
        }
        self.condition.of(call)
    }
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let condition = prop_oneof![
        3 => Just(Condition::Always),
        1 => Just(Condition::Never),
        3 => (0_u8..2).prop_map(Condition::Purpose),
        2 => Just(Condition::Streams),
        1 => Just(Condition::Paused),
        1 => Just(Condition::Errs),
        1 => Just(Condition::ErrsUnlessStream),
    ];
    (proptest::bool::weighted(0.7), proptest::option::of(0_u8..2), condition)
        .prop_map(|(permits, model, condition)| Sketch { permits, model, condition })
}

fn call() -> impl Strategy<Value = Call> {
    (0_u8..2, 0_u8..2, any::<bool>(), proptest::bool::weighted(0.2)).prop_map(
        |(model, purpose, stream, paused)| Call {
            model: format!("m{model}"),
            purpose: format!("p{purpose}"),
            stream,
            stage: if paused { SystemStage::Paused } else { SystemStage::Live },
            ..Call::default()
        },
    )
}

/// The sketches as one policy called `p`.
fn compiled(sketches: &[Sketch]) -> PolicySet {
    let text: String = sketches.iter().map(|sketch| sketch.text()).collect();
    let policies = if sketches.is_empty() { vec![] } else { vec![NamedPolicy { name: "p", text: &text }] };
    PolicySet::compile(&policies).unwrap()
}

/// The verdict's name and rules as the documentation says them.
fn expected(sketches: &[Sketch], call: &Call) -> (&'static str, Vec<String>) {
    let named = |wanted: &dyn Fn(&Sketch) -> bool| -> Vec<String> {
        let with_numbers = sketches.iter().enumerate().filter(|(_, sketch)| wanted(sketch));
        with_numbers.map(|(number, _)| format!("p.rule{}", number + 1)).collect()
    };
    let forbids = named(&|sketch| !sketch.permits && sketch.of(call) == Some(true));
    let errs = named(&|sketch| sketch.of(call).is_none());
    let permits = named(&|sketch| sketch.permits && sketch.of(call) == Some(true));
    [("forbid", forbids), ("erred", errs), ("permit", permits)]
        .into_iter()
        .find(|(_, rules)| !rules.is_empty())
        .unwrap_or(("none permits", Vec::new()))
}

fn kind(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Permit { .. } => "permit",
        Verdict::Forbid { .. } => "forbid",
        Verdict::NonePermits => "none permits",
        Verdict::Erred { .. } => "erred",
        other => panic!("a verdict that no caller knows: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_set_decides_as_its_rules_read(sketches in proptest::collection::vec(sketch(), 0..6), call in call()) {
        let verdict = compiled(&sketches).decide(&call.question());
        let (name, rules) = expected(&sketches, &call);
        prop_assert_eq!(kind(&verdict), name, "a rule does not do what it says");
        prop_assert_eq!(verdict.rules(), &rules[..], "the record would name other rules than decided");
    }

    #[test]
    fn another_forbid_never_opens_anything(
        sketches in proptest::collection::vec(sketch(), 0..6), more in sketch(), at in any::<proptest::sample::Index>(), call in call()
    ) {
        let before = compiled(&sketches).decide(&call.question()).permits();
        let mut with = sketches.clone();
        with.insert(at.index(sketches.len() + 1), Sketch { permits: false, ..more });
        let after = compiled(&with).decide(&call.question()).permits();
        prop_assert!(before || !after, "a rule that was meant to stop calls lets one through");
    }

    #[test]
    fn one_permit_less_never_opens_anything_but_for_its_error(
        sketches in proptest::collection::vec(sketch(), 1..6), at in any::<proptest::sample::Index>(), call in call()
    ) {
        let removed = sketches[at.index(sketches.len())];
        let mut without = sketches.clone();
        without.remove(at.index(sketches.len()));
        let before = compiled(&sketches).decide(&call.question()).permits();
        let after = compiled(&without).decide(&call.question()).permits();
        let opened = !before && after;
        prop_assert!(!opened || !removed.permits || removed.of(&call).is_none(), "withdrawing a permission lets a call through");
    }
}
