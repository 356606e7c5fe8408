//! Which file names a package may hold, and why a name is refused.
//!
//! Never repairs a name: a verifier that "fixes" a path has accepted a second byte form.

use super::MAX_NAME_BYTES;

/// Why a file name is refused; each text completes the sentence "the name …".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// Nothing at all.
    #[error("is empty")]
    Empty,
    /// More than [`MAX_NAME_BYTES`].
    #[error("is longer than {MAX_NAME_BYTES} bytes")]
    TooLong,
    /// Starts with `/`: would leave the directory it is unpacked in.
    #[error("is absolute")]
    Absolute,
    /// A `..` part: would climb out of the directory it is unpacked in.
    #[error("climbs out of the package (a `..` part)")]
    Climbs,
    /// A `.` part: a second spelling of another name.
    #[error("has a `.` part")]
    DotPart,
    /// A backslash or a drive colon: a path separator on some systems.
    #[error("has a backslash or a colon")]
    Backslash,
    /// `//` or a trailing `/`: a directory or a second spelling.
    #[error("has an empty part or names a directory")]
    EmptyPart,
    /// Any byte outside `[A-Za-z0-9._-]`.
    #[error("has a character outside A-Z a-z 0-9 . _ - /")]
    Character,
}

/// Checks a name against formats §11 and returns it as text.
pub fn check_name(name: &[u8]) -> Result<&str, NameFault> {
    if name.is_empty() {
        return Err(NameFault::Empty);
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(NameFault::TooLong);
    }
    if name.first() == Some(&b'/') {
        return Err(NameFault::Absolute);
    }
    if name.iter().any(|byte| matches!(byte, b'\\' | b':')) {
        return Err(NameFault::Backslash);
    }
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" => return Err(NameFault::EmptyPart),
            b"." => return Err(NameFault::DotPart),
            b".." => return Err(NameFault::Climbs),
            part if !part.iter().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(b)) => {
                return Err(NameFault::Character);
            }
            _ => {}
        }
    }
    std::str::from_utf8(name).map_err(|_| NameFault::Character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_its_own_name() {
        for (name, fault) in [
            ("", NameFault::Empty),
            ("/etc/passwd", NameFault::Absolute),
            ("../x", NameFault::Climbs),
            ("entries/../../x", NameFault::Climbs),
            ("./x", NameFault::DotPart),
            ("a\\b", NameFault::Backslash),
            ("C:x", NameFault::Backslash),
            ("a//b", NameFault::EmptyPart),
            ("a/", NameFault::EmptyPart),
            ("a b", NameFault::Character),
            ("é", NameFault::Character),
        ] {
            assert_eq!(check_name(name.as_bytes()), Err(fault), "{name:?} would be unpacked somewhere");
        }
        assert_eq!(check_name("a".repeat(256).as_bytes()), Err(NameFault::TooLong));
        assert_eq!(check_name(b"entries/00000000.bundle"), Ok("entries/00000000.bundle"));
    }
}
