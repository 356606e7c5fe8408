//! Numbers of canonical JSON as RFC 8785 §3.2.2.3 asks: the shortest decimal form that gives the same double, laid out by the rules of ECMAScript.
//!
//! Our own records hold integers alone ([`crate::to_jcs`]); what others signed may hold any number.

/// From 10^21 on a number is written with an exponent.
const PLAIN_DIGITS: i32 = 21;
/// Down to 10^-6 a number is written without one.
const PLAIN_ZEROS: i32 = -6;

/// The canonical text of a finite double.
pub(super) fn write(number: f64, out: &mut String) {
    if number == 0.0 {
        // Minus zero too.
        out.push('0');
        return;
    }
    if number < 0.0 {
        out.push('-');
    }
    let (digits, point) = shortest(number.abs());
    layout(&digits, point, out);
}

/// The fewest digits that read back as the same double, the closest of them, the even one of two that are equally close; and where the decimal point
/// stands. `serde_json` finds them; `std` takes the larger of two that are equally close.
fn shortest(number: f64) -> (String, i32) {
    let text = serde_json::Number::from_f64(number).map(|number| number.to_string()).unwrap_or_default();
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    let point = whole.len() + significant.len();
    let point = i32::try_from(point).unwrap_or_default() - i32::try_from(digits.len()).unwrap_or_default();
    let exponent: i32 = exponent.trim_start_matches('+').parse().unwrap_or_default();
    (significant.trim_end_matches('0').to_owned(), point + exponent)
}

/// Lays out `digits` with the decimal point after `point` of them (ECMA-262, `Number::toString`).
fn layout(digits: &str, point: i32, out: &mut String) {
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    if count <= point && point <= PLAIN_DIGITS {
        out.push_str(digits);
        zeros(point - count, out);
    } else if 0 < point && point <= PLAIN_DIGITS {
        let (whole, rest) = split(digits, point);
        out.push_str(whole);
        out.push('.');
        out.push_str(rest);
    } else if PLAIN_ZEROS < point && point <= 0 {
        out.push_str("0.");
        zeros(-point, out);
        out.push_str(digits);
    } else {
        let (first, rest) = split(digits, 1);
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        out.push_str(if point > 0 { "e+" } else { "e-" });
        out.push_str(&(point - 1).unsigned_abs().to_string());
    }
}

fn split(digits: &str, at: i32) -> (&str, &str) {
    usize::try_from(at).ok().and_then(|at| digits.split_at_checked(at)).unwrap_or((digits, ""))
}

fn zeros(count: i32, out: &mut String) {
    (0..count).for_each(|_| out.push('0'));
}

/// Reads a number of JSON. `None`: not of JSON's form, not finite, or an integer that doubles do not hold, which readers round differently.
pub(super) fn read(text: &str) -> Option<f64> {
    if !is_json_number(text) {
        return None;
    }
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    let is_integer = !text.contains(['.', 'e', 'E']);
    let mut canonical = String::new();
    write(number, &mut canonical);
    let is_held = text.trim_start_matches('-').len() < 16 || canonical == text;
    (!is_integer || is_held).then_some(number)
}

/// The grammar of RFC 8259 §6.
fn is_json_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let (number, exponent) = match rest.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (rest, None),
    };
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (number, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = |exponent: &str| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(exponent_fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Option<String> {
        let mut out = String::new();
        write(read(text)?, &mut out);
        Some(out)
    }

    /// Requirement: R02. The numbers of RFC 8785 §3.2.2 and of its appendix B.
    #[test]
    fn numbers_have_the_form_that_the_standard_gives() {
        let cases = [
            ("333333333.33333329", "333333333.3333333"),
            ("1E30", "1e+30"),
            ("4.50", "4.5"),
            ("2e-3", "0.002"),
            ("0.000000000000000000000000001", "1e-27"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("9007199254740992", "9007199254740992"),
            ("295147905179352830000", "295147905179352830000"),
            ("9.999999999999997e22", "9.999999999999997e+22"),
            ("1e23", "1e+23"),
            ("999999999999999700000", "999999999999999700000"),
            ("1e21", "1e+21"),
            ("9.999999999999997e-7", "9.999999999999997e-7"),
            ("0.000001", "0.000001"),
            ("333333333.3333332", "333333333.3333332"),
            ("-0.0000033333333333333333", "-0.0000033333333333333333"),
            ("1424953923781206.25", "1424953923781206.2"),
        ];
        for (text, wanted) in cases {
            assert_eq!(canonical(text).as_deref(), Some(wanted), "a signature over {text} would not verify");
        }
    }

    #[test]
    fn what_readers_hold_differently_is_refused() {
        for text in ["9007199254740993", "1e400", "01", "1.", ".5", "+1", "-", "1e", "0x1", "", "NaN"] {
            assert_eq!(canonical(text), None, "{text:?} means different numbers to different readers");
        }
    }

    #[test]
    fn every_written_number_reads_back_as_itself() {
        let mut bits: u64 = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..200_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = f64::from_bits(bits);
            if number.is_finite() {
                let mut text = String::new();
                write(number, &mut text);
                let again = text.parse::<f64>().expect("a number");
                assert!(again.to_bits() == number.to_bits() || number == 0.0, "{text} is another number");
                assert_eq!(canonical(&text).as_ref(), Some(&text), "{text} would have two canonical forms");
            }
        }
    }
}
