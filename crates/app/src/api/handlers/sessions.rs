//! `/api/v1/session`.

use super::Answered;
use crate::api::credentials::{cleared_cookie, csrf_of, session_cookie};
use crate::api::route::{Asked, Empty, Input, Json, Nothing, Reply};
use crate::refusal::{Code, Refusal};
use crate::work::sessions::{OpenedSession, Session, SessionFor, UseLink};

pub(in crate::api) fn open(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, UseLink>,
) -> Answered<OpenedSession> {
    // Else another site could sign a browser in as somebody of its choice.
    if asked.cross_site {
        return Err(Refusal::new(Code::CrossSite, "another site's page asked for the session"));
    }
    let (token, actor, written) = asked.desk.open_session(&input.body.link)?;
    let browser = input.body.holder == SessionFor::Browser;
    let session = asked.desk.session(&actor, browser.then(|| csrf_of(&token)))?;
    let cookie = session_cookie(&token, asked.settings.is_https());
    let token = (!browser).then_some(token);
    let reply = Reply::of(Json(OpenedSession { session, token, recorded: (&written).into() }));
    let reply = reply.written(written);
    Ok(if browser { reply.header("set-cookie", cookie) } else { reply })
}

pub(in crate::api) fn read(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Session> {
    Ok(Reply::of(Json(asked.desk.session(asked.actor()?, asked.csrf_token.clone())?)))
}

pub(in crate::api) fn close(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Result<Reply<Empty>, Refusal> {
    let written = asked.desk.close_session(asked.actor()?)?;
    let reply = Reply::of(Empty).written(written);
    Ok(reply.header("set-cookie", cleared_cookie(asked.settings.is_https())))
}
