//! Results as JUnit XML, the form that pipelines show test reports from.
//!
//! Promises: well-formed whatever the names are; counts that agree with what is listed.

use std::fmt::Write as _;

/// How one trial ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed(String),
    /// It could not be tried.
    Skipped(String),
}

/// Trials that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) trials: Vec<(String, Outcome)>,
}

/// The document.
pub(super) fn document(name: &str, suites: &[Suite]) -> String {
    let all = suites.iter().flat_map(|suite| &suite.trials);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a text does not fail.
    let _ = writeln!(text, "<testsuites name=\"{}\" {}>", escaped(name), counts(all));
    for suite in suites {
        let _ =
            writeln!(text, "  <testsuite name=\"{}\" {}>", escaped(&suite.name), counts(suite.trials.iter()));
        for (trial, outcome) in &suite.trials {
            let head =
                format!("    <testcase classname=\"{}\" name=\"{}\"", escaped(&suite.name), escaped(trial));
            let _ = match outcome {
                Outcome::Passed => writeln!(text, "{head}/>"),
                Outcome::Failed(why) => {
                    writeln!(text, "{head}><failure message=\"{}\"/></testcase>", escaped(why))
                }
                Outcome::Skipped(why) => {
                    writeln!(text, "{head}><skipped message=\"{}\"/></testcase>", escaped(why))
                }
            };
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn counts<'t>(trials: impl Iterator<Item = &'t (String, Outcome)>) -> String {
    let (mut tests, mut failures, mut skipped) = (0, 0, 0);
    for (_, outcome) in trials {
        tests += 1;
        match outcome {
            Outcome::Passed => {}
            Outcome::Failed(_) => failures += 1,
            Outcome::Skipped(_) => skipped += 1,
        }
    }
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"")
}

/// Text inside an attribute. What XML cannot hold at all is replaced.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                safe.push('\u{fffd}');
            }
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    // Requirement: N17.
    #[test]
    fn names_cannot_break_the_form_and_counts_agree() {
        let suite = Suite {
            name: "a<b".to_owned(),
            trials: vec![
                ("\"quoted\" & \u{1}".to_owned(), Outcome::Failed("because > 1".to_owned())),
                ("fine".to_owned(), Outcome::Passed),
                ("unknown".to_owned(), Outcome::Skipped("no upstream".to_owned())),
            ],
        };
        let text = document("all", &[suite]);
        assert!(text.contains("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""), "{text}");
        assert!(
            text.contains("name=\"&quot;quoted&quot; &amp; \u{fffd}\""),
            "a report would not be read: {text}"
        );
        assert!(text.contains("<failure message=\"because &gt; 1\"/>"), "{text}");
    }
}
