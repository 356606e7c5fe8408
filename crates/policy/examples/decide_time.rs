//! How long a decision takes, for the number of rules given (ten by default): `cargo run --release -p tabellion-policy --example decide_time`.
//!
//! Reports, never judges: times are those of the machine it runs on.
#![expect(clippy::print_stdout, reason = "it is run to be read")]

use std::fmt::Write as _;
use std::time::Instant;

use tabellion_model::body::{Chain, DataTerms, SystemStage};
use tabellion_model::{CredentialId, Micros, SystemId};
use tabellion_policy::{Action, NamedPolicy, PolicySet, Question};

/// Decisions timed; enough for a 99.9th percentile of a hundred samples.
const SAMPLES: usize = 100_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rules: usize = std::env::args().nth(1).map_or(Ok(10), |count| count.parse())?;
    let mut text = String::new();
    for number in 0..rules {
        match number % 4 {
            0 => writeln!(
                text,
                "permit (principal == System::\"{}\", action == Action::\"chat\", resource == Model::\"model-{number}\") when {{ context.purpose == \"loan-support\" }};",
                SystemId::from_bytes([u8::try_from(number % 256)?; 16])
            )?,
            1 => writeln!(
                text,
                "forbid (principal, action, resource in Upstream::\"upstream-{number}\") unless {{ principal.purposes.contains(context.purpose) }};"
            )?,
            2 => writeln!(
                text,
                "forbid (principal, action, resource) when {{ context.received_bytes > 100000{number} }};"
            )?,
            _ => writeln!(
                text,
                "forbid (principal, action, resource) when {{ context.tools.contains(\"tool-{number}\") && context.hour_utc < 6 }};"
            )?,
        }
    }
    let started = Instant::now();
    let set = PolicySet::compile(&[NamedPolicy { name: "timing", text: &text }])?;
    println!("{rules} rules, compiled in {:?}", started.elapsed());
    let purposes = ["loan-support".to_owned(), "training".to_owned()];
    let tools = ["look_up_customer".to_owned(), "send_letter".to_owned()];
    let question = Question {
        action: Action::Chat,
        system: SystemId::from_bytes([0; 16]),
        system_name: "Loan support assistant",
        stage: SystemStage::Live,
        purposes: &purposes,
        key: CredentialId::from_bytes([9; 16]),
        chain: &Chain::default(),
        model: "model-0",
        asked_as: "default",
        upstream: "local",
        terms: &DataTerms::default(),
        purpose: "loan-support",
        surface: "openai.chat_completions",
        stream: true,
        received_bytes: 1024,
        tools: &tools,
        at: Micros(1_790_000_000_000_000),
    };
    println!("{:?}", set.decide(&question));
    let mut taken = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let started = Instant::now();
        std::hint::black_box(set.decide(std::hint::black_box(&question)).permits());
        taken.push(started.elapsed());
    }
    taken.sort_unstable();
    for (name, per_mille) in [("p50", 500), ("p99", 990), ("p99.9", 999)] {
        let at = taken.get(SAMPLES * per_mille / 1000).copied().unwrap_or_default();
        println!("{name} {:.1} us", at.as_secs_f64() * 1e6);
    }
    Ok(())
}
