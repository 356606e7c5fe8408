//! Insults, threats and the like, by phrases of a list of our own. English.
//!
//! A heuristic that finds what it knows: abuse in plain words against whoever reads it. It knows no slurs against groups, no irony and no abuse between the
//! lines; a text *about* abuse that quotes it is found as well.

use std::collections::BTreeMap;

use super::{Detected, NotRead, found, is_read_as_english, share};
use crate::rule::{Rule, Topic};
use crate::screen::Screen;

const YOU: &[&str] = &["you are", "you're"];
const HOW: &[&str] = &[
    "",
    "a ",
    "an ",
    "so ",
    "such a ",
    "such an ",
    "just a ",
    "nothing but a ",
    "a complete ",
    "a total ",
    "fucking ",
    "a fucking ",
];
const WHAT: &[&str] = &[
    "idiot",
    "idiots",
    "moron",
    "morons",
    "imbecile",
    "loser",
    "losers",
    "worthless",
    "pathetic",
    "stupid",
    "disgusting",
    "scum",
    "trash",
    "garbage",
    "dumb",
    "piece of shit",
    "piece of trash",
    "piece of garbage",
    "waste of space",
    "disgrace",
];
/// Without a verb between: "if you trash the file" is none.
const SAID_TO: &[&str] = &[
    "you idiot",
    "you idiots",
    "you moron",
    "you morons",
    "you imbecile",
    "you loser",
    "you losers",
    "you scum",
    "you pathetic",
    "you worthless",
    "you stupid",
    "you disgusting",
    "you piece of shit",
    "you piece of trash",
];
const WE_WILL: &[&str] =
    &["i will", "i'll", "i am going to", "i'm going to", "i'm gonna", "we will", "we'll", "we are going to"];
const DO: &[&str] = &[
    "kill you",
    "hurt you",
    "beat you",
    "break your",
    "make you suffer",
    "destroy you",
    "burn your house",
    "come for you",
];
const HARM: &[&str] = &[
    "kill yourself",
    "go kill yourself",
    "hang yourself",
    "go die",
    "hope you die",
    "you should die",
    "you deserve to die",
    "drink bleach",
    "nobody would miss you",
    "the world would be better without you",
];
const PROFANITY: &[&str] = &[
    "fuck you",
    "fuck off",
    "piss off",
    "screw you",
    "go to hell",
    "shut the fuck up",
    "shut your mouth",
    "you bastard",
    "you asshole",
    "you dickhead",
    "son of a bitch",
    "eat shit",
];
/// What ends a sentence.
const ENDS: [char; 4] = ['.', '!', '?', '\n'];

/// Families of phrases, each told by one of them.
pub(super) fn rule() -> Rule {
    let family = |name: &str, terms: Vec<String>| Topic { name: name.to_owned(), terms, at_least: 1 };
    let plain = |phrases: &[&str]| phrases.iter().map(|phrase| (*phrase).to_owned()).collect();
    let mut insults = Vec::new();
    for you in YOU {
        for how in HOW {
            insults.extend(WHAT.iter().map(|what| format!("{you} {how}{what}")));
        }
    }
    insults.extend(SAID_TO.iter().map(|phrase| (*phrase).to_owned()));
    let threats =
        WE_WILL.iter().flat_map(|will| DO.iter().map(move |deed| format!("{will} {deed}"))).collect();
    Rule::Topics(vec![
        family("insult", insults),
        family("threat", threats),
        family("urging-harm", plain(HARM)),
        family("profanity", plain(PROFANITY)),
    ])
}

/// The families that were found, each with how many sentences hold it, and the share of sentences that hold any.
pub(super) fn detect(screen: &Screen, text: &str) -> Result<Detected, NotRead> {
    let mut families: BTreeMap<String, u64> = BTreeMap::new();
    let (mut sentences, mut hit) = (0_u64, 0_u64);
    for sentence in text.split(ENDS).filter(|sentence| sentence.chars().any(char::is_alphabetic)) {
        sentences += 1;
        let mut is_hit = false;
        for family in found(screen, sentence) {
            is_hit = true;
            *families.entry(family).or_default() += 1;
        }
        hit += u64::from(is_hit);
    }
    if !is_read_as_english(text, hit > 0) {
        return Err(NotRead::Language);
    }
    Ok(Detected { labels: families.into_iter().collect(), score_per_10000: Some(share(hit, sentences)) })
}
