//! People, roles, links and sessions: erasing never gives anyone more.

use std::collections::BTreeSet;

use tabellion_ledger::{Ack, Draft, DraftParent};
use tabellion_model::body::{LinkIssued, Role, RoleGranted, RoleRevoked, SessionClosed, SessionOpened};
use tabellion_model::{CredentialId, Micros};
use tabellion_tlog::sha256;
use tabellion_views::query::{Page, Subject};

use crate::fixture::{Bench, added, credential, draft, on};

fn about(bench: &Bench, person: CredentialId, body: Draft, parents: Vec<DraftParent>) -> Ack {
    let mut draft = on(body, format!("person/{person}"));
    draft.parents = parents;
    bench.append(&draft)
}

fn grant(bench: &Bench, person: CredentialId, role: Role) {
    about(bench, person, draft(&RoleGranted { person, role }), Vec::new());
}

fn link(bench: &Bench, person: CredentialId, token: &str) -> Ack {
    let token_sha256 = sha256(token.as_bytes()).to_hex();
    about(bench, person, draft(&LinkIssued { person, token_sha256, expires_at: Micros(99) }), Vec::new())
}

fn session(bench: &Bench, person: CredentialId, link: &Ack, token: &str) -> Ack {
    let body = SessionOpened {
        person,
        link_sha256: sha256(b"link").to_hex(),
        token_sha256: sha256(token.as_bytes()).to_hex(),
        expires_at: Micros(100),
    };
    about(bench, person, draft(&body), vec![bench.parent(link.record_id, link.index, "link")])
}

fn digest(token: &str) -> [u8; 32] {
    sha256(token.as_bytes()).0
}

#[test]
fn a_link_lets_in_once() {
    let bench = Bench::new();
    let ada = credential(1);
    bench.append(&added(ada, "Ada"));
    let issued = link(&bench, ada, "link");
    let views = bench.views();
    let found = views.link(&digest("link")).expect("an answer").expect("a link that was issued");
    assert_eq!(
        (found.person, found.used_entry, found.expires_at),
        (ada, None, Micros(99)),
        "a link is misread"
    );
    let parent = bench.parent(issued.record_id, issued.index, "link");
    assert_eq!(found.issued.hash.to_hex(), parent.hash, "the session could not name its link");
    let opened = session(&bench, ada, &issued, "token");
    let again = session(&bench, ada, &issued, "thief");
    bench.catch_up(&views);
    let used = views.link(&digest("link")).expect("an answer").expect("known").used_entry;
    assert_eq!(used, Some(opened.index), "a used link looks unused");
    assert!(views.session(&digest("thief")).expect("an answer").is_none(), "a link would let in twice");
    let unplaced = views.unplaced(Page::default()).expect("a list").rows;
    assert_eq!(unplaced[0].entry, again.index, "the second use must be told");
    let now = views.session(&digest("token")).expect("an answer").expect("an open session");
    assert_eq!((now.person, now.expires_at), (ada, Micros(100)), "a session is misread");
    assert_eq!(now.link, Some(issued.record_id), "the link of a session is lost");
    assert!(views.session(&digest("guess")).expect("an answer").is_none(), "any token would do");
}

#[test]
fn an_ended_session_stays_ended_whatever_is_erased() {
    let bench = Bench::new();
    let ada = credential(1);
    bench.append(&added(ada, "Ada"));
    let (first, second) = (link(&bench, ada, "link"), link(&bench, ada, "link 2"));
    session(&bench, ada, &first, "token");
    session(&bench, ada, &second, "other");
    let closed = SessionClosed { person: ada, token_sha256: sha256(b"token").to_hex() };
    let parents = vec![bench.parent(first.record_id, first.index, "link")];
    let end = about(&bench, ada, draft(&closed), parents);
    let views = bench.views();
    let is_open = |token| views.session(&digest(token)).expect("an answer").is_some();
    assert!(!is_open("token"), "an ended session would go on");
    assert!(is_open("other"), "another session was ended with it");
    bench.erase_record(&end);
    bench.catch_up(&views);
    assert!(!is_open("token"), "erasing an end would open a session again");
    bench.erase_subject(ada);
    bench.catch_up(&views);
    assert!(!is_open("other"), "somebody who is no longer known would stay signed in");
    let history = views.history(Some(&Subject::Person(ada)), Page::default()).expect("a history");
    assert_eq!(history.rows.len(), 6, "every record about a person is in the history");
    assert_eq!(history.rows[0].record_type, "session.closed", "newest first");
}

#[test]
fn roles_are_what_grants_and_revocations_leave() {
    let bench = Bench::new();
    let (ada, bob) = (credential(1), credential(2));
    bench.append(&added(ada, "Ada"));
    bench.append(&added(bob, "Bob"));
    grant(&bench, ada, Role::Administrator);
    grant(&bench, ada, Role::Auditor);
    grant(&bench, bob, Role::Administrator);
    let revoked = RoleRevoked { person: ada, role: Role::Auditor, reason: "moved".to_owned() };
    let revoked = about(&bench, ada, draft(&revoked), Vec::new());
    let views = bench.views();
    let roles = |person| views.person(person).expect("an answer").expect("known").roles;
    assert_eq!(roles(&ada), BTreeSet::from([Role::Administrator]), "a revoked role is still held");
    assert_eq!(views.holders(Role::Administrator).expect("a list"), [ada, bob], "a holder is missing");
    let named = views.people(Some(&"BO".to_owned()), Page::default()).expect("a list").rows;
    assert_eq!(named.len(), 1, "people are found by name");
    bench.erase_record(&revoked);
    bench.catch_up(&views);
    assert!(roles(&ada).is_empty(), "erasing a revocation would give a role back");
    grant(&bench, ada, Role::Approver);
    bench.erase_subject(bob);
    bench.catch_up(&views);
    assert_eq!(roles(&ada), BTreeSet::from([Role::Approver]), "a later grant counts");
    let holders = views.holders(Role::Administrator).expect("a list");
    assert!(holders.is_empty(), "an erased person would count as the last administrator");
    let bob = views.person(&bob).expect("an answer").expect("that there was somebody stays");
    assert_eq!(bob.details, None, "an erased name is still shown");
}
