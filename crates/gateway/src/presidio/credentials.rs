//! A key as Presidio's clients can send it.
//!
//! They know no header for a key: a name and a password in the address is all that some of them can be given, which becomes `Authorization: Basic`. So on these
//! routes, and on no others, the password of that header is the key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderValue};
use zeroize::Zeroizing;

/// Puts a key that came as a password where keys are looked for. What is none is left, and refused there.
pub(crate) fn unpack(headers: &mut HeaderMap) {
    if let Some(bearer) = password(headers) {
        headers.insert(AUTHORIZATION, bearer);
    }
}

/// The password of the one header, as the header that a key comes in. An address with a name alone has the key there.
fn password(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, pair) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = Zeroizing::new(STANDARD.decode(pair.trim()).ok()?);
    let (name, password) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
    let key = if password.is_empty() { name } else { password };
    let mut bearer = HeaderValue::try_from(format!("Bearer {key}")).ok()?;
    bearer.set_sensitive(true);
    Some(bearer)
}
