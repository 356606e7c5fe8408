//! How sure a reading must be before it counts as a name, by what lists, small words and neighbours say of it. Promises to look at nothing but the run, the three
//! tokens before it and what was seen behind it.
//!
//! The model learnt from English sentences and from lists: a capital, an ending and a place in the sentence are enough for it. These rules ask for more where a
//! capital says little: in other languages, in lists of things, within titles of things, of words that are in no list.

use std::ops::Range;

use super::features::{BEFORE, Seen, is_word};
use super::hash::{ascii, pair};
use super::model::{Model, known};
use super::run::{Run, is_ordinary};
use super::token::{Shape, Token};
use super::{NameKind, words};

/// How much likelier a name must be than none, by kind, in parts of a nat. Set where technical text without names stays clean.
const LEAST: [i32; 3] = [12, 12, 20];
/// The same of a person or place of which a list has a word as a name and as nothing else.
const LEAST_ALONE: i32 = 1;
/// The same of a name in lower case, or of one word in capitals, that no key asks for: most such words are none.
const LEAST_LOWER: i32 = 40;
/// The same of a name none of whose words is in any list, where the word before it or a number speaks for it.
const LEAST_LED: i32 = 40;
/// The same of one word for which nothing does: so are most products, methods and makes.
const LEAST_UNLISTED: i32 = 60;
/// The same in text of another language than English, whose ordinary words the lists hardly know.
const LEAST_FOREIGN: i32 = 112;
/// The same in a list one of whose neighbouring things is no name: lists are of one kind.
const LEAST_AMONG_THINGS: i32 = 120;
/// The same of two words and more that are all words which anybody uses, though a list has one of them as a name.
const LEAST_COMMON: i32 = 50;
/// The same of words joined as in `ley de aguas`, fewer than half of which are names alone.
const LEAST_JOINED: i32 = 200;

/// Words behind which a word is a person, without diacritics, as hashes leave them out.
const TITLES: [u64; 28] = hashes([
    "mr",
    "mrs",
    "ms",
    "miss",
    "dr",
    "doctor",
    "doktor",
    "docteur",
    "prof",
    "professor",
    "herr",
    "herrn",
    "frau",
    "madame",
    "mme",
    "mlle",
    "monsieur",
    "senor",
    "senora",
    "sr",
    "sra",
    "don",
    "dona",
    "doctora",
    "signor",
    "signora",
    "mevrouw",
    "meneer",
]);
/// Words behind which a word may well be a place.
const PLACED: [u64; 5] = hashes(["in", "to", "from", "near", "at"]);
const IS: u64 = ascii("is");
/// Words before `is` that make a word behind it a person.
const SELF: [u64; 2] = hashes(["name", "this"]);
const THE: u64 = ascii("the");
/// A full stop that leans on the word before it.
const STOP: u64 = ascii(".").wrapping_add(1);

/// What the lists know of a reading's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listed {
    /// One is part of a name, a street's or a firm's.
    Yes,
    /// None is.
    No,
    /// None is, and all are words that anybody uses.
    Ordinary,
}

/// A part of a run that the model takes for a name.
pub(super) struct Reading<'r> {
    pub(super) text: &'r str,
    pub(super) run: &'r Run,
    pub(super) model: &'r Model<'r>,
    pub(super) kind: NameKind,
    /// The numbers of its tokens.
    pub(super) own: Range<usize>,
    /// By how much it beats the likeliest reading without it.
    pub(super) sure: i32,
}

/// Articles at the start of a sentence or a title: they are in the lists as part of some towns' names.
const ARTICLES: [&str; 15] =
    ["The", "La", "Le", "Les", "El", "Los", "Las", "Der", "Die", "Das", "Un", "Une", "Una", "Ein", "Eine"];
/// Small words that join words of titles and things as often as those of names.
const LOOSE_JOINTS: [&str; 26] = [
    "de", "del", "la", "las", "los", "le", "les", "des", "du", "da", "do", "dos", "das", "di", "dei",
    "della", "el", "e", "y", "den", "der", "zu", "zum", "zur", "im", "am",
];
/// Small words of Dutch, German, Arabic and Hebrew names, which join little else.
const FIRM_JOINTS: [&str; 7] = ["van", "von", "ten", "ter", "bin", "ibn", "ben"];

