//! Tables as CSV (RFC 4180), for spreadsheets that must not run them.
//!
//! Promises: every cell is quoted, and one that a spreadsheet would take for a formula begins with an apostrophe.

/// What a spreadsheet takes for the beginning of a formula, in ASCII and in full width, or skips before one.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The rows as CSV, the heads first.
pub(crate) fn write<'a>(rows: impl IntoIterator<Item = Vec<&'a str>>) -> String {
    let mut out = String::new();
    for row in rows {
        for (position, cell) in row.into_iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            out.push('"');
            if is_formula(cell) {
                out.push('\'');
            }
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        }
        out.push_str("\r\n");
    }
    out
}

fn is_formula(cell: &str) -> bool {
    cell.starts_with(FORMULA) || cell.trim_start().starts_with(FORMULA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_cell_is_run() {
        let hostile =
            ["=HYPERLINK(\"//x\")", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", " =1", "\r=1", "＝1"];
        for cell in hostile {
            let line = write([vec![cell]]);
            assert!(line.starts_with("\"'"), "a spreadsheet would run {cell:?}: {line:?}");
        }
        assert_eq!(
            write([vec!["Loan, support", "a\"b"], vec!["", "7"]]),
            "\"Loan, support\",\"a\"\"b\"\r\n\"\",\"7\"\r\n"
        );
    }
}
