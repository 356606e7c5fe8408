//! Secrets: keys with a form, keys with a name, and what only looks like one. The keys are made up.

use tabellion_mask::{Class, Classes, Context, scan_with};

use crate::found_of;

#[track_caller]
fn finds(class: Class, text: &str, value: &str) {
    assert_eq!(found_of(text, Classes::DEFAULT), [(class.name(), value)], "a secret would leave in {text:?}");
}

#[track_caller]
fn leaves(text: &str) {
    assert_eq!(found_of(text, Classes::DEFAULT), [], "code would be broken in {text:?}");
}

/// So many characters that look random.
fn random(len: usize) -> String {
    "k3Xw9ZqT7mB2nV5cR8sY1pL4gJ6hD0fA".chars().cycle().take(len).collect()
}

fn hex(len: usize) -> String {
    "3f9a1c5e7b2d8064".chars().cycle().take(len).collect()
}

#[test]
fn keys_of_vendors_are_found_by_their_form() {
    for key in [
        format!("AKIA{}", random(16).to_uppercase()),
        format!("AIza{}", random(35)),
        format!("ghp_{}", random(36)),
        format!("github_pat_{}", random(60)),
        format!("glpat-{}", random(20)),
        format!("xoxb-12345678901-{}", random(24)),
        format!("sk_live_{}", random(24)),
        format!("sk-ant-api03-{}", random(80)),
        format!("sk-proj-{}", random(48)),
        format!("sk-{}", random(48)),
        format!("npm_{}", random(36)),
        format!("pypi-{}", random(80)),
        format!("SG.{}.{}", random(22), random(43)),
        format!("AC{}", hex(32)),
        format!("hf_{}", random(34)),
        format!("dop_v1_{}", hex(64)),
    ] {
        finds(Class::ApiKey, &key, &key);
        finds(Class::ApiKey, &format!("use {key}, please"), &key);
        finds(Class::ApiKey, &format!("['{key}']"), &key);
        leaves(&format!("x{key}"));
    }
    leaves(
        "ask-proj- sk-learn sk_live_ ghp_short AKIA npm_config_registry task-management-system-component-name-long",
    );
}

#[test]
fn private_keys_and_tokens_are_found_whole() {
    let key = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n{}\n-----END RSA PRIVATE KEY-----",
        random(64),
        random(64)
    );
    finds(Class::PrivateKey, &format!("key:\n{key}\nend"), &key);
    let cut = format!("-----BEGIN PRIVATE KEY-----\n{}", random(640));
    finds(Class::PrivateKey, &cut, &cut);
    leaves("-----BEGIN PUBLIC KEY-----\nTUlJQklqQU5CZ2txaGtpRzl3MEJBUUVGQUFPQ0FR\n-----END PUBLIC KEY-----");
    leaves("| --- | ----- |");
    let token = format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{}", random(43));
    finds(Class::Jwt, &token, &token);
    finds(Class::Jwt, &format!("Authorization: Bearer {token}"), &token);
    leaves("eyJhbGciOiJIUzI1NiJ9 alone");
}

#[test]
fn names_make_secrets() {
    for (text, secret) in [
        ("password=hunter2!x", "hunter2!x"),
        ("password: \"correct-horse 7\"", ""),
        ("DB_PASSWORD='s3cr3t-pa55'", "s3cr3t-pa55"),
        ("{\"password\": \"Tr0ub4dor&3\"}", "Tr0ub4dor&3"),
        ("api_key = \"k3Xw9ZqT7mB2nV5cR8sY\"", "k3Xw9ZqT7mB2nV5cR8sY"),
        ("apiKey: k3Xw9ZqT7mB2nV5cR8sY", "k3Xw9ZqT7mB2nV5cR8sY"),
        ("Authorization: Bearer k3Xw9ZqT7mB2nV5cR8sY", "k3Xw9ZqT7mB2nV5cR8sY"),
        ("AccountKey=k3Xw9ZqT7mB2nV5cR8sY1pL4gJ6hD0fA==;", "k3Xw9ZqT7mB2nV5cR8sY1pL4gJ6hD0fA=="),
        ("postgres://app:w0rd-77@db.example/x", "w0rd-77"),
        ("Passwort: geheim-99.", "geheim-99"),
        ("github_token=k3Xw9ZqT7mB2nV5c", "k3Xw9ZqT7mB2nV5c"),
    ] {
        match secret {
            "" => leaves(text),
            secret => finds(Class::Password, text, secret),
        }
    }
}

#[test]
fn names_of_secrets_and_stand_ins_stay() {
    for text in [
        "password=",
        "password: your_password",
        "password = os.environ[\"PW\"]",
        "token: ${TOKEN}",
        "secret: {{ secret }}",
        "api_key=<your key>",
        "password=changeme",
        "the password: it is wrong",
        "max_tokens: 256",
        "prompt_tokens=800123",
        "key: value1234567890ab",
        "token = next_token()",
        "password: ********",
        "let password = read_line();",
        "primary_key: id1234567890",
        "https://host.example:8080/x",
        "tokens: k3Xw9ZqT7mB2nV5c",
        "secret: null",
        "password=<PASSWORD_7Q2K4F>",
    ] {
        leaves(text);
    }
}

#[test]
fn a_field_says_what_its_text_is() {
    let found = |field, text| {
        let found = scan_with(text, Context { field: Some(field) }, Classes::DEFAULT);
        found.map(|finding| (finding.class, finding.value.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(found("db_password", "hunter2!x"), [(Class::Password, "hunter2!x".to_owned())]);
    assert_eq!(found("phoneNumber", "5321234567"), [(Class::Phone, "5321234567".to_owned())]);
    assert_eq!(found("ssn", "472961046"), [(Class::UsSsn, "472961046".to_owned())]);
    assert_eq!(found("date_of_birth", "1985-03-12"), [(Class::BirthDate, "1985-03-12".to_owned())]);
    assert_eq!(found("note", "5321234567"), []);
    assert_eq!(found("password_hint", "my first cat"), []);
}
