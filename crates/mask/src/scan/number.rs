//! Numbers of JSON that are card numbers: programs write them with a fraction or an exponent, too.

use std::borrow::Cow;

use super::{Class, Classes, Context, issuer, scan, scan_with};

/// What a number of JSON says, as its digits where it is written otherwise: `4111111111111111.0`, `4.111111111111111e15`.
pub fn scan_number(number: &str, classes: Classes) -> Option<(Class, Cow<'_, str>)> {
    scan_number_with(number, Context::default(), classes)
}

/// What a number of JSON says as the value of a field.
pub fn scan_number_with<'n>(
    number: &'n str,
    context: Context<'_>,
    classes: Classes,
) -> Option<(Class, Cow<'n, str>)> {
    if let Some(finding) = scan_with(number, context, classes).next() {
        return Some((finding.class, finding.value.into()));
    }
    let digits = integer(number)?;
    let class = scan(&digits, classes).next()?.class;
    Some((class, digits.into()))
}

/// The digits of a number that is whole and as long as a card's.
fn integer(number: &str) -> Option<String> {
    let number = number.strip_prefix('-').unwrap_or(number);
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // `0.4111e4` is 4111: a zero in front is no digit of the number.
    let whole = whole.trim_start_matches('0');
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent.parse().ok()?)?;
    let len = usize::try_from(point).ok().filter(|len| issuer::DIGITS.contains(len))?;
    let mut digits = whole.bytes().chain(fraction.bytes());
    let mut front: Vec<u8> = digits.by_ref().take(len).collect();
    front.resize(len, b'0');
    if digits.any(|digit| digit != b'0') {
        return None;
    }
    String::from_utf8(front).ok()
}
