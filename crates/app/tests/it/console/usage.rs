//! Usage in the console: what is past the gateway stands there, and a person closes it with a reason.

use serde_json::json;
use tabellion_model::Micros;
use tabellion_model::body::Role;

use super::browser::Browser;
use crate::api::house::House;

/// Requirement: B08, W27.
#[test]
fn traffic_past_the_gateway_is_shown_and_closed_by_somebody_who_may() {
    let house = House::new();
    house.clock.set(Micros::parse_date("2026-03-04T12:00:00Z").expect("a time"));
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    let ann = Browser::of(&house, "Ann", &[Role::Auditor]);
    let dev = Browser::of(&house, "Dev", &[Role::Developer]);
    for part in ["No export yet", "No finding", "Nothing unknown"] {
        assert!(ada.page("/usage").contains(part), "an empty page does not say: {part}");
    }
    assert!(dev.page("/usage").contains("of the whole organisation"), "others' usage is shown");
    let (_, token) = house.person("Abe", &[Role::Administrator]);
    let content = "start,end,account,key,model,requests,input_tokens,output_tokens\n2026-03-03,2026-03-04,,,small<1>,7,70,35\n";
    let body = json!({"provider": "local", "format": "csv", "content": content});
    let made = house.post(&token, "/api/v1/usage-reports", &body).ok().json();
    let page = ann.page("/usage");
    for part in ["Traffic off the gateway", "small&#60;1&#62;", "7 requests, 70 tokens in, 35 out"] {
        assert!(page.contains(part), "{part} is not shown: {page}");
    }
    let report = ann.page(&format!("/usage/{}", made["report"]["id"].as_str().expect("an id")));
    assert!(report.contains("There is traffic that did not go through the gateway"), "{report}");
    assert!(report.contains("local, with every other account"), "{report}");
    let content = content.replace("2026-03", "2020-03");
    let early = json!({"provider": "local", "format": "csv", "content": content});
    house.post(&token, "/api/v1/usage-reports", &early).ok();
    let reports = ann.page("/usage");
    assert!(
        reports.contains("cannot be said of all") && !reports.contains("none found"),
        "what cannot be compared looks well: {reports}"
    );
    let from = page.find("/usage/findings/").expect("its address");
    let path = &page[from..from + "/usage/findings/".len() + 32];
    assert!(!ann.page(path).contains("form-close-finding"), "a form is shown that can only be refused");
    let closed = ada.follow(&ada.send(path, "close-finding", &[("reason", "a test of <ours>")]));
    assert!(closed.contains("Closed") && closed.contains("a test of &#60;ours&#62;"), "{closed}");
    assert!(!closed.contains("form-close-finding"), "what is closed can be closed again");
}
