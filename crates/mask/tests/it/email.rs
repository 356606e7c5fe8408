//! Addresses as people write them, and what only looks like one.

use tabellion_mask::{Class, Classes, scan};

use crate::{assert_finds, assert_leaves, found};

#[track_caller]
fn finds(text: &str, value: &str) {
    assert_finds(Class::Email, text, value);
}

#[test]
fn an_address_is_found_without_what_leans_on_it() {
    for text in [
        "ann@example.org",
        "user=ann@example.org ip=10.0.0.1",
        "<a href=\"mailto:ann@example.org\">write</a>",
        "Ann <ann@example.org>, hello",
        "'ann@example.org'",
        "write to ann@example.org.",
        "write to ann@example.org...",
        "ann@example.org, bob",
        "(ann@example.org)",
        "name:ann@example.org;x",
        "curl -d 'email=ann@example.org&phone=1'",
        "\"email\":\"ann@example.org\"",
        "- -ann@example.org",
        "ann@example.org-",
        "ann@example.org.Thanks for asking",
        "line\\nann@example.org",
        "see https://example.com/?email=ann@example.org",
        "邮箱是ann@example.org谢谢",
    ] {
        finds(text, "ann@example.org");
    }
}

#[test]
fn local_parts_and_domains_beyond_the_plain_ones_are_found() {
    for address in [
        "o'brien@example.org",
        "first.last+tag@sub.domain.example.co.uk",
        "x_1-2@my-host.museum",
        "jos\u{e9}.m\u{fc}ller@b\u{fc}cher.example",
        "user@xn--80ak6aa92e.com",
        "a@xn--d1acufc.xn--p1ai",
        "\u{438}\u{432}\u{430}\u{43d}@\u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}.\u{440}\u{444}",
        "用户@例子.广告",
        "4111111111111111@example.org",
        "DE89370400440532013000.x@example.org",
        "ANN@EXAMPLE.ORG",
        "docomo.@example.jp",
    ] {
        finds(&format!("to {address} now"), address);
    }
}

#[test]
fn an_at_sign_in_an_escape_hides_nothing() {
    finds("?to=ann%40example.org&x", "ann%40example.org");
    finds("?q=to%3Dann%40example.org", "ann%40example.org");
    finds("{\\\"to\\\":\\\"ann\\u0040example.org\\\"}", "ann\\u0040example.org");
}

#[test]
fn two_addresses_side_by_side_are_two() {
    let expected = [("email", "ann@example.org"), ("email", "bob@example.org")];
    for between in [",", ";", " ", "|", "/", "\n", "><", "&b="] {
        assert_eq!(
            found(&format!("ann@example.org{between}bob@example.org")),
            expected,
            "between: {between:?}"
        );
    }
}

#[test]
fn what_only_looks_like_an_address_stays() {
    for text in [
        "info@example.",
        "@example.org",
        "a @ b.org",
        "npm i left-pad@1.3.0 @scope/name@2.0.1",
        "@app.route('/x')",
        "git clone git@github.com:owner/name.git",
        "postgres://app:word@db.example.com:5432/x",
        "https://ann@host.example.com/",
        "<img src=\"icon@2x.png\">",
        "root@localhost",
        "x@y.z",
        "a@-b.com",
        "user@10.0.0.1",
    ] {
        assert_leaves(text);
    }
}

#[test]
fn only_wanted_classes_are_found() {
    let text = "ann@example.org 4111111111111111 DE89 3704 0044 0532 0130 00 5555555555554444@example.org";
    let wanted = |names: &[&str]| -> Vec<&str> {
        let classes: Classes = names.iter().map(|name| Class::from_name(name).unwrap()).collect();
        scan(text, classes).map(|finding| finding.value).collect()
    };
    assert_eq!(wanted(&[]), [""; 0]);
    assert_eq!(
        wanted(&["payment_card"]),
        ["4111111111111111", "5555555555554444"],
        "a card would leave within an address"
    );
    assert_eq!(wanted(&["iban"]), ["DE89 3704 0044 0532 0130 00"]);
    assert_eq!(wanted(&["email"]), ["ann@example.org", "5555555555554444@example.org"]);
    assert_eq!(wanted(&["email", "payment_card", "iban"]).len(), 4);
    assert_eq!(
        Class::from_name("shoe_size"),
        None,
        "a policy that names an unknown class must be refused, not ignored"
    );
}

#[test]
fn of_a_local_part_that_is_too_long_the_end_is_hidden() {
    let text = format!("{}@example.org", "a".repeat(100));
    finds(&text, &text[36..]);
}
