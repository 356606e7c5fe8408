//! What a client sends, as the command line has it.

use std::time::Duration;

use crate::Failure;

pub(crate) struct Options {
    key: String,
    pub(crate) in_flight: usize,
    pub(crate) time: Duration,
    body: usize,
    stream: bool,
    /// Times go to the first event and not to the end.
    pub(crate) first_event: bool,
    batch: usize,
    path: String,
    model: String,
    headers: String,
    /// Whose memory is looked at.
    pub(crate) process: Option<u32>,
}

impl Options {
    pub(crate) fn read(args: &[String]) -> Result<Self, Failure> {
        let mut options = Self {
            key: "none".to_owned(),
            in_flight: 64,
            time: Duration::from_secs(3),
            body: 1024,
            stream: false,
            first_event: false,
            batch: 1,
            path: "/v1/chat/completions".to_owned(),
            model: "bench-1".to_owned(),
            headers: String::new(),
            process: None,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--stream" => {
                    options.stream = true;
                    continue;
                }
                "--first-event" => {
                    (options.stream, options.first_event) = (true, true);
                    continue;
                }
                _ => {}
            }
            let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
            match arg.as_str() {
                "--key" => options.key.clone_from(value),
                "--in-flight" => options.in_flight = value.parse()?,
                "--seconds" => options.time = Duration::from_secs(value.parse()?),
                "--batch" => options.batch = value.parse()?,
                "--body" => options.body = value.parse()?,
                "--path" => options.path.clone_from(value),
                "--model" => options.model.clone_from(value),
                "--header" => options.headers.push_str(&format!("{value}\r\n")),
                "--process" => options.process = Some(value.parse()?),
                _ => return Err(format!("unknown option {arg}").into()),
            }
        }
        Ok(options)
    }

    /// A request whose body has about the size asked for.
    pub(crate) fn request(&self) -> Vec<u8> {
        let text = "Is this application within the limits of the product? ".repeat(self.body / 54 + 1);
        let stream = if self.stream { ",\"stream\":true" } else { "" };
        let body = format!(
            "{{\"model\":\"{}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{}\"}}],\"temperature\":0{stream}}}",
            self.model,
            text.get(..self.body).unwrap_or_default()
        );
        format!(
            "POST {} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nauthorization: Bearer {}\r\n{}content-length: {}\r\n\r\n{body}",
            self.path,
            self.key,
            self.headers,
            body.len()
        )
        .into_bytes()
    }

    /// The request of a client's n-th records: one event, or a batch of them, each of about the size asked for.
    pub(crate) fn records(&self) -> impl Fn(usize, usize) -> Vec<u8> + Send + Sync + use<> {
        let text = "The application meets the conditions that were asked about. ".repeat(self.body / 60 + 1);
        let fields = format!("{{\"score\":614,\"text\":\"{}\"}}", text.get(..self.body).unwrap_or_default());
        let event =
            format!("{{\"kind\":\"event\",\"event\":{{\"name\":\"credit decision\",\"fields\":{fields}}}}}");
        let (path, body) = match self.batch {
            1 => ("/api/v1/records", event),
            many => ("/api/v1/records/batch", format!("{{\"records\":[{}]}}", vec![event; many].join(","))),
        };
        let (run, key) = (std::process::id(), self.key.clone());
        move |client, number| {
            format!(
                "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nauthorization: Bearer {key}\r\nidempotency-key: \
                 {run}-{client}-{number}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
            .into_bytes()
        }
    }
}
