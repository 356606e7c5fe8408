//! Whose the files and batches are that calls on declared routes made at a provider: its account knows no systems, so the record says.
//!
//! Promises: a system reads, cancels and deletes what the record says is its own, and nothing else of the account; what nobody has a record of is nobody's. Must
//! never: take a client's word for an id.

use std::collections::BTreeSet;
use std::sync::Arc;

use tabellion_model::SystemId;
use tabellion_model::body::RouteClass;

use super::meter;
use crate::call::Call;
use crate::code::Code;
use crate::decide::Refusal;
use crate::declared::{Declared, Found, Special, is_id};
use crate::names::Named;
use crate::surface::kept::Kept;
use crate::upstream::catalogue::Upstream;
use crate::worker::Shared;

/// Refused where a call asks for a file or batch that is not on record as its system's, or for a list of everybody's.
pub(super) fn check(call: &Call, found: &Found, provider: &str) -> Result<(), Refusal> {
    let class = found.declared.class;
    if !has_owners(class) {
        return Ok(());
    }
    if found.declared.is_list() {
        let why = "a list shows what every system of the provider's account has; ask for what is your system's by its id";
        return Err(Refusal::new(Code::ObjectNotOwn, why));
    }
    let Some(id) = found.id.as_deref() else { return Ok(()) };
    let shared = &call.worker.shared;
    let known = shared.opaque.kept.find(&shared.gate.load(), provider, class, id);
    if known.is_some_and(|known| known.system == call.caller.system_id) {
        return Ok(());
    }
    Err(Refusal::new(Code::ObjectNotOwn, Code::ObjectNotOwn.explain()))
}

/// What a request is answered with that names such a file.
const NAMES_FOREIGN: &str = "the request names a file, and no record says that your system has it: send the file through this gateway first, or what is in it with the request. Of what was made before that was recorded, or elsewhere, an operator knows at the provider";

/// Refused where a request names a file that is not on record as its system's: the model would be given what is in it.
pub(crate) fn check_files(call: &Call, kept: &Kept, provider: &str) -> Result<(), Refusal> {
    let shared = &call.worker.shared;
    let of = (provider, RouteClass::Files);
    let is_own = shared.opaque.kept.has_all(&shared.gate.load(), of, kept.files(), call.caller.system_id);
    if is_own { Ok(()) } else { Err(Refusal::new(Code::ObjectNotOwn, NAMES_FOREIGN)) }
}

/// What a request is answered with that names something else, of these kinds.
pub(super) fn names_unknown(foreign: &[&Named]) -> Refusal {
    let kinds: BTreeSet<&str> = foreign.iter().map(|name| name.kind).collect();
    let kinds: Vec<&str> = kinds.into_iter().collect();
    let why = format!(
        "the request names what the provider keeps ({}), and no record says that it is your system's: it names what answers through this gateway to calls of your system named, and else sends what it means itself. What was made before that was recorded, or elsewhere, an operator can let prompts name (unrecorded, in the section of the upstream)",
        kinds.join(", ")
    );
    Refusal::new(Code::ObjectNotOwn, why)
}

/// Refused where a request names something else that its provider keeps and that is not on record as `system`'s: the model, or what it is lent, would tell what another
/// system said. What no record tells of at all is refused too, unless the configuration lets it pass. Nothing is done for a request that names nothing.
pub(crate) async fn check_others(
    shared: &Shared,
    system: SystemId,
    named: &[Named],
    upstream: &Upstream,
) -> Result<(), Refusal> {
    let foreign = foreign(shared, system, named, upstream).await?;
    if foreign.is_empty() { Ok(()) } else { Err(names_unknown(&foreign)) }
}

/// Which of these are refused.
pub(super) async fn foreign<'n>(
    shared: &Shared,
    system: SystemId,
    named: &'n [Named],
    upstream: &Upstream,
) -> Result<Vec<&'n Named>, Refusal> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let digests: Vec<String> = named.iter().map(|name| name.digest(&upstream.name)).collect();
    // The position first: what a snapshot has, the views can be asked for.
    let position = shared.gate.load().position;
    let recent = shared.names.owners(&digests.iter().map(String::as_str).collect(), position);
    let (gate, asked) = (Arc::clone(&shared.gate), digests.clone());
    // It reads a file: whoever shares this thread does not wait for that.
    let recorded = tokio::task::spawn_blocking(move || gate.owners_of(&asked)).await;
    let Ok(Ok(recorded)) = recorded else {
        let why =
            "whose the things are that the request names cannot be seen now; try again later, or name none";
        return Err(Refusal::new(Code::EvidenceUnavailable, why));
    };
    let foreign = named.iter().zip(&digests).zip(recorded).filter(|((name, digest), recorded)| {
        // What the views have was recorded before, and the first who was answered with a name has it.
        match recorded.as_ref().or_else(|| recent.get(digest.as_str())) {
            _ if upstream.unrecorded.names(name) => false,
            Some(owner) => *owner != system,
            None => !upstream.unrecorded.holds(name),
        }
    });
    Ok(foreign.map(|((name, _), _)| name).collect())
}

