//! How the demo comes in: as the first administrator, by a link that works once, as `tabellion person` hands them out.

use crate::directory::Directory;
use crate::failure::Failure;
use crate::request::{Answer, Request, Response};
use crate::writer::{Writer, unexpected};

/// Record type by which a person is made known.
const ADDED: &str = "person.added";
/// What the stream of a person begins with.
const STREAM: &str = "person/";
/// What stands before a link's token.
const MARK: &str = "#link=";
/// How long a link works, in minutes: the demo uses its own at once, and a person reads the other.
const LINK_MINUTES: u64 = 60;

/// The administrator of the demo's log: the first person in it, or a new one.
pub(super) fn administrator(
    directory: &Directory,
    writer: &mut Writer,
    name: &str,
) -> Result<String, Failure> {
    if let Some(person) = first_person(directory)? {
        return Ok(person);
    }
    let roles = vec!["administrator".to_owned()];
    match writer.ask(&Request::AddPerson { name: name.to_owned(), email: String::new(), roles })? {
        Answer::Person { person, .. } => Ok(person),
        other => Err(unexpected(&other)),
    }
}

/// A link that lets `person` in once; `base`: where the control plane is.
pub(super) fn link(writer: &mut Writer, person: &str, base: &str) -> Result<String, Failure> {
    let ask =
        Request::IssueLink { person: person.to_owned(), valid_minutes: LINK_MINUTES, base: base.to_owned() };
    match writer.respond(&ask)? {
        Response::Done(Answer::Link { url, .. }) => Ok(url),
        Response::Done(other) => Err(unexpected(&other)),
        Response::Refused(refusal) => Err(Failure::from(refusal).with(
            ". The first person of the demo's log cannot come in any more; name another directory with --dir",
        )),
    }
}

/// The token of a link.
pub(super) fn token(link: &str) -> &str {
    link.split_once(MARK).map_or(link, |(_, token)| token)
}

fn first_person(directory: &Directory) -> Result<Option<String>, Failure> {
    let reader = directory.reader()?;
    let mut found = None;
    reader.entries(0, reader.size(), |view| {
        let header = view.entry.header().filter(|header| header.record_type.as_str() == ADDED);
        if let Some((stream, _)) = header.and_then(|header| header.stream.as_ref())
            && found.is_none()
        {
            found = stream.as_str().strip_prefix(STREAM).map(str::to_owned);
        }
        Ok(())
    })?;
    Ok(found)
}
