//! The strict walk: what it refuses, and the places it shows.

use std::ops::Range;

use tabellion_mask::json::{self, JsonFault, Kind, Limits, Path, Problem, RawString, Scalar, Visitor};

#[derive(Default)]
struct Seen {
    values: Vec<(String, Range<usize>)>,
}

fn shown(path: Path<'_, '_>) -> String {
    path.steps()
        .iter()
        .map(|step| match step {
            json::Step::Name(name) => format!("/{name}"),
            json::Step::Index(index) => format!("/{index}"),
        })
        .collect()
}

impl<'b> Visitor<'b> for Seen {
    fn scalar(&mut self, path: Path<'_, 'b>, _: Scalar<'b>, range: Range<usize>) {
        self.values.push((shown(path), range));
    }

    fn close(&mut self, path: Path<'_, 'b>, kind: Kind, range: Range<usize>) {
        let bracket = if kind == Kind::Object { "{}" } else { "[]" };
        self.values.push((shown(path) + bracket, range));
    }
}

fn walk(text: &[u8]) -> Result<Vec<(String, Range<usize>)>, JsonFault> {
    let mut seen = Seen::default();
    json::walk(text, &Limits { max_bytes: 1000, max_depth: 5 }, &mut seen)?;
    Ok(seen.values)
}

#[test]
fn every_value_is_shown_with_its_path_and_place() {
    let text = r#" {"model": "m", "messages":[{"content":[{"text":"hi"},null]}, 1], "\u0061":true} "#;
    let seen = walk(text.as_bytes()).unwrap();
    let seen: Vec<_> = seen.iter().map(|(path, range)| (path.as_str(), &text[range.clone()])).collect();
    assert_eq!(
        seen,
        [
            ("/model", "\"m\""),
            ("/messages/0/content/0/text", "\"hi\""),
            ("/messages/0/content/0{}", "{\"text\":\"hi\"}"),
            ("/messages/0/content/1", "null"),
            ("/messages/0/content[]", "[{\"text\":\"hi\"},null]"),
            ("/messages/0{}", "{\"content\":[{\"text\":\"hi\"},null]}"),
            ("/messages/1", "1"),
            ("/messages[]", "[{\"content\":[{\"text\":\"hi\"},null]}, 1]"),
            ("/a", "true"),
            ("{}", text.trim()),
        ]
    );
}

#[test]
fn paths_are_told_by_patterns() {
    struct Contents(Vec<(usize, String)>, usize);
    impl<'b> Visitor<'b> for Contents {
        fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, _: Range<usize>) {
            if path.is(&["messages", "*", "content"])
                && let Scalar::String(string) = scalar
            {
                self.0.push((path.index(0).unwrap(), string.value().into_owned()));
            }
            self.1 += usize::from(path.starts_with(&["tools", "*"]));
        }
    }
    let text = br#"{"messages":[{"content":"a"},{"content":"b\n"},{"content":{"*":"c"}}],"tools":[{"x":1},2],"*":[3]}"#;
    let mut contents = Contents(Vec::new(), 0);
    json::walk(text, &Limits::default(), &mut contents).unwrap();
    assert_eq!(contents.0, [(0, "a".to_owned()), (1, "b\n".to_owned())]);
    assert_eq!(contents.1, 2);
}

