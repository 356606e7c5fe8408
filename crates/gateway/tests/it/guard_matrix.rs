//! Every combination of a route, whole and streamed, with a service that a guard asks in each of its forms and that is up, down, slow or talks rubbish: one test
//! each, named `form::route::how::state`, so that what fails names what is open.

use tabellion_gateway::{Api, GuardConfig, GuardServiceConfig, GuardShape, GuardSide, UpstreamConfig};
use tabellion_model::body::{Delivered, GuardOutcome, Outcome};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::Answer;

use crate::fixture::{Fixture, Setup};
use crate::grpc_guards;
use crate::grpc_server::{self, GrpcServer, Reply};
use crate::guards::{routes, told};
use crate::outside_guards::{guard, is_of_numbers, provider, service, service_at};

/// How a service is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    Own,
    Grpc,
    Presidio,
    Litellm,
}

/// Where a caller asks; the last two at a provider of the other interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Chats,
    Responses,
    Messages,
    Embeddings,
    TokenCounts,
    ChatsForMessages,
    MessagesForChats,
}

impl Route {
    fn path(self) -> &'static str {
        match self {
            Self::Chats | Self::ChatsForMessages => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
            Self::Messages | Self::MessagesForChats => "/v1/messages",
            Self::Embeddings => "/v1/embeddings",
            Self::TokenCounts => "/v1/messages/count_tokens",
        }
    }

    /// The interface of a provider that is translated for.
    fn translated(self) -> Option<Api> {
        match self {
            Self::ChatsForMessages => Some(Api::Anthropic),
            Self::MessagesForChats => Some(Api::OpenAi),
            _ => None,
        }
    }
}

/// How a service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Passes,
    Blocks,
    Down,
    Slow,
    Rubbish,
}

impl State {
    /// A guard that asks a service in this state, which lives as long as what comes with it.
    fn guard(self, wire: Wire, on: GuardSide) -> (GuardConfig, Option<Box<dyn std::any::Any>>) {
        let slow = |service: GuardServiceConfig| {
            let timeout_ms = if self == Self::Slow { 60 } else { service.timeout_ms };
            GuardServiceConfig { timeout_ms, ..service }
        };
        if wire == Wire::Grpc {
            let server = self.grpc_server();
            let nobody = || grpc_guards::service_at(Upstream::nobody().trim_end_matches("/v1"));
            let asked = server.as_ref().map_or_else(nobody, grpc_guards::service);
            return (
                grpc_guards::guard("outside", on, slow(asked)),
                server.map(|server| Box::new(server) as _),
            );
        }
        let server = self.server(wire);
        let asked = server.as_ref().map_or_else(|| service_at(Upstream::nobody()), service);
        let shaped = match wire {
            Wire::Own | Wire::Grpc => asked,
            Wire::Presidio => GuardServiceConfig {
                shape: GuardShape::Presidio,
                entities: vec!["US_ITIN".to_owned()],
                ..asked
            },
            Wire::Litellm => GuardServiceConfig { shape: GuardShape::Litellm, ..asked },
        };
        (guard("outside", on, slow(shaped)), server.map(|server| Box::new(server) as _))
    }

    fn grpc_server(self) -> Option<GrpcServer> {
        let reply = match self {
            Self::Passes => Reply::message(grpc_server::PASS),
            Self::Blocks => Reply::message(grpc_server::BLOCK),
            Self::Down => return None,
            Self::Slow => Reply::Silence,
            Self::Rubbish => Reply::message(grpc_server::JUNK),
        };
        Some(GrpcServer::start(move |_| reply.clone()))
    }

