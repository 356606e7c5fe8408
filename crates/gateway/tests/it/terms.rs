//! What a provider is declared to do with data decides where calls go, and stands in their records.

use std::sync::Arc;

use tabellion_gateway::UpstreamConfig;
use tabellion_model::body::{DataTerms, Training};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, openai};

use crate::fixture::{Fixture, Setup, policy};

fn asked(model: &str) -> Vec<u8> {
    format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"Hello"}}]}}"#).into_bytes()
}

/// Requirement: G19. A rule by region, retention and training lets through only what declares all of it; records say what was declared.
#[test]
fn rules_decide_by_declared_terms_and_records_keep_them() {
    let provider = Upstream::start(Answer::json(200, openai::CHAT));
    let good = DataTerms { region: Some("eu".to_owned()), retention_days: Some(0), training: Training::No };
    let kinds = [
        ("good", good.clone(), true),
        ("long", DataTerms { retention_days: Some(31), ..good.clone() }, false),
        ("unsaid", DataTerms { retention_days: None, ..good.clone() }, false),
        ("far", DataTerms { region: Some("us".to_owned()), ..good.clone() }, false),
        ("trains", DataTerms { training: Training::Yes, ..good.clone() }, false),
        ("silent", DataTerms { training: Training::Unknown, ..good }, false),
    ];
    let others = kinds.iter().map(|(name, data, _)| UpstreamConfig {
        models: vec![format!("{name}-1")],
        data: data.clone(),
        ..UpstreamConfig::new(*name, provider.base_url())
    });
    let mut setup = Setup { others: others.collect(), ..Setup::default() };
    let text = r#"@id("careful") permit (principal, action, resource)
        when { resource has region && resource.region == "eu" }
        when { resource has retention_days && resource.retention_days <= 30 }
        unless { resource.trains };"#;
    setup.gate.policies = Arc::new(vec![policy(text)]);
    let fixture = Fixture::with(Answer::silence(), setup);
    for (name, data, permitted) in kinds {
        let answer = fixture.chat(&asked(&format!("{name}-1")));
        assert_eq!(answer.status == 200, permitted, "{name}: {}", answer.text());
        if permitted {
            let call = fixture.authorised().pop().expect("a permission");
            assert_eq!((call.upstream.as_str(), call.terms), (name, Some(data)), "which terms were in force");
        } else {
            let denied = fixture.denied().pop().expect("a denial");
            assert_eq!(denied.code, "policy_denied", "{name}");
            assert_eq!((denied.upstream.as_deref(), denied.terms), (Some(name), Some(data)), "{name}");
        }
    }
    let undeclared = fixture.chat(&asked("model-a"));
    assert_eq!(undeclared.code(), "policy_denied", "a provider that declares nothing is none in the region");
    let denied = fixture.denied().pop().expect("a denial");
    assert_eq!((denied.upstream.as_deref(), denied.terms), (Some("scripted"), None));
    let shown = fixture.call("GET", "/v1/models", &[], b"").text().to_owned();
    assert!(shown.contains("good-1"), "{shown}");
    assert_eq!(provider.requests().len(), 1, "the good one alone was asked");
}
