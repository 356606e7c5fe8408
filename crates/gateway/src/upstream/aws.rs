//! Requests that leave for AWS are signed here: Signature Version 4, with keys that their files renew (docs/decisions/0053-signed-for-aws.md).
//!
//! Promises: what is signed is the request as it leaves, after everything else was done to it, and each attempt anew; the secret never leaves. Must never: send
//! anything, or sign by another clock than the gateway's.

pub(crate) mod config;
mod credentials;
mod signature;
#[cfg(test)]
mod vectors;

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{Request, Uri};
use tabellion_model::Micros;

use crate::config::{Api, Auth, Log, StartError, UpstreamConfig};
use credentials::Credentials;
use signature::{ALGORITHM, Scope, Signed, written};

/// When a request was signed.
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
/// What belongs to a temporary key.
const SESSION_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
/// The headers that are signed where a request has them, by name order. Others may change on the way.
static SIGNED_HEADERS: [HeaderName; 4] = [CONTENT_TYPE, HOST, DATE, SESSION_TOKEN];
/// Whose keys these are for, where nobody says otherwise.
const SERVICE: &str = "bedrock";
/// Longest name of a region or service.
const MAX_NAME_BYTES: usize = 64;
/// Hosts of AWS name their region.
const HOSTS: &str = ".amazonaws.com";

/// Signs the requests to one provider.
pub(crate) struct Signer {
    region: String,
    service: String,
    credentials: Arc<Credentials>,
}

impl Signer {
    /// The one of `config`, with the key that it names; `None` where its requests are not signed.
    pub(crate) fn new(config: &UpstreamConfig) -> Result<Option<Self>, StartError> {
        let who = format!("upstream {:?}", config.name);
        let refused = |why: &str| Err(StartError::Setting(format!("{who} {why}")));
        let aws = &config.aws;
        if config.auth != Auth::AwsSigv4 {
            if aws.is_silent() {
                return Ok(None);
            }
            return refused(
                "has settings that begin with aws_, and nothing is signed: add auth = \"aws_sigv4\", or remove them",
            );
        }
        if matches!(config.api, Api::Gemini | Api::Vertex) {
            return refused("has an interface of Google's, which takes no signature of AWS: remove auth");
        }
        if config.key_env.is_some() || config.key_file.is_some() {
            return refused(
                "has auth = \"aws_sigv4\", so a key in key_env or key_file would not be sent: remove it, or auth",
            );
        }
        let Some(region) = &aws.region else {
            return refused("has no aws_region, which a signature is for: add it, such as eu-central-1");
        };
        let service = aws.service.as_deref().unwrap_or(SERVICE);
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = |text: &str| (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(plain);
        if !is_name(region) || !is_name(service) {
            return refused("has an aws_region or aws_service that is no name of one: a-z, 0-9 and -");
        }
        if !is_of(&config.base_url, region) {
            return refused(
                "has a base_url of AWS that names another region than aws_region, so that every signature would be refused: correct one of them",
            );
        }
        let credentials = Arc::new(Credentials::new(&who, aws)?);
        Ok(Some(Self { region: region.clone(), service: service.to_owned(), credentials }))
    }

    /// What keeps its key as its files have it; never ends where there are any.
    pub(crate) fn follow(&self, log: &Log) -> impl Future<Output = ()> + Send + 'static {
        Arc::clone(&self.credentials).follow(Arc::clone(log))
    }