/// The hashes of words, in the compiler.
#[expect(clippy::indexing_slicing, reason = "runs in the compiler, which refuses what is out of bounds")]
const fn hashes<const N: usize>(words: [&str; N]) -> [u64; N] {
    let (mut all, mut at) = ([0; N], 0);
    while at < N {
        all[at] = ascii(words[at]);
        at += 1;
    }
    all
}

fn is_article(word: &str) -> bool {
    ARTICLES.contains(&word)
}

/// Whether a word is in a list of names, streets or firms.
fn is_listed(seen: &Seen) -> bool {
    seen.known & (known::NAME | known::FIRM | known::STREET) != 0 && !is_ordinary(seen)
}

/// Whether a word is known as a name and as nothing else.
fn is_name_alone(seen: &Seen, lists: u16) -> bool {
    seen.known & lists != 0 && seen.known & (known::COMMON | known::RARE) == 0
}

/// Whether a token parts the things of a list.
fn is_parting(text: &str, token: &Token) -> bool {
    match token.shape {
        Shape::Mark => token.of(text) == ",",
        Shape::Lower => matches!(token.of(text), "and" | "y" | "e" | "u"),
        _ => false,
    }
}

fn is_number(token: &Token) -> bool {
    !is_word(token.shape) && token.shape != Shape::Mark
}