    fn server(self, wire: Wire) -> Option<Upstream> {
        let (passes, blocks) = match wire {
            Wire::Own | Wire::Grpc => {
                (r#"{"verdict":"pass"}"#, r#"{"verdict":"block","reason_code":"off-topic"}"#)
            }
            Wire::Presidio => ("[]", r#"[{"entity_type":"US_ITIN","start":0,"end":1,"score":0.9}]"#),
            Wire::Litellm => (r#"{"action":"NONE"}"#, r#"{"action":"BLOCKED"}"#),
        };
        let answer = match self {
            Self::Passes => Answer::json(200, passes),
            Self::Blocks => Answer::json(200, blocks),
            Self::Down => return None,
            Self::Slow => Answer::silence(),
            // A word that some other service would let a call go on by.
            Self::Rubbish => Answer::json(200, r#"{"verdict":"allow","action":"ALLOW"}"#),
        };
        Some(Upstream::start(answer))
    }

    /// What is on record of it, and the code that a caller gets.
    fn recorded(self, wire: Wire) -> (GuardOutcome, Vec<&'static str>, Option<&'static str>) {
        let blocked = match wire {
            Wire::Own | Wire::Grpc => "off-topic",
            Wire::Presidio => "US_ITIN",
            Wire::Litellm => "blocked",
        };
        match self {
            Self::Passes => (GuardOutcome::Passed, vec![], None),
            Self::Blocks => (GuardOutcome::Blocked, vec![blocked], Some("guard_blocked")),
            Self::Down => (GuardOutcome::Errored, vec!["unreachable"], Some("guard_errored")),
            Self::Slow => (GuardOutcome::Errored, vec!["timeout"], Some("guard_errored")),
            Self::Rubbish => (GuardOutcome::Errored, vec!["malformed"], Some("guard_errored")),
        }
    }
}

/// A gateway with the guard; the provider of a translated route, where there is one; and what a caller sends.
fn fixture(route: Route, guard: GuardConfig, stream: bool) -> (Fixture, Option<Upstream>, Vec<u8>) {
    let (_, api, body) = routes("what grows in pots?", stream)
        .into_iter()
        .find(|(path, ..)| *path == route.path())
        .expect("a route of that path");
    let Some(translated) = route.translated() else {
        let setup = Setup { guards: vec![guard], api, ..Setup::default() };
        return (Fixture::with(provider(), setup), None, body);
    };
    let behind = Upstream::start(provider());
    let other = UpstreamConfig {
        api: translated,
        models: vec!["model-t".to_owned()],
        translate: true,
        ..UpstreamConfig::new("translated", behind.base_url())
    };
    let setup = Setup { guards: vec![guard], others: vec![other], ..Setup::default() };
    let body = String::from_utf8(body).expect("JSON").replace("model-a", "model-t").into_bytes();
    (Fixture::with(Answer::silence(), setup), Some(behind), body)
}

/// Asks once with the guard on each side that the route has: nothing goes on without a verdict, the record says how it went, and the caller is told.
fn check(wire: Wire, route: Route, stream: bool, state: State) {
    for side in [GuardSide::Prompt, GuardSide::Answer] {
        // Numbers are not looked at.
        if side == GuardSide::Prompt || !is_of_numbers(route.path()) {
            check_side(wire, (route, stream), state, side);
        }
    }
}

fn check_side(wire: Wire, (route, stream): (Route, bool), state: State, side: GuardSide) {
    let (guard, _server) = state.guard(wire, side);
    let (fixture, behind, body) = fixture(route, guard, stream);
    let answer = fixture.call("POST", route.path(), &[], &body);
    let (outcome, labels, code) = state.recorded(wire);
    let what = format!("{wire:?} {state:?} {side:?} {route:?} stream={stream}: {}", answer.text());
    let speaks = !is_of_numbers(route.path());
    assert_eq!(answer.text().contains("Kumquats"), code.is_none() && speaks, "{what}");
    let guards = if side == GuardSide::Prompt && code.is_some() {
        let asked = behind.as_ref().unwrap_or(&fixture.upstream);
        assert!(asked.requests().is_empty(), "the prompt was sent: {what}");
        assert!(fixture.authorised().is_empty(), "{what}");
        let denied = fixture.denied().remove(0);
        assert_eq!(Some(denied.code.as_str()), code, "{what}");
        assert_eq!(u64::from(answer.status), denied.status, "{what}");
        denied.guards
    } else {
        let end = fixture.end();
        assert_eq!(end.code.as_deref(), code, "{what}");
        let wanted = match code {
            None => (Outcome::Answered, Delivered::Whole),
            Some(_) => (Outcome::Cut, Delivered::Nothing),
        };
        assert_eq!((end.outcome, end.delivered), wanted, "{what}");
        if side == GuardSide::Prompt { fixture.authorised().remove(0).guards } else { end.guards }
    };
    assert_eq!(told(&guards), [("outside", outcome, labels)], "{what}");
    if let Some(code) = code {
        assert!(answer.text().contains(code), "the caller is not told: {what}");
    }
}

/// A test for each state.
macro_rules! states {
    ($wire:ident, $route:ident, $stream:literal) => {
        states!($wire, $route, $stream:
            passes Passes, blocks Blocks, is_down Down, is_slow Slow, talks_rubbish Rubbish);
    };
    ($wire:ident, $route:ident, $stream:literal: $($name:ident $state:ident),+) => {$(
        /// Requirement: N20, N21.
        #[test]
        fn $name() {
            use crate::guard_matrix::{Route, State, Wire, check};
            check(Wire::$wire, Route::$route, $stream, State::$state);
        }
    )+};
}

/// The same for an answer as a whole and for a stream.
macro_rules! both {
    ($wire:ident, $route:ident) => {
        mod whole {
            states!($wire, $route, false);
        }
        mod streamed {
            states!($wire, $route, true);
        }
    };
}

/// The same for each route.
macro_rules! routes {
    ($wire:ident) => {
        mod chats {
            both!($wire, Chats);
        }
        mod responses {
            both!($wire, Responses);
        }
        mod messages {
            both!($wire, Messages);
        }
        mod embeddings {
            states!($wire, Embeddings, false);
        }
        mod token_counts {
            states!($wire, TokenCounts, false);
        }
        mod chats_at_a_provider_of_messages {
            both!($wire, ChatsForMessages);
        }
        mod messages_at_a_provider_of_chats {
            both!($wire, MessagesForChats);
        }
    };
}

mod own_form {
    routes!(Own);
}
mod over_grpc {
    routes!(Grpc);
}
mod as_presidio {
    routes!(Presidio);
}
mod as_litellm {
    routes!(Litellm);
}
