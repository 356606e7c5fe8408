//! Reads a policy line by line, checking each name when it is met.

use std::collections::HashSet;

use super::{
    Group, LogLine, MAX_DEFINITIONS, MAX_POLICY_BYTES, Policy, PolicyError, PolicyFault, Quorum, WitnessLine,
};
use crate::checkpoint::parse_decimal;
use crate::vkey::{SignatureType, VerifierKey};

/// The predefined quorum.
pub(super) const NONE: &str = "none";

pub(super) fn parse(bytes: &[u8]) -> Result<Policy, PolicyError> {
    if bytes.len() > MAX_POLICY_BYTES {
        return Err(PolicyError { line: 1, fault: PolicyFault::TooLong(bytes.len()) });
    }
    let mut reader = Reader::default();
    let mut lines = 0;
    for line in bytes.split(|byte| *byte == b'\n') {
        lines += 1;
        reader.line(line).map_err(|fault| PolicyError { line: lines, fault })?;
    }
    let quorum = reader.quorum.ok_or(PolicyError { line: lines, fault: PolicyFault::Quorum })?;
    Ok(Policy { logs: reader.logs, witnesses: reader.witnesses, groups: reader.groups, quorum })
}

/// What the lines so far define.
#[derive(Default)]
struct Reader {
    logs: Vec<LogLine>,
    witnesses: Vec<WitnessLine>,
    groups: Vec<Group>,
    quorum: Option<Quorum>,
    /// Names of witnesses and groups.
    names: HashSet<String>,
    /// Names that are members already.
    members: HashSet<String>,
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Result<(), PolicyFault> {
        if let Some(control) = line.iter().find(|byte| **byte == 0x7f || (**byte < 0x20 && **byte != b'\t')) {
            return Err(PolicyFault::Control(*control));
        }
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        match line.iter().find(|byte| !blank(byte)) {
            None | Some(b'#') => return Ok(()),
            Some(_) => {}
        }
        let line = std::str::from_utf8(line).map_err(|_| PolicyFault::NotUtf8)?;
        let words: Vec<_> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        match words.split_first() {
            Some((&"log", rest)) => self.log(rest),
            Some((&"witness", rest)) => self.witness(rest),
            Some((&"group", rest)) => self.group(rest),
            Some((&"quorum", rest)) => self.quorum(rest),
            first => {
                Err(PolicyFault::Keyword(first.map_or_else(String::new, |(word, _)| (*word).to_owned())))
            }
        }
    }

    fn log(&mut self, words: &[&str]) -> Result<(), PolicyFault> {
        let (key, url) = match words {
            [key] => (key, None),
            [key, url] => (key, Some((*url).to_owned())),
            _ => return Err(PolicyFault::Words("log <vkey> [<url>]")),
        };
        let key = key_of_kind(key, |kind| kind != SignatureType::CosignatureV1)?;
        if self.logs.iter().any(|log| log.key.material() == key.material()) {
            return Err(PolicyFault::DuplicateKey(key.name().to_owned()));
        }
        push(&mut self.logs, LogLine { key, url })
    }

    fn witness(&mut self, words: &[&str]) -> Result<(), PolicyFault> {
        let (name, key, url) = match words {
            [name, key] => (name, key, None),
            [name, key, url] => (name, key, Some((*url).to_owned())),
            _ => return Err(PolicyFault::Words("witness <name> <vkey> [<url>]")),
        };
        let key = key_of_kind(key, SignatureType::is_cosignature)?;
        if self.witnesses.iter().any(|witness| witness.key.material() == key.material()) {
            return Err(PolicyFault::DuplicateKey(key.name().to_owned()));
        }
        self.define(name)?;
        push(&mut self.witnesses, WitnessLine { name: (*name).to_owned(), key, url })
    }

    fn group(&mut self, words: &[&str]) -> Result<(), PolicyFault> {
        let [name, threshold, members @ ..] = words else {
            return Err(PolicyFault::Words("group <name> any|all|<number> <name>…"));
        };
        if members.is_empty() {
            return Err(PolicyFault::Words("group <name> any|all|<number> <name>…"));
        }
        for member in members {
            self.must_be_defined(member)?;
            if !self.members.insert((*member).to_owned()) {
                return Err(PolicyFault::DuplicateMember((*member).to_owned()));
            }
        }
        let count = members.len();
        let needed = match *threshold {
            "any" => Some(1),
            "all" => Some(count),
            number => parse_decimal(number).and_then(|number| usize::try_from(number).ok()),
        };
        let fault = || PolicyFault::Threshold { threshold: (*threshold).to_owned(), members: count };
        let needed = needed.filter(|needed| (1..=count).contains(needed)).ok_or_else(fault)?;
        self.define(name)?;
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        push(&mut self.groups, Group { name: (*name).to_owned(), threshold: needed, members })
    }

    fn quorum(&mut self, words: &[&str]) -> Result<(), PolicyFault> {
        let [name] = words else { return Err(PolicyFault::Words("quorum <name> or quorum none")) };
        if self.quorum.is_some() {
            return Err(PolicyFault::Quorum);
        }
        self.quorum = Some(if *name == NONE {
            Quorum::None
        } else {
            self.must_be_defined(name)?;
            Quorum::Of((*name).to_owned())
        });
        Ok(())
    }

    fn define(&mut self, name: &str) -> Result<(), PolicyFault> {
        if name == NONE || !self.names.insert(name.to_owned()) {
            return Err(PolicyFault::DuplicateName(name.to_owned()));
        }
        Ok(())
    }

    fn must_be_defined(&self, name: &str) -> Result<(), PolicyFault> {
        if self.names.contains(name) { Ok(()) } else { Err(PolicyFault::UnknownName(name.to_owned())) }
    }
}

fn key_of_kind(text: &str, fits: impl Fn(SignatureType) -> bool) -> Result<VerifierKey, PolicyFault> {
    let key: VerifierKey = text.parse()?;
    if fits(key.kind()) { Ok(key) } else { Err(PolicyFault::KeyType) }
}

fn push<T>(list: &mut Vec<T>, item: T) -> Result<(), PolicyFault> {
    if list.len() == MAX_DEFINITIONS {
        return Err(PolicyFault::TooMany);
    }
    list.push(item);
    Ok(())
}
