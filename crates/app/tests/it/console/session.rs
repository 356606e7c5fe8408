//! Coming in, staying in, leaving: links, cookies, forms of other sites.

use serde_json::json;
use tabellion_model::body::Role;

use super::browser::{Browser, come_in, encoded, form_of};
use crate::api::house::House;

#[test]
fn looking_at_a_link_does_not_use_it_up_and_coming_in_does() {
    let house = House::new();
    let (person, _) = house.person("Ada", &[Role::Administrator]);
    let link = house.link(&person);
    for path in ["/", "/login", &format!("/login?link={link}")] {
        let looked = house.ask("GET", path).header("accept", "text/html").send();
        assert!(matches!(looked.status, 200 | 303), "a preview is answered with {}", looked.status);
        assert!(
            looked.header("set-cookie").is_none(),
            "a program that previews links would come in as the person"
        );
    }
    let cookie = come_in(&house, &format!("http://127.0.0.1:8087/#link={link}"));
    let signed_in = house.ask("GET", "/").header("cookie", &cookie).send();
    assert_eq!(signed_in.status, 200, "the person is not in: {}", signed_in.text());
    let again = house
        .ask("POST", "/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .raw(format!("link={link}").as_bytes())
        .send();
    assert_eq!(again.status, 403, "a link that was overheard would let somebody in again");
    assert!(again.header("set-cookie").is_none());
    assert!(again.text().contains("unknown, used or expired"), "nobody is told what to do: {}", again.text());
}

#[test]
fn the_session_is_a_cookie_that_neither_scripts_nor_other_sites_get() {
    let house = House::new();
    let (person, _) = house.person("Ada", &[Role::Administrator]);
    let body = encoded(&[("link".to_owned(), house.link(&person))]);
    let ask = |house: &House| {
        house
            .ask("POST", "/login")
            .header("content-type", "application/x-www-form-urlencoded")
            .raw(body.as_bytes())
            .send()
    };
    let cookie = ask(&house).header("set-cookie").expect("a cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{part} is missing: {cookie}");
    }
    let house = House::with(|settings| settings.public_url = "https://notary.example".to_owned());
    let (person, _) = house.person("Ada", &[Role::Administrator]);
    let body = encoded(&[("link".to_owned(), house.link(&person))]);
    let answer = house
        .ask("POST", "/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .raw(body.as_bytes())
        .send();
    let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
    assert!(
        cookie.starts_with("__Host-") && cookie.contains("; Secure"),
        "another host or plain HTTP could set or see it: {cookie}"
    );
    let pair = cookie.split(';').next().expect("a pair");
    assert_eq!(
        house.ask("GET", "/").header("cookie", pair).send().status,
        200,
        "the own cookie is not known"
    );
    let shadow = pair.replacen("__Host-", "", 1);
    assert_eq!(
        house.ask("GET", "/").header("cookie", &shadow).send().status,
        303,
        "a cookie that another host set would be taken"
    );
}

#[test]
fn a_session_that_is_over_leads_to_where_one_comes_in_and_back() {
    let house = House::new();
    let browser = Browser::of(&house, "Ada", &[Role::Administrator]);
    let (action, fields) = ("/logout", form_of(&browser.page("/systems/new"), "system").1);
    let csrf: Vec<_> = fields.into_iter().filter(|(name, _)| name == "csrf").collect();
    let left = browser.post(action, &csrf);
    assert_eq!((left.status, left.header("location")), (303, Some("/login?left=yes")), "{}", left.text());
    let later = browser.get("/calls?state=denied");
    assert_eq!(later.status, 303, "a session that was ended goes on");
    assert_eq!(
        later.header("location"),
        Some("/login?next=%2Fcalls%3Fstate%3Ddenied&ended=yes"),
        "the way back is lost"
    );
    let page = house.ask("GET", "/login?next=%2Fcalls%3Fstate%3Ddenied&ended=yes").send().text();
    assert!(
        page.contains("Your session is over") && page.contains("value=\"/calls?state=denied\""),
        "{page}"
    );
    let stolen =
        browser.post("/systems/new", &[("csrf".into(), csrf[0].1.clone()), ("name".into(), "x".into())]);
    assert_eq!(stolen.status, 401, "a stolen cookie of a session that was ended still acts");
    assert!(stolen.text().contains("Sign in"), "nobody is told what to do");
    // The way back to the form stands in the page: the browser kept what was typed into it.
    let from = |place: &str| {
        let ask = house.ask("POST", "/registers/task/new").header("cookie", &browser.cookie);
        let ask = ask.header("content-type", "application/x-www-form-urlencoded");
        ask.header("referer", place).raw(b"csrf=x").send().text()
    };
    let page = from("http://127.0.0.1:8087/registers/task/new?reference=8.4");
    assert!(
        page.contains("/login?next=%2Fregisters%2Ftask%2Fnew%3Freference%3D8.4")
            && page.contains("data-unsent"),
        "whoever signs in again does not come back to what they were writing: {page}"
    );
    for foreign in
        ["https://evil.example/registers", "http://127.0.0.1:80871/x", "http://127.0.0.1:8087//evil.example"]
    {
        assert!(from(foreign).contains("href=\"/login\""), "{foreign} is gone on to after signing in");
    }
    let hostile = house.ask("GET", "/login?next=%2F%2Fevil.example").send().text();
    assert!(hostile.contains("name=\"next\" value=\"/\""), "coming in would lead to another site: {hostile}");
}

#[test]
fn a_session_that_expired_and_one_of_an_unknown_token_show_nothing() {
    let house = House::new();
    let browser = Browser::of(&house, "Ada", &[Role::Administrator]);
    house.clock.set(tabellion_model::Micros::parse_date("2026-03-02T21:00:00Z").expect("a time"));
    assert_eq!(browser.get("/systems").status, 303, "a session of yesterday still shows the inventory");
    let foreign = house.ask("GET", "/systems").header("cookie", "tabellion_session=tbs_AAAA").send();
    assert_eq!(foreign.status, 303);
    let key_as_cookie = {
        let (_, admin) = house.person("Bo", &[Role::Administrator]);
        let system = house.live_system(&admin, "Loan support");
        let (_, secret) = house.key(&admin, &system);
        house.ask("GET", "/systems").header("cookie", &format!("tabellion_session={secret}")).send()
    };
    assert_eq!(key_as_cookie.status, 303, "an application's key would open the console");
}

#[test]
fn forms_of_other_sites_and_without_the_sessions_proof_change_nothing() {
    let house = House::new();
    let browser = Browser::of(&house, "Ada", &[Role::Administrator]);
    let (_, hidden) = form_of(&browser.page("/systems/new"), "system");
    let mut fields = hidden.clone();
    for (name, text) in [("name", "Loan support"), ("purposes", "support"), ("capture", "none")] {
        fields.push((name.to_owned(), text.to_owned()));
    }
    let size = house.ledger.reader().size();
    let ask = |(name, text): (&str, &str), fields: &[(String, String)]| {
        let ask = house
            .ask("POST", "/systems/new")
            .header("cookie", &browser.cookie)
            .header("content-type", "application/x-www-form-urlencoded");
        ask.header(name, text).raw(encoded(fields).as_bytes()).send()
    };
    let without: Vec<_> = fields.iter().filter(|(name, _)| name != "csrf").cloned().collect();
    let wrong: Vec<_> = without.iter().cloned().chain([("csrf".to_owned(), "0".repeat(64))]).collect();
    let own = ("sec-fetch-site", "same-origin");
    let cases = [
        ("another site's", ("sec-fetch-site", "cross-site"), &fields),
        ("a sibling host's", ("sec-fetch-site", "same-site"), &fields),
        ("one with a foreign origin", ("origin", "https://evil.example"), &fields),
        ("one from nowhere", ("origin", "null"), &fields),
        ("one without the proof", own, &without),
        ("one with a wrong proof", own, &wrong),
    ];
    for (what, header, fields) in cases {
        let answer = ask(header, fields);
        assert_eq!(answer.status, 403, "{what} form was taken: {}", answer.text());
        assert!(answer.text().contains("Nothing was recorded"), "nobody is told what happened");
    }
    assert_eq!(house.ledger.reader().size(), size, "something was recorded all the same");
    let other = Browser::of(&house, "Bo", &[Role::Administrator]);
    let answer = other.post("/systems/new", &fields);
    assert_eq!(answer.status, 403, "the proof of one session is taken for another's");
    assert_eq!(ask(own, &fields).status, 303, "the own form is refused");
    let json = house
        .ask("POST", "/systems/new")
        .header("cookie", &browser.cookie)
        .header("sec-fetch-site", "same-origin")
        .json(&json!({}))
        .send();
    assert_eq!(json.status, 400, "a body that is no form is taken for one");
}

#[test]
fn a_link_in_a_mail_opens_the_page_for_whoever_is_signed_in() {
    let house = House::new();
    // A browser keeps a strict cookie back when another site's page leads here.
    let ask = |path: &str| {
        house.ask("GET", path).header("accept", "text/html").header("sec-fetch-site", "cross-site").send()
    };
    let page = ask("/calls?state=denied");
    assert_eq!(page.status, 200, "somebody who is signed in would have to come in again: {}", page.text());
    assert!(
        page.text().contains("content=\"0;url=/calls?state=denied\""),
        "the page is not asked for again: {}",
        page.text()
    );
    let own = house.ask("GET", "/calls?state=denied").header("sec-fetch-site", "same-origin").send();
    assert_eq!(own.status, 303, "it would go on for ever");
    assert_eq!(ask("/").status, 303, "a link to come in by would lose what stands behind its #");
}