impl Reading<'_> {
    /// Whether it counts.
    pub(super) fn counts(&self) -> bool {
        self.sure >= self.least() && (self.run.is_keyed() || !self.is_doubtful())
    }

    fn least(&self) -> i32 {
        let own = LEAST.get(self.kind as usize).copied().unwrap_or(i32::MAX);
        if self.run.is_keyed() {
            return own;
        }
        let is_firm = self.kind == NameKind::Organisation;
        let shape = |token: Option<(&Token, &Seen)>| token.map(|(token, _)| token.shape);
        let (first, last) = (shape(self.tokens().next()), shape(self.tokens().next_back()));
        let is_single = self.own.len() == 1;
        match self.listed() {
            Listed::Ordinary => i32::MAX,
            _ if self.is_titled() => own,
            Listed::No if self.run.german => LEAST_FOREIGN,
            Listed::No if is_firm || self.has_number() => own.max(LEAST_LED),
            Listed::No if self.run.foreign => LEAST_FOREIGN,
            Listed::No if !is_single || self.is_led() => own.max(LEAST_LED),
            Listed::No => own.max(LEAST_UNLISTED),
            Listed::Yes if self.run.german && is_single => own.max(LEAST_LED),
            Listed::Yes if first == Some(Shape::Lower) && last == Some(Shape::Lower) => own.max(LEAST_LOWER),
            Listed::Yes if first == Some(Shape::Upper) && is_single => own.max(LEAST_LOWER),
            Listed::Yes if self.is_plainly_a_name() => LEAST_ALONE,
            Listed::Yes => own,
        }
    }

    /// Whether something about it says that it is none, however much the model likes it.
    fn is_doubtful(&self) -> bool {
        if self.kind != NameKind::Organisation && self.is_title_of_a_thing() {
            return true;
        }
        let is_listed = self.listed() == Listed::Yes;
        if self.has_number() {
            return !is_listed && self.is_edition();
        }
        if !is_listed && self.is_broken() {
            return true;
        }
        self.kind != NameKind::Organisation
            && (self.is_behind_article()
                || self.is_loosely_joined()
                || (!is_listed && self.sure < LEAST_JOINED && self.is_a_list())
                || (self.sure < LEAST_COMMON && self.is_all_common())
                || (!is_listed
                    && self.own.len() == 1
                    && self.sure < LEAST_AMONG_THINGS
                    && !self.is_led()
                    && !self.is_titled()
                    && self.is_among(Run::is_thing)))
    }

    fn tokens(&self) -> impl DoubleEndedIterator<Item = (&Token, &Seen)> {
        let all = self.run.tokens.iter().zip(&self.run.seen);
        all.skip(self.own.start).take(self.own.len())
    }

    /// Its words without those that only join or point.
    fn content(&self) -> impl Iterator<Item = (&Token, &Seen)> {
        self.tokens().filter(|(token, _)| {
            is_word(token.shape) && token.role & words::JOINS == 0 && !is_article(token.of(self.text))
        })
    }

    /// What stands so many tokens before it.
    fn before(&self, count: usize) -> Option<&Seen> {
        match self.own.start.checked_sub(count) {
            Some(at) => self.run.seen.get(at),
            None => self.run.past.get((BEFORE + self.own.start).checked_sub(count)?),
        }
    }

    fn listed(&self) -> Listed {
        if self.content().any(|(_, seen)| is_listed(seen)) || self.has_listed_pair() {
            return Listed::Yes;
        }
        let mut solid = self.tokens().filter(|(token, _)| token.shape != Shape::Mark).peekable();
        let has_any = solid.peek().is_some();
        let is_plain = solid.all(|(token, seen)| is_word(token.shape) && is_ordinary(seen));
        if has_any && is_plain { Listed::Ordinary } else { Listed::No }
    }

    fn has_number(&self) -> bool {
        self.tokens().any(|(token, _)| is_number(token))
    }

    /// `Mr. Pálffy`, `señora Ruiz`
    fn is_titled(&self) -> bool {
        let is_title = |at: usize| self.before(at).is_some_and(|seen| TITLES.contains(&seen.hash));
        let is_stopped = || self.before(1).is_some_and(|seen| seen.hash == STOP);
        self.kind == NameKind::Person && (is_title(1) || (is_stopped() && is_title(2)))
    }

    /// Whether the word before says what it is, `lives in Laax`, `my name is Siiri`, or the number behind it, `Beiteveien 2`, or the persons beside it in a list.
    fn is_led(&self) -> bool {
        let hash = |count: usize| self.before(count).map_or(0, |seen| seen.hash);
        let is_announced = match self.kind {
            NameKind::Person => hash(1) == IS && SELF.contains(&hash(2)),
            NameKind::Location => PLACED.contains(&hash(1)),
            NameKind::Organisation => false,
        };
        let next = self.run.tokens.get(self.own.end);
        let is_numbered = next.is_some_and(|token| matches!(token.shape, Shape::Short | Shape::Three));
        let is_listed = || self.is_among(Run::has_person) && !self.is_among(Run::is_thing);
        is_announced || is_numbered || (self.kind == NameKind::Person && is_listed())
    }

    /// A year behind a word that is in no list: `Incoterms 2020`.
    fn is_edition(&self) -> bool {
        let is_year = |token: &Token| {
            token.shape == Shape::Four && matches!(token.of(self.text).get(..2), Some("19" | "20"))
        };
        self.content().count() == 1 && self.tokens().any(|(token, _)| is_year(token))
    }

    /// `La Mairie`: an article, and no word that is known as a name and as nothing else.
    fn is_behind_article(&self) -> bool {
        let first = self.tokens().next();
        self.own.len() > 1
            && first.is_some_and(|(token, _)| is_article(token.of(self.text)))
            && !self.has_name_alone()
            && !self.has_listed_pair()
    }

    /// Whether two words of it stand in the lists as one name: `Los Angeles`, `United Kingdom`; `of the` stands there too.
    fn has_listed_pair(&self) -> bool {
        let is_part = |seen: &Seen| seen.known & known::PART != 0;
        let pairs = self.tokens().zip(self.tokens().skip(1));
        pairs
            .filter(|((_, first), (token, second))| {
                is_part(first) && is_part(second) && !is_article(token.of(self.text))
            })
            .any(|((_, first), (_, second))| {
                self.model.known(pair(first.hash, second.hash)) & known::NAME != 0
            })
    }

    /// `Ratatouille, Soupe`
    fn is_a_list(&self) -> bool {
        self.tokens().any(|(token, _)| is_parting(self.text, token))
    }

    /// A word in lower case that joins nothing, among capitals: `Crème brûlée`.
    fn is_broken(&self) -> bool {
        let is_lower = |token: &Token| token.shape == Shape::Lower;
        let mut has_capital = self.tokens().map(|(token, _)| is_word(token.shape) && !is_lower(token));
        let mut loose = self.tokens().map(|(token, _)| is_lower(token) && token.role & words::JOINS == 0);
        has_capital.any(|is| is) && loose.any(|is| is)
    }

    /// `Ley de Aguas`, `Factura de la Luz`: joined as titles are, and fewer than half of its words are names alone.
    fn is_loosely_joined(&self) -> bool {
        let joint = |joints: &[&str]| {
            self.tokens()
                .any(|(token, _)| token.shape == Shape::Lower && joints.contains(&token.of(self.text)))
        };
        if self.sure >= LEAST_JOINED || !joint(&LOOSE_JOINTS) || joint(&FIRM_JOINTS) {
            return false;
        }
        let lists = known::NAME | known::FIRM | known::STREET;
        let (mut all, mut names) = (0_usize, 0_usize);
        for (_, seen) in self.content() {
            all = all.saturating_add(1);
            names = names.saturating_add(usize::from(is_name_alone(seen, lists)));
        }
        names.saturating_mul(2) < all
    }

    /// `Second Law`
    fn is_all_common(&self) -> bool {
        let is_common = |seen: &Seen| seen.known & known::COMMON != 0 && seen.known & known::BIG == 0;
        self.content().count() > 1
            && self.content().all(|(_, seen)| is_common(seen))
            && !self.has_listed_pair()
    }

    /// `the Geneva Conventions`: one word between the article and a capitalised word that anybody uses is part of what a thing is called.
    fn is_title_of_a_thing(&self) -> bool {
        let next = self.run.tokens.iter().zip(&self.run.seen).nth(self.own.end);
        self.own.len() == 1
            && self.before(1).is_some_and(|seen| seen.hash == THE)
            && next.is_some_and(|(token, seen)| {
                token.shape == Shape::Title && !token.glued && token.lines == 0 && is_common_noun(seen)
            })
    }

    /// Whether something beside it in a list is as `of` says.
    fn is_among(&self, of: fn(&Run, Range<usize>) -> bool) -> bool {
        let tokens = &self.run.tokens;
        let is_parting = |token: &Token| is_parting(self.text, token);
        let part_before = |end: usize| tokens.iter().take(end).rposition(is_parting);
        let part_behind = |start: usize| {
            let found = tokens.iter().skip(start).position(is_parting);
            found.map(|at| at.saturating_add(start))
        };
        let before = part_before(self.own.start)
            .map(|part| part_before(part).map_or(0, |earlier| earlier.saturating_add(1))..part);
        let behind = part_behind(self.own.end).map(|part| {
            let start = part.saturating_add(1);
            start..part_behind(start).unwrap_or(tokens.len())
        });
        before.is_some_and(|item| of(self.run, item)) || behind.is_some_and(|item| of(self.run, item))
    }

    fn has_name_alone(&self) -> bool {
        self.content().any(|(_, seen)| is_name_alone(seen, known::NAME))
    }

    /// A person or place that a list has as a name and as nothing else, in an English sentence. A word by itself and one beside things say little.
    fn is_plainly_a_name(&self) -> bool {
        let is_edge = |seen: Option<&Seen>| seen.is_none_or(|seen| seen.look == Shape::Edge as u8);
        let has_more_behind = self.own.end < self.run.tokens.len() || !is_edge(self.run.behind.first());
        self.kind != NameKind::Organisation
            && !self.run.german
            && !self.run.foreign
            && self.has_name_alone()
            && (has_more_behind || !is_edge(self.before(1)))
            && !self.is_among(Run::is_thing)
    }
}

impl Run {
    /// The capitalised words of a part.
    fn capitals(&self, part: Range<usize>) -> impl Iterator<Item = &Seen> {
        let words = self.tokens.iter().zip(&self.seen).skip(part.start).take(part.len());
        words.filter(|(token, _)| is_word(token.shape) && token.shape != Shape::Lower).map(|(_, seen)| seen)
    }

    /// A part that is capitalised and none of a name: `Agile, Scrum and Kanban`.
    fn is_thing(&self, part: Range<usize>) -> bool {
        self.capitals(part.clone()).next().is_some()
            && !self.capitals(part).any(|seen| is_name_alone(seen, known::NAME))
    }

    /// A part that has a person's name: `Gaetane, Hannah and Derek`.
    fn has_person(&self, part: Range<usize>) -> bool {
        self.capitals(part).any(|seen| is_name_alone(seen, known::FIRST | known::LAST))
    }
}

/// Whether a word is one that anybody uses, and neither a name nor a street's or a firm's.
fn is_common_noun(seen: &Seen) -> bool {
    seen.known & known::COMMON != 0 && is_ordinary(seen)
}