#[test]
fn what_readers_differ_on_is_refused_and_named() {
    use Problem::{Control, DuplicateName, Escape, NotUtf8, Number, Syntax, TooDeep, Trailing, Truncated};
    let cases: [(&[u8], Problem, usize); 44] = [
        (br#"{"a":1,"a":2}"#, DuplicateName, 7),
        (br#"{"a":1,"\u0061":2}"#, DuplicateName, 7),
        (br#"{"x":{"a":1,"b":2,"a":3}}"#, DuplicateName, 18),
        (br#"{"":1,"":2}"#, DuplicateName, 6),
        (b"\"\xff\"", NotUtf8, 1),
        (b"\"\xed\xa0\x80\"", NotUtf8, 1),
        (b"{} {}", Trailing, 3),
        (b"1 x", Trailing, 2),
        (b"[[[[[[]]]]]]", TooDeep, 5),
        (b"", Truncated, 0),
        (b"  ", Truncated, 2),
        (b"[", Truncated, 1),
        (b"[1", Truncated, 2),
        (b"{\"a\"", Truncated, 4),
        (b"{\"a\":", Truncated, 5),
        (b"\"abc", Truncated, 4),
        (b"\"\\", Truncated, 1),
        (b"\"\\u00", Truncated, 1),
        (b"\"\\u00\"", Truncated, 1),
        (b"tru", Truncated, 3),
        (b"-", Truncated, 1),
        (b"1.", Truncated, 2),
        (b"1e", Truncated, 2),
        (b"\"\\x\"", Escape, 1),
        (b"\"\\u00g0\"", Escape, 1),
        (b"\"\\ud800\"", Escape, 1),
        (b"\"\\ud800x\"", Escape, 1),
        (b"\"\\ud800\\u0041\"", Escape, 1),
        (b"\"\\udc00\"", Escape, 1),
        (b"\"a\nb\"", Control, 2),
        (b"\"\x00\"", Control, 1),
        (b"01", Trailing, 1),
        (b"+1", Syntax, 0),
        (b".5", Syntax, 0),
        (b"1.e5", Number, 2),
        (b"-x", Number, 1),
        (b"1e999", Number, 0),
        (b"NaN", Syntax, 0),
        (b"[1,]", Syntax, 3),
        (b"[1 2]", Syntax, 3),
        (b"{\"a\":1,}", Syntax, 7),
        (b"{a:1}", Syntax, 1),
        (b"'a'", Syntax, 0),
        (b"\xef\xbb\xbf{}", Syntax, 0),
    ];
    for (text, problem, at) in cases {
        let fault = walk(text).map(|_| ()).unwrap_err();
        assert_eq!(
            fault,
            JsonFault { at, problem },
            "what was checked is not what is read: {}",
            text.escape_ascii()
        );
    }
    assert_eq!(walk(&[b' '; 1001]).unwrap_err().problem, Problem::TooLarge);
}

#[test]
fn duplicates_are_found_among_many_members_and_only_there() {
    let many = |last: &str| {
        let names: Vec<String> = (0..40).map(|number| format!("\"n{number}\":{{\"n\":0}},")).collect();
        let names = names.concat();
        let text = format!("{{{names}\"{last}\":0}}");
        json::walk(text.as_bytes(), &Limits::default(), &mut Seen::default()).map_err(|fault| fault.problem)
    };
    assert_eq!(many("n"), Ok(()), "a name of another object is no duplicate");
    for number in 0..40 {
        assert_eq!(
            many(&format!("n{number}")),
            Err(Problem::DuplicateName),
            "n{number} would be read two ways"
        );
    }
}

#[test]
fn faults_have_a_code_and_never_content() {
    let fault = walk(br#"{"secret@example.org":1,"secret@example.org":2}"#).unwrap_err();
    assert_eq!(fault.problem.code(), "json_duplicate_name");
    let text = fault.to_string();
    assert!(!text.contains("secret") && text.contains("byte 24") && text.contains("send it once"), "{text}");
}

#[test]
fn a_string_maps_back_to_where_it_stands() {
    let raw = r#""a\u0040b \ud83d\ude00\nz""#;
    let string = RawString::parse(raw).unwrap();
    let unescaped = string.unescaped();
    assert_eq!(unescaped.text, "a@b \u{1f600}\nz");
    let place = |wanted: &str| {
        let start = unescaped.text.find(wanted).unwrap();
        &raw[unescaped.raw_range(start..start + wanted.len())]
    };
    for (wanted, expected) in [
        ("a", "a"),
        ("@", "\\u0040"),
        ("a@b", "a\\u0040b"),
        ("\u{1f600}", "\\ud83d\\ude00"),
        ("\n", "\\n"),
        ("z", "z"),
        (&*unescaped.text, &raw[1..raw.len() - 1]),
    ] {
        assert_eq!(place(wanted), expected, "an edit would hit other bytes");
    }
    assert_eq!(string.value(), unescaped.text);
}

#[test]
fn only_a_whole_string_is_taken() {
    for (raw, problem) in [
        ("\"a", Problem::Truncated),
        ("a", Problem::Syntax),
        ("", Problem::Truncated),
        ("\"a\" ", Problem::Trailing),
        ("\"\\u12\"", Problem::Truncated),
    ] {
        assert_eq!(RawString::parse(raw).map(|_| ()).unwrap_err().problem, problem, "{raw:?}");
    }
}
