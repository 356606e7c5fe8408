//! Exports of providers, as they come and as they must not.

use super::*;

const OPENAI: &str = r#"{"object": "page", "data": [
  {"object": "bucket", "start_time": 1767225600, "end_time": 1767312000, "results": [
    {"object": "organization.usage.completions.result", "input_tokens": 1000, "output_tokens": 500, "input_cached_tokens": 800,
     "input_audio_tokens": 0, "output_audio_tokens": 0, "num_model_requests": 5, "project_id": "proj_abc", "user_id": null,
     "api_key_id": "key_1", "model": "small-2026-01-01", "batch": false},
    {"object": "organization.usage.completions.result", "input_tokens": 10, "output_tokens": 5, "input_cached_tokens": 0,
     "num_model_requests": 1, "project_id": "proj_abc", "user_id": null, "api_key_id": "key_1", "model": "small-2026-01-01",
     "batch": true}]},
  {"object": "bucket", "start_time": 1767312000, "end_time": 1767398400, "results": []}], "has_more": false, "next_page": null}"#;

const ANTHROPIC: &str = r#"{"data": [{"starting_at": "2026-01-01T00:00:00Z", "ending_at": "2026-01-02T00:00:00Z", "results": [
  {"uncached_input_tokens": 1500, "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500},
   "cache_read_input_tokens": 200, "output_tokens": 500, "server_tool_use": {"web_search_requests": 10}, "api_key_id": "apikey_1",
   "workspace_id": "wrkspc_1", "model": "large-4", "service_tier": "standard", "context_window": "0-200k"}]}],
  "has_more": false, "next_page": null}"#;

const TABLE: &str = "start,end,account,key,model,requests,input_tokens,output_tokens\n\
2026-01-01T00:00:00Z,2026-01-01T12:00:00Z,a,,m,2,10,5\n\
2026-01-01T00:00:00Z,2026-01-01T12:00:00Z,a,,n,,1,1\n\
2026-01-01T12:00:00Z,2026-01-02T00:00:00Z,a,,m,3,20,5\n\
2026-01-02,2026-01-03,,,,,,\n";

const JANUARY: u64 = 1_767_225_600_000_000;

fn refused(format: UsageFormat, text: &str) -> UsageFault {
    read(format, text).expect_err("an export that says something else would be counted")
}

/// Requirement: W27.
#[test]
fn exports_are_added_up_by_day_account_key_and_model() {
    let export = read(UsageFormat::OpenaiUsage, OPENAI).expect("an export");
    let [cell] = export.cells.as_slice() else { panic!("two kinds of one day are one cell: {export:?}") };
    assert_eq!((cell.day, cell.requests, cell.input, cell.output), (Micros(JANUARY), Some(6), 1010, 505));
    assert_eq!((cell.account.as_deref(), cell.key.as_deref()), (Some("proj_abc"), Some("key_1")));
    let two_days = [UsageSpan { from: Micros(JANUARY), until: Micros(JANUARY + 2 * DAY_US) }];
    assert_eq!(
        (export.covered.as_slice(), export.buckets),
        (two_days.as_slice(), 2),
        "an empty day is covered"
    );
    let export = read(UsageFormat::AnthropicUsage, ANTHROPIC).expect("an export");
    let cell = &export.cells[0];
    assert_eq!(
        (cell.requests, cell.input, cell.output),
        (None, 3200, 500),
        "the cache's tokens are input too"
    );
    let export = read(UsageFormat::Csv, TABLE).expect("a table");
    let cells: Vec<_> =
        export.cells.iter().map(|cell| (cell.model.as_str(), cell.requests, cell.input)).collect();
    assert_eq!(cells, [("m", Some(5), 30), ("n", None, 1)]);
    assert_eq!(export.covered, two_days);
    // Pages as they are saved: one after the other, or as a list.
    let next = OPENAI
        .replace("1767312000", "1767484800")
        .replace("1767225600", "1767398400")
        .replace("1767398400, \"results\": []", "1767571200, \"results\": []");
    for pages in [format!("{OPENAI}\n{next}"), format!("[{OPENAI}, {next}]")] {
        assert_eq!(read(UsageFormat::OpenaiUsage, &pages).expect("two pages").buckets, 4, "a page is lost");
    }
}