/// What the caller's system has from now on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) class: RouteClass,
    pub(super) id: String,
    /// Whether it was made just now.
    pub(super) is_new: bool,
    /// The batch whose answers it holds.
    pub(super) batch: Option<String>,
}

/// What an answer says that the caller's system has from now on: what was made, and the files with what came of a batch.
pub(super) fn of_answer(declared: &Declared, named: &meter::Named) -> Vec<Own> {
    let made = named.id.iter().filter(|_| declared.has_body());
    let made = made.map(|id| Own { class: declared.class, id: id.clone(), is_new: true, batch: None });
    let batch = || named.id.clone().filter(|id| is_id(id));
    let results = [(&named.output_file, batch()), (&named.error_file, None)];
    let results = results.into_iter().filter(|_| declared.class == RouteClass::Batches);
    let results = results.filter_map(|(id, batch)| {
        Some(Own { class: RouteClass::Files, id: id.clone()?, is_new: false, batch })
    });
    made.chain(results).filter(|own| is_id(&own.id)).collect()
}

/// Whether what routes of this class make stays at the provider, under an id.
fn has_owners(class: RouteClass) -> bool {
    matches!(class, RouteClass::Files | RouteClass::Batches)
}

impl Declared {
    /// Whether it shows all that there is.
    fn is_list(&self) -> bool {
        has_owners(self.class) && self.method == "GET" && !self.path.contains("{id}")
    }

    /// Whether its answer names what its caller's system has from now on.
    pub(super) fn names_own(&self) -> bool {
        match self.class {
            RouteClass::Files => self.has_body(),
            RouteClass::Batches => !self.is_list() && self.special != Special::Results,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::dialect::Dialect;

    fn declared(method: &Method, path: &str) -> &'static Declared {
        Found::of(method, &path.parse().expect("a target"), Dialect::OpenAi).expect("declared").declared
    }

    fn named() -> meter::Named {
        let some = |id: &str| Some(id.to_owned());
        meter::Named {
            id: some("made-1"),
            output_file: some("file-out"),
            error_file: some("4111 1111"),
            ..meter::Named::default()
        }
    }

    /// Requirement: N22. What is made is its maker's, results of a batch are those of whoever has it, and an answer that merely tells of something gives nobody anything.
    #[test]
    fn an_answer_gives_what_it_made_and_no_more() {
        let given = |method, path| of_answer(declared(&method, path), &named());
        let made = |class| Own { class, id: "made-1".to_owned(), is_new: true, batch: None };
        let result = || Own {
            class: RouteClass::Files,
            id: "file-out".to_owned(),
            is_new: false,
            batch: Some("made-1".to_owned()),
        };
        assert_eq!(given(Method::POST, "/v1/files"), [made(RouteClass::Files)]);
        assert_eq!(given(Method::POST, "/v1/batches"), [made(RouteClass::Batches), result()]);
        for (method, path) in
            [(Method::GET, "/v1/batches/batch_1"), (Method::POST, "/v1/batches/batch_1/cancel")]
        {
            assert_eq!(given(method, path), [result()], "{path} makes somebody's batch the reader's");
        }
        assert_eq!(given(Method::GET, "/v1/files/file-1"), [], "whoever reads of a file has it");
        assert_eq!(given(Method::DELETE, "/v1/files/file-1"), []);
        assert_eq!(given(Method::POST, "/v1/messages/batches")[..1], [made(RouteClass::Batches)]);
        assert!(
            !declared(&Method::GET, "/v1/messages/batches/b-1/results").names_own(),
            "a result's id becomes a batch's"
        );
    }

    /// Requirement: N22.
    #[test]
    fn lists_are_known_for_what_they_are() {
        for (path, is) in [
            ("/v1/files", true),
            ("/v1/batches", true),
            ("/v1/files/f-1", false),
            ("/v1/batches/b-1", false),
            ("/v1/messages/batches", true),
            ("/v1/messages/batches/b-1", false),
            ("/v1/messages/batches/b-1/results", false),
        ] {
            assert_eq!(declared(&Method::GET, path).is_list(), is, "{path}");
        }
        assert!(!declared(&Method::POST, "/v1/files").is_list());
    }
}
