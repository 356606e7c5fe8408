//! What a configuration says, and what is refused of it.

use super::*;

type Variable = (&'static str, &'static str);

fn config(text: &str, variables: &[Variable]) -> Result<Config, Failure> {
    Config::of(
        text,
        "tabellion.toml",
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

#[test]
fn a_variable_overrides_the_file() {
    let text = "[log]\nhost = \"log.example.org\"\ntenant = \"acme\"\n[retention]\nstandard = 24\n[export]\ndisclose = \"none\"\n";
    let read = config(
        text,
        &[("TABELLION_LOG__TENANT", "other"), ("TABELLION_RETENTION__CALL_LOGS", "3"), ("PATH", "/bin")],
    );
    let read = read.expect("a usual configuration is read");
    assert_eq!(read.tenant.as_deref(), Some("other"), "an operator could not override the file for one run");
    assert_eq!(
        read.host.as_deref(),
        Some("log.example.org"),
        "what no variable names stays as the file says"
    );
    assert_eq!(read.retention.get("standard"), Some(24), "a retention rule would be lost");
    assert_eq!(
        read.retention.get("call-logs"),
        Some(3),
        "a class with a hyphen could not be set by a variable"
    );
    assert_eq!(
        read.disclose,
        Some(DisclosurePolicy::None),
        "an export would disclose more than was configured"
    );
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_nearest_known_one() {
    let cases: [(&str, &[Variable], &[&str]); 5] = [
        ("[log]\nhots = \"x\"\n", &[], &["tabellion.toml", "hots", "did you mean host"]),
        ("[lgo]\nhost = \"x\"\n", &[], &["tabellion.toml", "[lgo]", "did you mean [log]"]),
        ("host = \"x\"\n", &[], &["tabellion.toml", "host", "outside a section"]),
        (
            "",
            &[("TABELLION_EXPORT__DISCLOES", "all")],
            &["TABELLION_EXPORT__DISCLOES", "did you mean disclose"],
        ),
        ("", &[("TABELLION_HOST", "x")], &["TABELLION_HOST", "TABELLION_LOG__HOST"]),
    ];
    for (text, variables, parts) in cases {
        let refused = config(text, variables).expect_err("a misspelt key would silently not apply");
        assert_eq!(refused.code(), 2, "a script must tell wrong use from failure");
        for part in parts {
            assert!(refused.to_string().contains(part), "the operator has to search for {part:?}: {refused}");
        }
    }
}

#[test]
fn a_provider_can_be_named_in_the_file_and_by_variables() {
    let text = "[gateway]\nlisten = \"127.0.0.1:9000\"\n[limits]\nbody_bytes = 1000\n[upstream.local]\nbase_url = \"http://127.0.0.1:1/v1\"\n\
                models = [\"small\", \"tiny-*\"]\naliases = { chat = \"small\" }\nusage_in_streams = false\n";
    let read = config(
        text,
        &[
            ("TABELLION_UPSTREAM__BIG_ONE__BASE_URL", "https://x/v1"),
            ("TABELLION_UPSTREAM__BIG_ONE__MODELS", "a, b"),
        ],
    );
    let gateway = read.expect("a usual configuration").gateway.config().expect("it has providers");
    assert_eq!(gateway.listen.port(), 9000, "the gateway would listen elsewhere");
    assert_eq!(gateway.limits.body_bytes, 1000, "a limit would not apply");
    assert_eq!(gateway.upstreams[0].name, "big-one", "a provider set by variables would be missing");
    assert_eq!(gateway.upstreams[0].models, ["a", "b"], "a list in a variable would be one name");
    let local = &gateway.upstreams[1];
    assert_eq!(local.aliases.get("chat").map(String::as_str), Some("small"), "an alias would be lost");
    assert!(!local.usage_in_streams, "a provider that refuses the member would get it");
    assert!(
        config("", &[]).expect("empty").gateway.config().is_none(),
        "a gateway without a provider would listen"
    );
    for (text, part) in [
        ("[upstream.x]\nbase_ur = \"y\"\n", "did you mean base_url"),
        ("[upstream]\nx = \"y\"\n", "[upstream.NAME]"),
        ("[upstream.X]\nbase_url = \"y\"\n", "a-z, 0-9"),
        ("[upstream.x]\nbase_url = \"https://user:hushed@host/v1\"\n", "key_env or key_file"),
        ("[upstream.x]\nbase_url = \"https://host/v1?key=hushed\"\n", "key_env or key_file"),
        ("[upstream.x]\nkey_env = \"sk-hushed\"\n", "name of the variable"),
        ("[limits]\nbody_byte = 1\n", "did you mean body_bytes"),
        ("[limits]\nbody_bytes = 0\n", "above zero"),
        ("[gateway]\nlisten = \"8088\"\n", "address with a port"),
    ] {
        let refused = config(text, &[]).expect_err("a misspelt setting would silently not apply");
        assert!(refused.to_string().contains(part), "{refused} does not say {part:?}");
        assert!(!refused.to_string().contains("hushed"), "a key was printed: {refused}");
    }
}

#[test]
fn a_value_out_of_range_is_refused_with_the_range() {
    for (text, part) in [
        ("[log]\nenv = \"prod\"\n", "production, sandbox or development"),
        ("[log]\nsegment_mib = 1\n", "16 to 1024"),
        ("[log]\nsegment_mib = true\n", "type boolean"),
        ("[retention]\nstandard = -1\n", "number of months"),
        ("[retention]\nStandard = 1\n", "retention class"),
        ("[export]\ndisclose = \"some\"\n", "all, business or none"),
        ("[log\n", "tabellion.toml:1"),
    ] {
        let refused = config(text, &[]).expect_err("a wrong value would act as something else");
        assert!(refused.to_string().contains(part), "{refused} does not name {part:?}");
    }
}
