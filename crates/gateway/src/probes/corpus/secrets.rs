//! Secrets that open nothing: drawn letters behind prefixes that issuers print, and values that are named as secrets.

use super::{Draws, around};

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";
/// Prefixes in two parts, so that no search for leaked keys takes this file for one; what follows, and how long.
const VENDORS: [(&str, &str, &str, usize); 6] = [
    ("gh", "p_", LETTERS, 36),
    ("AK", "IA", UPPER, 16),
    ("sk_", "live_", LETTERS, 24),
    ("gl", "pat-", LETTERS, 20),
    ("AI", "za", LETTERS, 35),
    ("xo", "xb-", LETTERS, 40),
];
const NAMED: [&str; 6] =
    ["password=", "DB_PASSWORD=", "api_key: ", "client_secret = ", "Passwort: ", "Authorization: Bearer "];
const SPOKEN: [&str; 4] = [
    "the password of the server is ",
    "log in as admin with ",
    "my PIN for the portal: ",
    "das Kennwort lautet ",
];

/// A secret; `turn` chooses its kind.
pub(super) fn secret(draws: &mut Draws, turn: usize) -> String {
    let text = match turn % 6 {
        0 | 1 => {
            let vendor = VENDORS.get(draws.below(VENDORS.len())).copied().unwrap_or_default();
            format!("{}{}{}", vendor.0, vendor.1, draws.text(vendor.2, vendor.3))
        }
        2 => format!("{}{}", draws.pick(&NAMED), draws.text(LETTERS, 24)),
        3 => format!("{}{}", draws.pick(&SPOKEN), draws.text(LETTERS, 14)),
        4 => format!("postgres://app:{}@db.example.org/main", draws.text(LETTERS, 18)),
        _ => match draws.below(2) {
            0 => {
                let label = "PRIVATE KEY";
                format!(
                    "-----BEGIN {label}-----\n{}\n{}\n-----END {label}-----",
                    draws.text(LETTERS, 64),
                    draws.text(LETTERS, 64)
                )
            }
            _ => format!("eyJhbGciOiJIUzI1NiJ9.eyJ{}.{}", draws.text(LETTERS, 40), draws.text(HEX, 43)),
        },
    };
    around(draws, &text)
}