    /// Signs `request`, of which `body` is the body, at the time `now`. `None`: it holds what cannot be signed, and may not leave.
    pub(crate) fn sign(&self, request: &mut Request<Full<Bytes>>, body: &[u8], now: Micros) -> Option<()> {
        let key = self.credentials.now();
        *request.uri_mut() = escaped(request.uri())?;
        let time = time_of(now);
        let headers = request.headers_mut();
        headers.insert(DATE, HeaderValue::from_str(&time).ok()?);
        headers.remove(SESSION_TOKEN);
        if let Some(token) = &key.session_token {
            headers.insert(SESSION_TOKEN, token.clone());
        }
        let mut values = Vec::with_capacity(SIGNED_HEADERS.len());
        for name in &SIGNED_HEADERS {
            if let Some(value) = request.headers().get(name) {
                values.push((name.as_str(), value.to_str().ok()?));
            }
        }
        let signed = Signed {
            method: request.method().as_str(),
            path: request.uri().path(),
            query: request.uri().query().unwrap_or_default(),
            headers: &values,
            payload: body,
        };
        let scope = Scope { time: &time, region: &self.region, service: &self.service };
        let line = format!(
            "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={}",
            key.id,
            scope.text(),
            signed.names(),
            scope.sign(&signed, &key.secret)
        );
        let mut line = HeaderValue::from_str(&line).ok()?;
        line.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, line);
        Some(())
    }
}

/// The same place as libraries of AWS write it: a colon in a model's id has two spellings, and both sides must sign one.
fn escaped(target: &Uri) -> Option<Uri> {
    let path = written(target.path());
    match target.query() {
        Some(query) => format!("{path}?{query}").parse().ok(),
        None => path.parse().ok(),
    }
}

/// `20150830T123600Z` of `2015-08-30T12:36:00.000000Z`.
fn time_of(now: Micros) -> String {
    let text = now.to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    seconds.chars().filter(|letter| !matches!(letter, '-' | ':')).chain(['Z']).collect()
}

