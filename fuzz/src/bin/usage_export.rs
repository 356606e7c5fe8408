//! Usage exports of providers, in every form that is read: what is read is in order, counted once, and comes to an answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_model::Micros;
use tabellion_model::usage::{UsageAccount, UsageFormat, Wanted, compare, off_gateway, read};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for format in [UsageFormat::OpenaiUsage, UsageFormat::AnthropicUsage, UsageFormat::Csv] {
        let Ok(export) = read(format, text) else { continue };
        let mut before = Micros(0);
        for span in &export.covered {
            assert!(
                before <= span.from && span.from < span.until,
                "times that overlap: {:?}",
                export.covered
            );
            before = span.until;
        }
        let accounts = [UsageAccount { upstream: "x".to_owned(), account: None }];
        let wanted = Wanted {
            cells: &export.cells,
            covered: &export.covered,
            accounts: &accounts,
            log_from: Micros(0),
            tolerance_per_mille: 0,
        };
        let comparison = compare(&wanted, &[]);
        let counted =
            export.cells.iter().any(|cell| cell.requests.unwrap_or(0) + cell.input + cell.output > 0);
        assert_eq!(
            counted,
            !off_gateway(&comparison).is_empty(),
            "what nobody sent through the gateway is not found"
        );
    }
});
