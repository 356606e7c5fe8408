//! What is shown: hostile text inert on every page, a policy that lets nothing in, pages that are not heavy, files that nothing runs.

use std::collections::BTreeSet;

use serde_json::json;
use tabellion_model::body::Role;

use super::browser::{Browser, attribute, plain};
use crate::api::house::House;

/// Largest page with what it loads, in bytes as they are sent to a browser; the verifier is loaded when a proof is checked, and counted.
const MAX_PAGE_BYTES: usize = 125_000;
const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}";
/// The same with a mark that turns the direction of reading, where nothing refuses it: in what others say.
const TURNING: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}\u{202e}";

/// Every page that links lead to, from `/` on.
fn crawl(browser: &Browser<'_>) -> Vec<(String, crate::api::client::Answer)> {
    let (mut seen, mut waiting, mut pages) = (BTreeSet::new(), vec!["/".to_owned()], Vec::new());
    while let Some(path) = waiting.pop() {
        let known = path.starts_with('/')
            && !path.starts_with("/api/")
            && !path.starts_with("/assets/")
            && !path.contains("format=csv");
        if !known || !seen.insert(path.clone()) || pages.len() > 700 {
            continue;
        }
        let answer = browser.get(&path);
        assert!(
            answer.status < 400,
            "a link leads to {path}, which answers {}: {}",
            answer.status,
            answer.text()
        );
        let page = answer.text();
        waiting
            .extend(page.split("<a ").skip(1).filter_map(|link| attribute(link.split('>').next()?, "href")));
        pages.push((path, answer));
    }
    pages
}

/// Has hostile text recorded in every field that takes one.
fn fill(house: &House, browser: &Browser<'_>) {
    let (_, admin) = house.person(&format!("Zed {HOSTILE}"), &[Role::Administrator]);
    let body = json!({"name": HOSTILE, "purposes": ["support"], "description": HOSTILE, "capture": "masked", "capture_reason": HOSTILE});
    let made = house.post(&admin, "/api/v1/systems", &body).ok().json();
    let system = made["result"]["id"].as_str().expect("an id").to_owned();
    house
        .post(
            &admin,
            &format!("/api/v1/systems/{system}/stage"),
            &json!({"stage": "live", "reason": HOSTILE}),
        )
        .ok();
    let key = house
        .post(
            &admin,
            &format!("/api/v1/systems/{system}/keys"),
            &json!({"name": HOSTILE, "models": [HOSTILE]}),
        )
        .ok()
        .json();
    let key = key["result"]["key"]["id"].as_str().expect("an id").to_owned();
    house.post(&admin, &format!("/api/v1/keys/{key}/revoke"), &json!({"reason": HOSTILE})).ok();
    browser.follow(&browser.send(
        "/policies/new",
        "policy",
        &[("name", "rules"), ("text", &format!("permit {HOSTILE}")), ("note", HOSTILE)],
    ));
    browser.follow(&browser.send(
        "/policies/rules/edit",
        "policy",
        &[("text", &format!("permit 2 {HOSTILE}")), ("note", HOSTILE)],
    ));
    house.calls_saying(&system, &key, TURNING);
    house
        .post(
            &admin,
            "/api/v1/records",
            &json!({"kind": "event", "event": {"name": HOSTILE, "fields": {"note": TURNING}}}),
        )
        .ok();
}

#[test]
fn hostile_text_is_shown_inert_on_every_page() {
    let house = House::new();
    let browser = Browser::of(&house, HOSTILE, &[Role::Administrator, Role::ComplianceOfficer]);
    fill(&house, &browser);
    let mut pages = crawl(&browser);
    for path in [
        "/search?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/calls?q=%3Cscript%3Ealert(1)",
        "/calls?model=%22%3E%3Cimg%20src%3Dx%20onerror%3Dalert(2)%3E",
        "/login?next=%22%3E%3Cscript%3Ealert(1)",
    ] {
        pages.push((path.to_owned(), browser.get(path)));
    }
    assert!(pages.len() > 40, "only {} pages were seen", pages.len());
    let mut shown = 0;
    for (path, answer) in &pages {
        let page = answer.text();
        assert!(
            !page.contains("<script>alert") && !page.contains("<img"),
            "{path}: text of others became markup: {page}"
        );
        // A field to edit holds the text as it is, and turns nothing outside itself.
        if !path.contains("/edit") {
            assert!(!page.contains('\u{202e}'), "{path}: a character turns the text around it");
        }
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(
            policy.contains("default-src 'none'")
                && policy.contains("script-src 'self'")
                && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert!(
            !page.contains(" style=") && !page.contains(" onclick=") && !page.contains("javascript:"),
            "{path} has something inline"
        );
        shown += usize::from(plain(&page).contains("<script>alert(1)</script>"));
    }
    assert!(shown > 20, "the text is hidden instead of shown: {shown} pages");
}

#[test]
fn every_answer_keeps_other_sites_out_and_no_cache_keeps_a_page() {
    let house = House::new();
    let browser = Browser::of(&house, "Ada", &[Role::Administrator]);
    for answer in [
        browser.get("/"),
        browser.get("/calls?state=nonsense"),
        house.ask("GET", "/login").send(),
        browser.get("/nowhere"),
    ] {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name} on {}", answer.text());
        }
        assert!(
            answer
                .header("content-security-policy")
                .is_some_and(|policy| policy.contains("frame-ancestors 'none'"))
        );
    }
    let unknown = house.ask("GET", "/nowhere").send();
    assert!(unknown.text().contains("not_found"), "a program is answered with a page");
}

