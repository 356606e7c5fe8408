//! The part of a section `[guard.NAME]` that says which service of others is asked, and how.

use std::path::PathBuf;
use std::str::FromStr;

use tabellion_gateway::{GuardKind, GuardOnError, GuardServiceConfig, GuardShape};

use super::Setting;
use super::gateway::{is_variable, items};
use crate::failure::Failure;

/// What every service must have.
const REQUIRED: &str = "a guard or enrichment of kind http takes url (https://host/check), shape (tabellion, presidio or litellm) and version. Set all three and start again";

const REQUIRED_OF_GRPC: &str =
    "a guard of kind grpc takes url (https://host:50051) and version. Set both and start again";
const NO_SHAPE: &str = "shape is for kind http: over gRPC there is one form alone. Remove it";

/// A service as far as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ServiceSketch {
    /// Whether anything was said of one.
    said: bool,
    url: Option<String>,
    shape: Option<GuardShape>,
    version: Option<String>,
    timeout_ms: Option<u64>,
    at_once: Option<u32>,
    on_error: Option<GuardOnError>,
    private_network: bool,
    key_env: Option<String>,
    key_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    entities: Vec<String>,
    language: Option<String>,
    threshold_percent: Option<u8>,
}

impl ServiceSketch {
    /// One key.
    pub(super) fn apply(&mut self, setting: &Setting) -> Result<(), Failure> {
        let value = setting.value.as_str();
        let text = || Some(value.to_owned());
        match setting.key.as_str() {
            // A password or token in a URL would be on record, and in every error that names the URL.
            "url" if value.contains(['@', '?', '#']) => {
                return Err(setting
                    .refused_unseen("holds more than host and path; name a key by key_env or key_file"));
            }
            "url" => self.url = text(),
            "shape" => {
                self.shape = Some(match value {
                    "tabellion" => GuardShape::Tabellion,
                    "presidio" => GuardShape::Presidio,
                    "litellm" => GuardShape::Litellm,
                    _ => {
                        return Err(setting
                            .refused("is not tabellion, presidio or litellm: how the service is spoken to"));
                    }
                });
            }
            "version" => self.version = text(),
            "timeout_ms" => self.timeout_ms = Some(number(setting, "milliseconds")?),
            "at_once" => self.at_once = Some(number(setting, "questions")?),
            "on_error" => {
                self.on_error = Some(match value {
                    "deny" => GuardOnError::Deny,
                    "flag" => GuardOnError::Flag,
                    _ => {
                        return Err(setting.refused(
                            "is not deny or flag: what becomes of a call that the service gives no verdict on",
                        ));
                    }
                });
            }
            "private_network" => {
                self.private_network = value.parse().map_err(|_| setting.refused("is not true or false"))?;
            }
            "key_env" if !is_variable(value) => {
                return Err(setting.refused_unseen(
                    "is no name of a variable; give the name of the variable that holds the key",
                ));
            }
            "key_env" => self.key_env = text(),
            "key_file" => self.key_file = Some(PathBuf::from(value)),
            "ca_file" => self.ca_file = Some(PathBuf::from(value)),
            "entities" => self.entities = items(value).map(str::to_owned).collect(),
            "language" => self.language = text(),
            "threshold_percent" => self.threshold_percent = Some(number(setting, "hundredths, 0 to 100")?),
            _ => return Err(setting.unknown()),
        }
        self.said = true;
        Ok(())
    }

    /// Has `service` stop no call by its silence, as one that is asked when the call is over; refused where a setting says what silence does.
    pub(super) fn lets_all_go(
        &self,
        section: &str,
        service: &mut Option<GuardServiceConfig>,
    ) -> Result<(), Failure> {
        if self.on_error.is_some() {
            return Err(Failure::malformed(format!(
                "[{section}] when = \"after\" looks when the call is over, so that on_error has nothing to decide; remove on_error"
            )));
        }
        if let Some(service) = service {
            service.on_error = GuardOnError::Flag;
        }
        Ok(())
    }

    /// As the gateway takes it; `None` where nothing was said of one. `section` is where it stands, `kind` what asks it.
    pub(super) fn config(
        &self,
        section: &str,
        kind: GuardKind,
    ) -> Result<Option<GuardServiceConfig>, Failure> {
        if !self.said {
            return Ok(None);
        }
        let is_grpc = kind == GuardKind::Grpc;
        if is_grpc && self.shape.is_some() {
            return Err(Failure::malformed(format!("[{section}] {NO_SHAPE}")));
        }
        let shape = if is_grpc { Some(GuardShape::Grpc) } else { self.shape };
        let (Some(url), Some(shape), Some(version)) = (&self.url, shape, &self.version) else {
            let required = if is_grpc { REQUIRED_OF_GRPC } else { REQUIRED };
            return Err(Failure::malformed(format!("[{section}] {required}")));
        };
        let plain = GuardServiceConfig::new(url.clone(), shape, version.clone());
        Ok(Some(GuardServiceConfig {
            timeout_ms: self.timeout_ms.unwrap_or(plain.timeout_ms),
            at_once: self.at_once.unwrap_or(plain.at_once),
            on_error: self.on_error.unwrap_or(plain.on_error),
            private_network: self.private_network,
            key_env: self.key_env.clone(),
            key_file: self.key_file.clone(),
            ca_file: self.ca_file.clone(),
            entities: self.entities.clone(),
            language: self.language.clone(),
            threshold_percent: self.threshold_percent,
            ..plain
        }))
    }
}

pub(super) fn number<T: FromStr>(setting: &Setting, of: &str) -> Result<T, Failure> {
    setting.value.parse().map_err(|_| setting.refused(&format!("is not a number of {of}")))
}
