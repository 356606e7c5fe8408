//! Numbers, times and ids as a person reads them.

use tabellion_model::Micros;

/// Digits of an id or hash that tell it from the others on one page.
const SHORT: usize = 12;

/// `1234567` as `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A time to the second, `2026-01-31 23:59:59 UTC`; the entry holds the microseconds.
pub(crate) fn moment(time: Micros) -> String {
    format!("{} UTC", row_time(time))
}

/// The same for a column whose heading says UTC.
pub(crate) fn row_time(time: Micros) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(second)) => format!("{day} {second}"),
        _ => text,
    }
}

/// The beginning of an id or hash.
pub(crate) fn short(id: &str) -> String {
    if id.len() <= SHORT {
        id.to_owned()
    } else {
        format!("{}…", id.chars().take(SHORT).collect::<String>())
    }
}

/// `1 unit`, `2 units`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {many}", count(number)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_times_and_ids_read_as_people_write_them() {
        let numbers: Vec<String> = [0, 999, 1000, 12_345, 1_234_567].into_iter().map(count).collect();
        assert_eq!(numbers, ["0", "999", "1,000", "12,345", "1,234,567"], "a reader would miscount digits");
        assert_eq!(
            moment(Micros(1_767_225_599_999_999)),
            "2025-12-31 23:59:59 UTC",
            "a time on the page would be wrong"
        );
        assert_eq!(short("0123456789abcdef"), "0123456789ab…", "an id was cut without saying so");
        assert_eq!(
            (counted(1, "unit", "units"), counted(1200, "unit", "units")),
            ("1 unit".into(), "1,200 units".into())
        );
    }
}