#[test]
fn a_page_with_all_it_loads_is_light_and_loads_from_here_alone() {
    let house = House::new();
    let browser = Browser::of(&house, "Ada", &[Role::Administrator]);
    let (_, admin) = house.person("Bo", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    for _ in 0..30 {
        house.calls(&system, &key);
    }
    let size = house.ledger.reader().size();
    for path in ["/", "/calls", "/ledger", "/packages", &format!("/ledger/{}", size - 2)] {
        let page = browser.page(path);
        let mut loaded: BTreeSet<String> = BTreeSet::new();
        for (tag, name) in [("<script", "src"), ("<link", "href"), ("<section class=\"proof\"", "data-proof")]
        {
            loaded
                .extend(page.split(tag).skip(1).filter_map(|rest| attribute(rest.split('>').next()?, name)));
        }
        let mut bytes = page.len();
        // What a page waits for within itself is nothing that it loads.
        for asset in loaded.iter().filter(|asset| !asset.starts_with('#')) {
            assert!(asset.starts_with("/assets/"), "{path} loads {asset} from elsewhere");
            let answer = house.ask("GET", asset).header("accept-encoding", "gzip, deflate, br").send();
            assert_eq!(
                (answer.status, answer.header("cache-control"), answer.header("content-encoding")),
                (200, Some("public, max-age=31536000, immutable"), Some("gzip")),
                "{asset}"
            );
            assert_eq!(
                answer.header("vary"),
                Some("accept-encoding"),
                "a proxy would mix both forms of {asset}"
            );
            bytes += answer.body.len();
        }
        assert!(loaded.len() >= 4, "{path} loads {loaded:?}");
        assert!(bytes <= MAX_PAGE_BYTES, "{path} with all it loads has {bytes} bytes");
    }
    assert_eq!(
        house.ask("GET", "/assets/console.0000000000000000.css").send().status,
        404,
        "an old address gives new bytes"
    );
}

#[test]
fn a_spreadsheet_runs_nothing_of_an_export() {
    let house = House::new();
    let browser = Browser::of(&house, "Ada", &[Role::Administrator]);
    let name = "=HYPERLINK(\"https://evil.example\",\"x\")";
    browser.follow(&browser.send(
        "/systems/new",
        "system",
        &[("name", name), ("purposes", "support"), ("capture", "none")],
    ));
    let file = browser.get("/systems?format=csv").ok();
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(
        file.header("content-disposition").is_some_and(|value| value.starts_with("attachment")),
        "a browser would show it"
    );
    let text = file.text();
    assert!(text.starts_with("\"Name\",\"Stage\","), "{text}");
    assert!(
        text.contains("\"'=HYPERLINK(\"\"https://evil.example\"\",\"\"x\"\")\""),
        "a spreadsheet would run the name: {text}"
    );
}

#[test]
fn filters_sort_columns_and_views_stand_in_the_address() {
    let house = House::new();
    let (_, admin) = house.person("Bo", &[Role::Administrator]);
    for name in ["Beta", "alpha", "Gamma"] {
        house.live_system(&admin, name);
    }
    let browser = Browser::of(&house, "Ada", &[Role::Administrator]);
    let order = |page: &str| {
        let mut found: Vec<(usize, &str)> = ["Beta", "alpha", "Gamma"]
            .into_iter()
            .filter_map(|name| Some((page.find(&format!("<bdi>{name}</bdi></a>"))?, name)))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
    };
    assert_eq!(
        order(&browser.page("/systems?sort=name")),
        ["alpha", "Beta", "Gamma"],
        "letter case decides the order"
    );
    assert_eq!(order(&browser.page("/systems?sort=-name")), ["Gamma", "Beta", "alpha"]);
    assert_eq!(order(&browser.page("/systems?q=ET")), ["Beta"], "the search looks at letter case");
    let chosen = browser.page("/systems?cols=name&cols=id&sort=name");
    assert!(
        chosen.contains(">Id</a></th>") && !chosen.contains(">Owner</a></th>"),
        "columns cannot be chosen: {chosen}"
    );
    assert!(chosen.contains("aria-sort=\"ascending\""), "a screen reader is not told the order");
    assert!(
        chosen.contains("href=\"/systems?cols=name&#38;cols=id&#38;sort=-name\"")
            || plain(&chosen).contains("href=\"/systems?cols=name&cols=id&sort=-name\""),
        "sorting forgets the columns: {chosen}"
    );
    let none = browser.page("/systems?stage=retired");
    assert!(
        none.contains("Nothing matches") && none.contains("Stage: <bdi>Retired</bdi>"),
        "a filter that is on is not seen: {none}"
    );
    let odd = browser.page("/systems?sort=nonsense&cols=nonsense&page=99");
    assert_eq!(order(&odd).len(), 3, "a mistyped address shows nothing");
}