/// Whether a host of AWS is of `region`; of other hosts nobody knows.
fn is_of(base_url: &str, region: &str) -> bool {
    let host = base_url.parse::<Uri>().ok().and_then(|url| url.host().map(str::to_ascii_lowercase));
    let Some(host) = host else { return true };
    !host.ends_with(HOSTS) || host.split('.').any(|label| label == region)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::config::{AwsConfig, KeptAt};
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// What is wrong with a configuration.
    type Change = fn(&mut UpstreamConfig);

    fn private(path: &Path, text: &str) -> KeptAt {
        std::fs::write(path, text).expect("a file");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("permissions");
        KeptAt { env: None, file: Some(path.to_owned()) }
    }

    fn config(dir: &Path) -> UpstreamConfig {
        UpstreamConfig {
            api: Api::Bedrock,
            auth: Auth::AwsSigv4,
            aws: AwsConfig {
                region: Some("us-east-1".to_owned()),
                access_key_id: private(&dir.join("id"), "AKIDEXAMPLE\n"),
                secret_access_key: private(&dir.join("secret"), SECRET),
                ..AwsConfig::default()
            },
            ..UpstreamConfig::new("bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com")
        }
    }

    fn request(target: &str) -> Request<Full<Bytes>> {
        let request = Request::post(target).header(HOST, "bedrock-runtime.us-east-1.amazonaws.com");
        request.header(CONTENT_TYPE, "application/json").body(Full::default()).expect("a request")
    }

    fn signed(signer: &Signer, target: &str, body: &str) -> Request<Full<Bytes>> {
        let mut request = request(target);
        let now = Micros::parse_date("2015-08-30T12:36:00Z").expect("a time");
        signer.sign(&mut request, body.as_bytes(), now).expect("it can be signed");
        request
    }

    fn header(request: &Request<Full<Bytes>>, name: &str) -> String {
        request.headers().get(name).map_or(String::new(), |value| value.to_str().expect("text").to_owned())
    }

    /// Requirement: N22. The libraries of AWS escape the colon of a model's id and sign the escape; a gateway that signs another path is refused.
    #[test]
    fn a_request_is_signed_as_it_leaves() {
        let dir = tempfile::tempdir().expect("a directory");
        let signer = Signer::new(&config(dir.path())).expect("usable").expect("signed");
        let plain = signed(&signer, "/model/anthropic.claude-v2:1/converse", r#"{"messages":[]}"#);
        assert_eq!(
            plain.uri(),
            "/model/anthropic.claude-v2%3A1/converse",
            "the service would sign another path"
        );
        assert_eq!(header(&plain, "x-amz-date"), "20150830T123600Z");
        let line = header(&plain, "authorization");
        assert_eq!(
            line,
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature={}",
                vectors::OF_BOTOCORE
            ),
            "not what botocore computes of the same request"
        );
        assert!(!line.contains(SECRET), "the secret left");
        let escaped = signed(&signer, "/model/anthropic.claude-v2%3A1/converse", r#"{"messages":[]}"#);
        assert_eq!(header(&escaped, "authorization"), line, "two spellings of one model are signed as two");
        let other = signed(&signer, "/model/anthropic.claude-v2%3A1/converse", r#"{"messages":[1]}"#);
        assert_ne!(header(&other, "authorization"), line, "whoever changes the body keeps the signature");
        assert!(plain.headers()["authorization"].is_sensitive(), "a table of headers may keep it");
    }

    /// Requirement: N22. A temporary key has a token, which is sent and signed.
    #[test]
    fn a_session_token_is_sent_and_signed() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut config = config(dir.path());
        config.aws.session_token = private(&dir.path().join("token"), "of-the-session\n");
        let signer = Signer::new(&config).expect("usable").expect("signed");
        let request = signed(&signer, "/model/m/converse", "{}");
        assert_eq!(header(&request, "x-amz-security-token"), "of-the-session");
        let line = header(&request, "authorization");
        assert!(line.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token"), "{line}");
    }

    /// Requirement: N22. What cannot be meant is found out at the start and not by calls that are refused.
    #[test]
    fn settings_that_no_service_would_take_are_refused_at_the_start() {
        let dir = tempfile::tempdir().expect("a directory");
        let good = config(dir.path());
        let with = |change: &dyn Fn(&mut UpstreamConfig)| {
            let mut config = good.clone();
            change(&mut config);
            Signer::new(&config).map(|signer| signer.is_some()).map_err(|error| error.to_string())
        };
        assert_eq!(with(&|_| {}), Ok(true));
        let cases: [(&str, Change); 10] = [
            ("auth = \"aws_sigv4\"", |config| config.auth = Auth::Key),
            ("Google", |config| config.api = Api::Vertex),
            ("key_env", |config| config.key_env = Some("A_KEY".to_owned())),
            ("aws_region", |config| config.aws.region = None),
            ("another region", |config| config.aws.region = Some("eu-central-1".to_owned())),
            ("a-z", |config| config.aws.service = Some("Bedrock/".to_owned())),
            ("aws_access_key_id_env", |config| config.aws.access_key_id = KeptAt::default()),
            ("aws_secret_access_key_env", |config| config.aws.secret_access_key = KeptAt::default()),
            ("cannot be read", |config| config.aws.session_token.file = Some("/no/such/token".into())),
            ("both set", |config| config.aws.access_key_id.env = Some("AN_ID".to_owned())),
        ];
        for (says, change) in cases {
            let refused = with(&change).expect_err(says);
            assert!(refused.contains(says) && !refused.contains(SECRET), "{says}: {refused}");
        }
        private(&dir.path().join("id"), "AKID EXAMPLE\n");
        assert!(with(&|_| {}).expect_err("no id").contains("no id of an access key"));
    }

    /// Requirement: N22. A host that is not of AWS says nothing of a region.
    #[test]
    fn the_region_of_a_host_is_that_of_the_signature() {
        for (url, is) in [
            ("https://bedrock-runtime.us-east-1.amazonaws.com", true),
            ("https://vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com", true),
            ("https://bedrock-runtime.us-west-2.amazonaws.com", false),
            ("https://inside.example:8443/bedrock", true),
        ] {
            assert_eq!(is_of(url, "us-east-1"), is, "{url}");
        }
    }
}
