//! How a provider is shown whose requests they are: its key, and what they are signed with.
//!
//! Must never: take a secret that was written in the place of its variable's name, or repeat one.

use std::path::PathBuf;

use tabellion_gateway::{Auth, KeptAt, UpstreamConfig};

use super::Setting;
use super::gateway::is_variable;
use crate::failure::Failure;

/// The keys of `[upstream.NAME]` that are read here.
pub(super) const KEYS: &[&str] = &[
    "key_env",
    "key_file",
    "auth",
    "api_version",
    "aws_region",
    "aws_service",
    "aws_access_key_id_env",
    "aws_access_key_id_file",
    "aws_secret_access_key_env",
    "aws_secret_access_key_file",
    "aws_session_token_env",
    "aws_session_token_file",
];

/// One of them.
pub(super) fn apply(upstream: &mut UpstreamConfig, setting: &Setting) -> Result<(), Failure> {
    let text = || Some(setting.value.clone());
    let aws = &mut upstream.aws;
    match setting.key.as_str() {
        "key_env" => upstream.key_env = Some(variable(setting)?),
        "key_file" => upstream.key_file = Some(PathBuf::from(&setting.value)),
        "auth" => {
            upstream.auth = match setting.value.as_str() {
                "key" => Auth::Key,
                "azure_api_key" => Auth::AzureApiKey,
                "aws_sigv4" => Auth::AwsSigv4,
                _ => {
                    return Err(setting.refused(
                        "is not key, azure_api_key or aws_sigv4: how the provider is shown whose requests they are",
                    ));
                }
            };
        }
        "api_version" => upstream.api_version = text(),
        "aws_region" => aws.region = text(),
        "aws_service" => aws.service = text(),
        key => {
            let (part, place) = key.rsplit_once('_').unwrap_or_default();
            let kept = match part {
                "aws_access_key_id" => &mut aws.access_key_id,
                "aws_secret_access_key" => &mut aws.secret_access_key,
                "aws_session_token" => &mut aws.session_token,
                _ => return Err(setting.unknown()),
            };
            return kept_at(kept, place, setting);
        }
    }
    Ok(())
}

fn kept_at(kept: &mut KeptAt, place: &str, setting: &Setting) -> Result<(), Failure> {
    match place {
        "env" => kept.env = Some(variable(setting)?),
        "file" => kept.file = Some(PathBuf::from(&setting.value)),
        _ => return Err(setting.unknown()),
    }
    Ok(())
}

fn variable(setting: &Setting) -> Result<String, Failure> {
    if is_variable(&setting.value) {
        return Ok(setting.value.clone());
    }
    let why = "is no name of a variable; give the name of the variable that holds the key";
    Err(setting.refused_unseen(why))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Config;
    use super::*;

    fn read(lines: &str) -> Result<UpstreamConfig, Failure> {
        let text =
            format!("[upstream.main]\nbase_url = \"https://api.example\"\nmodels = [\"m\"]\n{lines}\n");
        let config = Config::of(&text, "test.toml", [])?;
        Ok(config.gateway.config().expect("a provider").upstreams.remove(0))
    }

    /// Requirement: N22. The record of the configuration says where a key is, and says of a configuration without any of this what it always said.
    #[test]
    fn keys_of_aws_are_named_by_where_they_are() {
        let plain = serde_json::to_value(read("").expect("plain")).expect("plain");
        for silent in ["auth", "aws", "api_version"] {
            assert_eq!(plain.get(silent), None, "every installation would record a change");
        }
        let upstream = read(
            "api = \"bedrock\"\nauth = \"aws_sigv4\"\naws_region = \"eu-central-1\"\naws_access_key_id_env = \"AWS_ACCESS_KEY_ID\"\n\
             aws_secret_access_key_file = \"/run/aws/secret\"\naws_session_token_file = \"/run/aws/token\"",
        )
        .expect("all of it");
        let kept = serde_json::to_value(&upstream).expect("plain");
        assert_eq!(kept["auth"], "aws_sigv4");
        assert_eq!(
            kept["aws"],
            json!({
                "region": "eu-central-1",
                "access_key_id": { "env": "AWS_ACCESS_KEY_ID" },
                "secret_access_key": { "file": "/run/aws/secret" },
                "session_token": { "file": "/run/aws/token" },
            })
        );
        let azure = read("auth = \"azure_api_key\"\napi_version = \"2024-10-21\"").expect("Azure");
        assert_eq!((azure.auth, azure.api_version.as_deref()), (Auth::AzureApiKey, Some("2024-10-21")));
    }

    /// Requirement: N22. A secret in the place of a name is neither taken nor repeated.
    #[test]
    fn a_secret_in_the_place_of_its_name_is_refused_unseen() {
        for key in ["key_env", "aws_access_key_id_env", "aws_secret_access_key_env", "aws_session_token_env"]
        {
            let refused = format!("{:?}", read(&format!("{key} = \"wJalr/XUtnFEMI\"")).expect_err(key));
            assert!(refused.contains("name of a variable") && !refused.contains("wJalr"), "{key}: {refused}");
        }
        for (line, says) in [("auth = \"sigv4\"", "aws_sigv4"), ("aws_regoin = \"eu\"", "aws_region")] {
            let refused = format!("{:?}", read(line).expect_err(line));
            assert!(refused.contains(says), "{line}: {refused}");
        }
    }

    /// Every key that is offered is one that is read.
    #[test]
    fn every_key_is_read() {
        for key in KEYS {
            let value = if *key == "auth" { "key" } else { "A_NAME" };
            assert!(read(&format!("{key} = \"{value}\"")).is_ok(), "{key} is listed and unknown");
        }
    }
}
