//! What an account number looks like in each country: the structures of the SWIFT IBAN registry, and of the countries
//! outside it that use the scheme.

/// The part behind country and check digits, as the registry writes it: kinds of characters and how many of each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Structure(&'static [(u8, usize)]);

impl Structure {
    /// The kind of every character in turn.
    pub(crate) fn kinds(self) -> impl Iterator<Item = u8> {
        self.0.iter().flat_map(|(kind, count)| std::iter::repeat_n(*kind, *count))
    }
}

const A: u8 = b'a';
const C: u8 = b'c';
const N: u8 = b'n';

/// The structure in a country, its two letters in any case.
pub(crate) fn structure_of(country: &str) -> Option<Structure> {
    let [first, second] = country.as_bytes() else { return None };
    structure([first.to_ascii_uppercase(), second.to_ascii_uppercase()]).map(Structure)
}

fn structure(country: [u8; 2]) -> Option<&'static [(u8, usize)]> {
    Some(match &country {
        b"NO" => &[(N, 11)],
        b"BE" => &[(N, 12)],
        b"DK" | b"FI" | b"FO" | b"GL" | b"SD" => &[(N, 14)],
        b"SI" => &[(N, 15)],
        b"AT" | b"BA" | b"EE" | b"LT" | b"MN" | b"XK" => &[(N, 16)],
        b"HR" => &[(N, 17)],
        b"CR" | b"DE" | b"ME" | b"RS" | b"VA" => &[(N, 18)],
        b"AE" | b"IL" | b"SO" | b"TL" => &[(N, 19)],
        b"CZ" | b"ES" | b"SE" | b"SK" | b"TN" => &[(N, 20)],
        b"AO" | b"CV" | b"LY" | b"MZ" | b"PT" | b"ST" => &[(N, 21)],
        b"DZ" | b"IR" | b"IS" => &[(N, 22)],
        b"BI" | b"CF" | b"CG" | b"CM" | b"DJ" | b"GA" | b"GQ" | b"KM" | b"MG" | b"MR" | b"TD" => &[(N, 23)],
        b"HU" | b"MA" | b"PL" => &[(N, 24)],
        b"EG" => &[(N, 25)],
        b"AD" => &[(N, 8), (C, 12)],
        b"AL" | b"CY" => &[(N, 8), (C, 16)],
        b"CH" | b"LI" => &[(N, 5), (C, 12)],
        b"FR" | b"MC" => &[(N, 10), (C, 11), (N, 2)],
        b"GR" => &[(N, 7), (C, 16)],
        b"KZ" | b"LU" => &[(N, 3), (C, 13)],
        b"LB" => &[(N, 4), (C, 20)],
        b"MK" => &[(N, 3), (C, 10), (N, 2)],
        b"OM" => &[(N, 3), (C, 16)],
        b"RU" => &[(N, 14), (C, 15)],
        b"SA" => &[(N, 2), (C, 18)],
        b"TR" => &[(N, 6), (C, 16)],
        b"UA" => &[(N, 6), (C, 19)],
        b"BR" => &[(N, 23), (A, 1), (C, 1)],
        b"IT" | b"SM" => &[(A, 1), (N, 10), (C, 12)],
        b"FK" => &[(A, 2), (N, 12)],
        b"GE" => &[(A, 2), (N, 16)],
        b"BF" | b"BJ" | b"CI" | b"ML" | b"NE" | b"SN" | b"TG" => &[(C, 2), (N, 22)],
        b"NL" => &[(A, 4), (N, 10)],
        b"GB" | b"IE" => &[(A, 4), (N, 14)],
        b"IQ" => &[(A, 4), (N, 15)],
        b"VG" => &[(A, 4), (N, 16)],
        b"HN" | b"NI" | b"SV" => &[(A, 4), (N, 20)],
        b"BG" => &[(A, 4), (N, 6), (C, 8)],
        b"BH" => &[(A, 4), (C, 14)],
        b"LV" => &[(A, 4), (C, 13)],
        b"GI" => &[(A, 4), (C, 15)],
        b"PK" | b"RO" => &[(A, 4), (C, 16)],
        b"AZ" => &[(A, 4), (C, 20)],
        b"PS" | b"QA" => &[(A, 4), (C, 21)],
        b"KW" => &[(A, 4), (C, 22)],
        b"LC" => &[(A, 4), (C, 24)],
        b"JO" | b"YE" => &[(A, 4), (N, 4), (C, 18)],
        b"MT" => &[(A, 4), (N, 5), (C, 18)],
        b"MU" => &[(A, 4), (N, 19), (A, 3)],
        b"SC" => &[(A, 4), (N, 20), (A, 3)],
        b"BY" => &[(C, 4), (N, 4), (C, 16)],
        b"DO" => &[(C, 4), (N, 20)],
        b"GT" => &[(C, 24)],
        b"MD" => &[(C, 20)],
        _ => return None,
    })
}
