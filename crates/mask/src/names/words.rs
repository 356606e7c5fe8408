//! Words that decide what is looked at, whatever the model says of it.

/// Small words and kinds of streets that stand within a name or an address, or begin one.
pub(super) fn joins(word: &str) -> bool {
    matches!(
        word,
        "de" | "da" | "do" | "du" | "la" | "le" | "el" | "al" | "of" | "di" | "van" | "von" | "der" | "den" | "del" | "des" | "dos"
            | "das" | "della" | "dei" | "bin" | "ben" | "ter" | "ten" | "zu" | "and" | "rue" | "via" | "ul" | "u" | "calle" | "avenue"
            | "avenida" | "ulica" | "utca" | "út" | "tér" | "al-" | "os" | "pl" | "apt" | "suite" | "street" | "road" | "lane" | "drive"
            | "box" | "y" | "e" | "ibn" | "zum" | "zur" | "am" | "im" | "an" | "les" | "los" | "las" | "st" | "ave" | "rd" | "flat"
            | "unit" | "ulice" | "cesta" | "iela" | "katu" | "vej" | "ул" | "проспект" | "λ" | "οδός" | "strasse" | "weg" | "platz"
            | "chemin" | "boulevard" | "place" | "o" | "sp" | "kapu" | "puiestee" | "tänav" | "g" | "sur" | "upon" | "on" | "the"
    )
}

/// Those of them that a name or an address may begin with.
pub(super) fn begins(word: &str) -> bool {
    matches!(
        word,
        "van" | "von" | "rue" | "via" | "ul" | "calle" | "avenue" | "avenida" | "ulica" | "al" | "os" | "pl" | "apt" | "suite" | "box"
            | "unit" | "flat" | "ул" | "проспект" | "chemin" | "boulevard" | "de" | "di" | "da" | "el" | "bin"
    )
}

/// Words behind which a name may stand in lower case.
pub(super) fn announces(word: &str) -> bool {
    matches!(
        word,
        "in" | "to" | "at" | "is" | "am" | "from" | "dear" | "hi" | "hello" | "thanks" | "call" | "customer" | "near" | "by" | "with" | "for"
            | "and" | "mr" | "mrs" | "ms" | "dr" | "named" | "name" | "me" | "tell" | "ask" | "patient" | "of" | "the"
    )
}