/// Requirement: W27. Twice, overlapping, out of order, across midnight, in another zone, without a model, too large: each is refused with its place.
#[test]
fn an_export_that_could_be_read_in_two_ways_is_refused() {
    let one = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "the test changes nothing: {from}");
        text.replacen(from, to, 1)
    };
    for (text, place) in [
        (format!("{OPENAI}{OPENAI}"), "page 2, /data/0"),
        (one(OPENAI, "\"start_time\": 1767312000", "\"start_time\": 1767311999"), "page 1, /data/1"),
        (one(OPENAI, "\"end_time\": 1767398400", "\"end_time\": 1767398401"), "page 1, /data/1"),
        (one(OPENAI, "1767225600", "1767312000"), "page 1, /data/0"),
        (one(OPENAI, "\"batch\": true", "\"batch\": false"), "page 1, /data/0/results/1"),
        (one(OPENAI, "\"small-2026-01-01\"", "null"), "page 1, /data/0/results/0/model"),
        (one(OPENAI, "\"small-2026-01-01\"", "\"\""), "page 1, /data/0/results/0"),
        (
            one(OPENAI, "\"input_tokens\": 1000", "\"input_tokens\": 9007199254740993"),
            "page 1, /data/0/results/0",
        ),
        (one(OPENAI, "\"input_tokens\": 1000", "\"input_tokens\": 1000, \"input_tokens\": 1"), "line 3"),
        (one(OPENAI, "\"input_tokens\": 1000", "\"input_tokens\": -1"), "line 3"),
        (one(OPENAI, "\"input_tokens\": 1000", "\"input_tokens\": 1.5"), "line 3"),
        (one(OPENAI, "\"num_model_requests\": 5", "\"num_requests\": 5"), "line "),
        (one(OPENAI, "1767225600", "1767225600000"), "page 1, /data/0"),
        ("{\"data\": []}".to_owned(), "the file"),
        (String::new(), "the file"),
        (" ".repeat(MAX_USAGE_BYTES + 1), "the file"),
    ] {
        let fault = refused(UsageFormat::OpenaiUsage, &text);
        assert!(fault.place.starts_with(place), "{place}: {fault}");
    }
    for (from, to, place) in [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00+01:00", "page 1, /data/0"),
        ("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "page 1, /data/0"),
        ("ephemeral_5m_input_tokens", "ephemeral_9m_input_tokens", "line "),
        ("\"large-4\"", "\"a\\u202eb\"", "page 1, /data/0/results/0"),
    ] {
        let fault = refused(UsageFormat::AnthropicUsage, &one(ANTHROPIC, from, to));
        assert!(fault.place.starts_with(place), "{place}: {fault}");
    }
    for (from, to, place) in [
        ("start,end", "\u{feff}begin,end", "line 1"),
        (",a,,m,2,", ",a,,m,+2,", "line 2"),
        (",a,,m,2,", ",a,,m,02,", "line 2"),
        (",a,,n,,1,1", ",a,,m,,1,1", "line 3"),
        (",a,,n,,1,1", ",a,,,,1,1", "line 3"),
        ("2026-01-01T12:00:00Z,2026-01-02T00:00:00Z", "2026-01-01T11:00:00Z,2026-01-02T00:00:00Z", "line 4"),
        ("2026-01-02,2026-01-03", "2025-12-30,2025-12-31", "line 5"),
        ("2026-01-02,2026-01-03", "2026-06-02,2026-06-03", "line 5"),
    ] {
        let fault = refused(UsageFormat::Csv, &one(TABLE, from, to));
        assert_eq!(fault.place, place, "{fault}");
    }
}

/// Requirement: W27. A page of several is not the whole: the last one says that none follows, and none is left out between two.
#[test]
fn a_page_that_more_follow_is_not_taken_for_the_whole() {
    let first = |export: &str| export.replace("\"has_more\": false", "\"has_more\": true");
    for (format, export) in [(UsageFormat::OpenaiUsage, OPENAI), (UsageFormat::AnthropicUsage, ANTHROPIC)] {
        let fault = refused(format, &first(export));
        assert_eq!(fault.place, "page 1, /has_more", "{fault}");
        assert!(fault.what.contains("next_page"), "nobody is told how to get the rest: {fault}");
        let fault = refused(format, &export.replace("\"next_page\": null", "\"next_page\": \"page_2\""));
        assert_eq!(fault.place, "page 1, /has_more", "{fault}");
    }
    // The days after, and those after one that is left out.
    let second = OPENAI
        .replace("1767312000", "1767484800")
        .replace("1767225600", "1767398400")
        .replace("1767398400, \"results\": []", "1767571200, \"results\": []");
    let both = read(UsageFormat::OpenaiUsage, &format!("{}\n{second}", first(OPENAI)));
    assert_eq!(both.expect("two pages").buckets, 4, "pages of one export cannot be brought together");
    let later = "{\"data\": [{\"start_time\": 1767484800, \"end_time\": 1767571200, \"results\": []}], \"has_more\": false}";
    let fault = refused(UsageFormat::OpenaiUsage, &format!("{}\n{later}", first(OPENAI)));
    assert!(fault.place == "page 2, /data/0" && fault.what.contains("missing"), "{fault}");
}

/// Requirement: W27. A row without requests among rows of the same model that have them would leave none of them compared.
#[test]
fn a_row_without_requests_does_not_hide_those_of_others() {
    let head = "start,end,account,key,model,requests,input_tokens,output_tokens";
    let table = |rows: &[&str]| format!("{head}\n{}\n", rows.join("\n"));
    let (counted, empty) = ("2026-01-01,2026-01-02,a,,m,2,10,5", "2026-01-02,2026-01-03,b,,m,,10,5");
    let (early, late) = ("2026-01-01,2026-01-02,b,,m,,10,5", "2026-01-02,2026-01-03,a,,m,2,10,5");
    for rows in [[counted, empty], [early, late]] {
        let fault = refused(UsageFormat::Csv, &table(&rows));
        assert_eq!(fault.place, "line 3", "{fault}");
        assert!(fault.what.contains("requests is") && fault.what.contains("line 2"), "{fault}");
    }
    let none = table(&["2026-01-01,2026-01-02,a,,m,,10,5", empty]);
    let export = read(UsageFormat::Csv, &none).expect("a provider that counts no requests");
    assert!(export.cells.iter().all(|cell| cell.requests.is_none()), "{export:?}");
}

/// Requirement: W27. A file from a spreadsheet is read, an empty one is called that, and a place is said once.
#[test]
fn marks_of_spreadsheets_and_empty_files_are_known() {
    assert_eq!(read(UsageFormat::Csv, &format!("\u{feff}{TABLE}")), read(UsageFormat::Csv, TABLE));
    assert!(refused(UsageFormat::Csv, "").what.contains("it is empty"));
    let fault = refused(UsageFormat::OpenaiUsage, "{\"data\": [").to_string();
    assert_eq!(fault.matches("line 1").count(), 1, "{fault}");
    assert!(fault.contains("openai_usage"), "{fault}");
}
