//! Small words that decide what is looked at, whatever the model says of it. One look into a table that the compiler fills.

/// Stands within a name or an address.
pub(super) const JOINS: u8 = 1;
/// May be the first word of one.
pub(super) const BEGINS: u8 = 2;
/// A name may stand behind it in lower case.
pub(super) const ANNOUNCES: u8 = 4;
/// Is German: there every noun has a capital, so that a capital says little.
pub(super) const GERMAN: u8 = 8;
/// Is French, Spanish, Portuguese, Italian or Dutch, and joins no names.
pub(super) const FOREIGN: u8 = 16;

const JOINING: &[&str] = &[
    "al",
    "am",
    "an",
    "and",
    "apt",
    "ave",
    "avenida",
    "avenue",
    "ben",
    "bin",
    "boulevard",
    "box",
    "calle",
    "cesta",
    "chemin",
    "da",
    "das",
    "de",
    "dei",
    "del",
    "della",
    "den",
    "der",
    "des",
    "di",
    "do",
    "dos",
    "drive",
    "du",
    "e",
    "el",
    "flat",
    "g",
    "ibn",
    "iela",
    "im",
    "kapu",
    "katu",
    "la",
    "lane",
    "las",
    "le",
    "les",
    "los",
    "o",
    "of",
    "on",
    "os",
    "pl",
    "place",
    "platz",
    "puiestee",
    "rd",
    "road",
    "rue",
    "sp",
    "st",
    "strasse",
    "street",
    "suite",
    "sur",
    "ten",
    "ter",
    "the",
    "tänav",
    "tér",
    "u",
    "ul",
    "ulica",
    "ulice",
    "unit",
    "upon",
    "utca",
    "van",
    "vej",
    "via",
    "von",
    "weg",
    "y",
    "zu",
    "zum",
    "zur",
    "út",
    "λ",
    "οδός",
    "ул",
];
const BEGINNING: &[&str] = &[
    "al",
    "apt",
    "avenida",
    "avenue",
    "bin",
    "boulevard",
    "box",
    "calle",
    "chemin",
    "da",
    "de",
    "di",
    "el",
    "flat",
    "os",
    "pl",
    "rue",
    "suite",
    "ul",
    "ulica",
    "unit",
    "van",
    "via",
    "von",
    "ул",
];
const ANNOUNCING: &[&str] = &[
    "am", "and", "ask", "at", "by", "call", "customer", "dear", "dr", "for", "from", "hello", "hi", "in",
    "is", "me", "mr", "mrs", "ms", "name", "named", "near", "of", "patient", "tell", "thanks", "the", "to",
    "with",
];

/// Small words of German that English has not.
const OF_GERMAN: &[&str] = &[
    "auch", "auf", "aus", "bei", "beim", "das", "dem", "den", "der", "des", "ein", "eine", "einen", "einem",
    "einer", "für", "ich", "ihr", "im", "ist", "mit", "nach", "nicht", "oder", "sich", "sie", "sind", "über",
    "und", "vom", "von", "vor", "wie", "wir", "wird", "zum", "zur", "zwischen",
];

/// Small words of other languages that neither English nor the names of persons and places have.
const OF_OTHERS: &[&str] = &[
    // French
    "avec", "cette", "ces", "dans", "elle", "est", "leur", "mais", "mes", "mon", "ne", "notre", "nous", "où",
    "ou", "pas", "pour", "que", "quel", "quelle", "qui", "très", "une", "votre", "vous", "à", "été", "être",
    // Spanish
    "como", "con", "cuál", "cómo", "cuando", "está", "están", "esta", "este", "mi", "más", "muy", "para",
    "pero", "por", "qué", "su", "también", "un", "una", "unas", "unos", // Portuguese, Italian
    "che", "gli", "não", "perché", "sono", "são", "uma", "você", // Dutch
    "een", "het", "naar", "niet", "voor",
];

/// Longest word of the lists, in bytes.
const MAX_BYTES: usize = 9;
const PLACES: usize = 1024;

/// A word of the lists as a number: its first eight bytes and its length tell it.
const fn packed(word: &[u8]) -> u64 {
    let (mut rest, mut number, mut taken) = (word, 0_u64, 0);
    while let Some((byte, more)) = rest.split_first() {
        if taken < 8 {
            number = (number << 8) | *byte as u64;
        }
        taken += 1;
        rest = more;
    }
    number
}

const fn place(number: u64) -> usize {
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize
}

#[expect(clippy::indexing_slicing, reason = "runs in the compiler, which refuses what is out of bounds")]
const fn entered(mut table: [(u64, u8); PLACES], words: &[&str], role: u8) -> [(u64, u8); PLACES] {
    let mut rest = words;
    while let Some((word, more)) = rest.split_first() {
        let number = packed(word.as_bytes());
        let mut at = place(number);
        while table[at].1 != 0 && table[at].0 != number {
            at = (at + 1) % PLACES;
        }
        table[at] = (number, table[at].1 | role);
        rest = more;
    }
    table
}

static TABLE: [(u64, u8); PLACES] = {
    let table = entered(entered([(0, 0); PLACES], JOINING, JOINS), BEGINNING, BEGINS);
    let table = entered(entered(table, ANNOUNCING, ANNOUNCES), OF_GERMAN, GERMAN);
    entered(table, OF_OTHERS, FOREIGN)
};

/// The same of the word that the first `len` bytes are, one at least and [`MAX_BYTES`] at most, in one step where there are eight.
fn packed_at_once(bytes: &[u8], len: usize) -> u64 {
    match bytes.first_chunk() {
        Some(eight) => u64::from_be_bytes(*eight) >> (8 * 8_usize.saturating_sub(len)),
        None => bytes.iter().take(len).fold(0, |number, byte| (number << 8) | u64::from(*byte)),
    }
}

/// What a word in lower case is among the small ones; 0 for most. The word is the first `len` of `bytes`.
pub(super) fn role(bytes: &[u8], len: usize) -> u8 {
    if !(1..=MAX_BYTES).contains(&len) {
        return 0;
    }
    let number = packed_at_once(bytes, len);
    let mut at = place(number);
    while let Some((found, role)) = TABLE.get(at).copied() {
        if role == 0 || found == number {
            return role;
        }
        at = (at + 1) % PLACES;
    }
    0
}
