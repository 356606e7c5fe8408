//! The bytes of ZIP headers (PKWARE APPNOTE 6.3.10, §4.3), with every free field fixed by formats §11.
//!
//! Reader and writer both use these functions, so the reader accepts exactly what the writer would have written.

/// Length of a local file header without its name.
pub(super) const LOCAL_BYTES: usize = 30;
/// Length of a central directory header without its name.
pub(super) const CENTRAL_BYTES: usize = 46;
/// Length of the end record; it has no comment.
pub(super) const END_BYTES: usize = 22;

const VERSION_NEEDED: u16 = 20;
/// Bit 11: the name is UTF-8.
const FLAGS: u16 = 0x0800;
const DOS_TIME: u16 = 0;
/// 1980-01-01, the first day a ZIP file can name.
const DOS_DATE: u16 = 0x0021;
/// Unix, version 2.0.
const VERSION_MADE_BY: u16 = 0x0314;
/// A regular file with mode 0644.
const EXTERNAL_ATTRIBUTES: u32 = 0x81A4_0000;

/// What differs from file to file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    pub(super) name: &'a str,
    pub(super) crc: u32,
    pub(super) size: u32,
    /// Offset of the local header from the start of the package.
    pub(super) offset: u32,
}

fn name_length(name: &str) -> u16 {
    u16::try_from(name.len()).unwrap_or(u16::MAX)
}

fn shared_fields(out: &mut Vec<u8>, member: &Member<'_>) {
    for field in [VERSION_NEEDED, FLAGS, 0, DOS_TIME, DOS_DATE] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    for field in [member.crc, member.size, member.size] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    out.extend_from_slice(&name_length(member.name).to_le_bytes());
    out.extend_from_slice(&0_u16.to_le_bytes());
}

/// The local header, name included.
pub(super) fn local_header(member: &Member<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(LOCAL_BYTES + member.name.len());
    out.extend_from_slice(b"PK\x03\x04");
    shared_fields(&mut out, member);
    out.extend_from_slice(member.name.as_bytes());
    out
}

/// The central directory header, name included.
pub(super) fn central_header(member: &Member<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(CENTRAL_BYTES + member.name.len());
    out.extend_from_slice(b"PK\x01\x02");
    out.extend_from_slice(&VERSION_MADE_BY.to_le_bytes());
    shared_fields(&mut out, member);
    // Comment length, disk number, internal attributes.
    out.extend_from_slice(&[0; 6]);
    out.extend_from_slice(&EXTERNAL_ATTRIBUTES.to_le_bytes());
    out.extend_from_slice(&member.offset.to_le_bytes());
    out.extend_from_slice(member.name.as_bytes());
    out
}

/// The end record.
pub(super) fn end_record(files: u16, directory_bytes: u32, directory_offset: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(END_BYTES);
    out.extend_from_slice(b"PK\x05\x06");
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&files.to_le_bytes());
    out.extend_from_slice(&files.to_le_bytes());
    out.extend_from_slice(&directory_bytes.to_le_bytes());
    out.extend_from_slice(&directory_offset.to_le_bytes());
    out.extend_from_slice(&0_u16.to_le_bytes());
    out
}

/// Field names by the offset of the byte after their last, for naming a deviation.
const LOCAL_FIELDS: [(usize, &str); 12] = [
    (4, "signature"),
    (6, "version needed"),
    (8, "flags"),
    (10, "compression method"),
    (12, "time"),
    (14, "date"),
    (18, "CRC-32"),
    (22, "compressed size"),
    (26, "size"),
    (28, "name length"),
    (30, "extra field length"),
    (usize::MAX, "name"),
];
const CENTRAL_FIELDS: [(usize, &str); 18] = [
    (4, "signature"),
    (6, "version made by"),
    (8, "version needed"),
    (10, "flags"),
    (12, "compression method"),
    (14, "time"),
    (16, "date"),
    (20, "CRC-32"),
    (24, "compressed size"),
    (28, "size"),
    (30, "name length"),
    (32, "extra field length"),
    (34, "comment length"),
    (36, "disk number"),
    (38, "internal attributes"),
    (42, "external attributes"),
    (46, "offset"),
    (usize::MAX, "name"),
];

fn first_difference(found: &[u8], wanted: &[u8], fields: &[(usize, &'static str)]) -> Option<&'static str> {
    if found == wanted {
        return None;
    }
    let position =
        found.iter().zip(wanted).position(|(a, b)| a != b).unwrap_or(found.len().min(wanted.len()));
    Some(fields.iter().find(|(end, _)| position < *end).map_or("length", |(_, field)| *field))
}

/// The first field of a local header that is not as it must be.
pub(super) fn local_difference(found: &[u8], wanted: &[u8]) -> Option<&'static str> {
    first_difference(found, wanted, &LOCAL_FIELDS)
}

/// The first field of a central header that is not as it must be.
pub(super) fn central_difference(found: &[u8], wanted: &[u8]) -> Option<&'static str> {
    first_difference(found, wanted, &CENTRAL_FIELDS)
}
