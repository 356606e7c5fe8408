//! A strict reader of the catalogue's tables: RFC 4180 with commas, one line feed after each row, and quotes where a field needs them.
//!
//! Promises: every row has the header's fields; what stands between quotes is taken as it is. Must never: guess; a table that is not of the one
//! form is refused with its line.

/// Why a table was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct CsvFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// Reads the rows below a header that is exactly `header`.
pub(crate) fn rows<'a, const N: usize>(
    text: &'a str,
    header: [&str; N],
) -> Result<Vec<[std::borrow::Cow<'a, str>; N]>, CsvFault> {
    let mut rows = Vec::new();
    for (number, line) in text.strip_suffix('\n').unwrap_or(text).split('\n').enumerate() {
        let fault = |what| CsvFault { line: number + 1, what };
        let fields: [std::borrow::Cow<'a, str>; N] = fields(line)
            .map_err(fault)?
            .try_into()
            .map_err(|_| fault("the row has another number of fields than the header"))?;
        if number > 0 {
            rows.push(fields);
        } else if fields != header {
            return Err(fault("the header is not the one of this table"));
        }
    }
    if !text.ends_with('\n') {
        return Err(CsvFault { line: rows.len() + 1, what: "the last row does not end" });
    }
    Ok(rows)
}

fn fields(line: &str) -> Result<Vec<std::borrow::Cow<'_, str>>, &'static str> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted_field(quoted)?
        } else {
            plain_field(rest)?
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => return Err("something follows a closing quote"),
        }
    }
}

fn plain_field(rest: &str) -> Result<(std::borrow::Cow<'_, str>, &str), &'static str> {
    let (field, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
    if field.chars().any(|character| character == '"' || character.is_control()) {
        return Err("a field without quotes holds a quote or a control character");
    }
    Ok((field.into(), after))
}

/// `rest` begins behind the opening quote.
fn quoted_field(rest: &str) -> Result<(std::borrow::Cow<'_, str>, &str), &'static str> {
    let mut from = 0;
    loop {
        let quote =
            rest.get(from..).and_then(|tail| tail.find('"')).ok_or("a quote is not closed on its line")?
                + from;
        let after = rest.get(quote + 1..).unwrap_or_default();
        if after.starts_with('"') {
            from = quote + 2;
            continue;
        }
        let field = rest.get(..quote).unwrap_or_default();
        if field.chars().any(char::is_control) {
            return Err("a field holds a control character");
        }
        let field = if from > 0 { field.replace("\"\"", "\"").into() } else { field.into() };
        return Ok((field, after));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_as_they_were_written() {
        let read = rows("a,b\n1,\"two, with \"\"quotes\"\"\"\n,\"\"\n", ["a", "b"]).expect("a table");
        assert_eq!(read, [["1", "two, with \"quotes\""], ["", ""]], "a title would lose its comma");
    }

    #[test]
    fn what_is_not_of_the_form_is_refused_with_its_line() {
        for (text, line) in [
            ("a,c\n", 1),
            ("a,b\n1\n", 2),
            ("a,b\n1,2,3\n", 2),
            ("a,b\n1,\"2\n", 2),
            ("a,b\n1,\"2\"x\n", 2),
            ("a,b\n1,2\"\n", 2),
            ("a,b\n1,2\r\n", 2),
            ("a,b\n1,2", 2),
        ] {
            let fault = rows(text, ["a", "b"]).expect_err("a broken table would be half read");
            assert_eq!(fault.line, line, "{text:?}: {fault}");
        }
    }
}
