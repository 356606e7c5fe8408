//! Records sample lines in order, with their links and an idempotency key each, so that an interrupted run can go on.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_ledger::keyring::{self, KeyPair};
use tabellion_ledger::{Clock as _, DraftParent, SystemClock};
use tabellion_model::{Entry, Env, Origin, Parent, ProducerId, Purpose, Receipt, RecordType, SystemId};

use super::sample::{Chapter, Follows, Line};
use crate::command::record::{last_epoch, log_of, remembered};
use crate::directory::Directory;
use crate::failure::Failure;
use crate::request::{Appended, Request, Response};
use crate::sealing::{Epoch, Said};
use crate::writer::Writer;

/// Most lines that are appended in one step.
const STEP_LINES: usize = 64;

/// Appends lines and remembers what others will follow from.
pub(super) struct Recorder<'a> {
    writer: &'a mut Writer,
    origin: Origin,
    env: Env,
    signer: KeyPair,
    run: usize,
    named: BTreeSet<String>,
    parents: BTreeMap<String, Parent>,
    /// Lines that had been recorded before.
    pub(super) duplicates: usize,
    /// Lines that were signed.
    pub(super) signed: usize,
}

impl<'a> Recorder<'a> {
    /// A recorder for one run; `named`: the names whose place is needed later.
    pub(super) fn new(
        directory: &Directory,
        writer: &'a mut Writer,
        run: usize,
        named: BTreeSet<String>,
    ) -> Result<Self, Failure> {
        let (origin, env, actors) = log_of(writer)?;
        let here = keyring::list_keys(directory.disk()?.as_ref(), Purpose::Actor)?;
        let signer = actors.iter().find_map(|key_id| here.iter().find(|key| key.to_hex() == *key_id));
        let signer = signer.ok_or_else(|| {
            Failure::failed(
                "no actor key that is in force has its file here; create one: tabellion key create",
            )
        })?;
        let signer = directory.key_pair(Purpose::Actor, signer)?;
        Ok(Self {
            writer,
            origin,
            env,
            signer,
            run,
            named,
            parents: BTreeMap::new(),
            duplicates: 0,
            signed: 0,
        })
    }

    /// Records `lines` in order.
    pub(super) fn record(&mut self, lines: &[Line]) -> Result<(), Failure> {
        let mut rest = lines;
        while let Some(first) = rest.first() {
            // A step ends where the kind changes, or where a line follows from one of the same step, whose place is not known yet.
            let mut names: BTreeSet<&str> = BTreeSet::new();
            let fits = rest.iter().take(STEP_LINES).take_while(|line| {
                let known = line.follows.iter().all(|follows| !names.contains(follows.name.as_str()));
                names.insert(&line.name);
                known && line.signed == first.signed
            });
            let (step, later) = rest.split_at(fits.count());
            if first.signed {
                self.sign(step)?;
            } else {
                self.seal(step)?;
            }
            rest = later;
        }
        Ok(())
    }

    /// Sends the first unsigned line again; gives its entry when the log knew it.
    pub(super) fn retry(&mut self, chapters: &[Chapter]) -> Result<Option<u64>, Failure> {
        let line = chapters
            .iter()
            .flat_map(|chapter| &chapter.lines)
            .find(|line| !line.signed && line.follows.is_empty());
        let Some(line) = line else { return Ok(None) };
        let draft = self.draft(line)?;
        let records = self.writer.append(&Request::Append { drafts: vec![draft] })?;
        Ok(records.first().filter(|record| record.duplicate).map(|record| record.index))
    }

    fn seal(&mut self, lines: &[Line]) -> Result<(), Failure> {
        let drafts = lines.iter().map(|line| self.draft(line)).collect::<Result<Vec<_>, _>>()?;
        match self.writer.respond(&Request::Append { drafts: drafts.clone() })? {
            // An interrupted run had erased somebody already: the rest is recorded one by one.
            Response::Refused(refusal)
                if refusal.code.as_deref() == Some("idempotency_erased") && lines.len() > 1 =>
            {
                lines.iter().try_for_each(|line| self.seal(std::slice::from_ref(line)))
            }
            Response::Refused(refusal) if refusal.code.as_deref() == Some("idempotency_erased") => {
                let line = lines.first().ok_or_else(|| Failure::failed("a step of no lines was refused"))?;
                let key = self.key(line);
                let own = self.sealed_before(&key)?;
                self.duplicates += 1;
                self.remember(line, own)
            }
            Response::Refused(refusal) => Err(refusal.into()),
            Response::Done(answer) => {
                let records = crate::writer::appended(answer)?;
                lines.iter().zip(&records).try_for_each(|(line, record)| self.count(line, record))
            }
        }
    }

    /// Signs and appends lines in one epoch of the signer; those that an interrupted run has signed are left alone.
    fn sign(&mut self, lines: &[Line]) -> Result<(), Failure> {
        let producer = ProducerId::of_key(&self.signer.key_id());
        let previous = last_epoch(self.writer, &producer)?;
        let signer = self.signer.clone();
        let (origin, env) = (self.origin.clone(), self.env);
        let (mut epoch, opened) = Epoch::open(&origin, env, &signer, previous, SystemClock.now())?;
        let (mut statements, mut fresh) = (vec![opened], Vec::new());
        for line in lines {
            let (tag, index) = remembered(self.writer, Some(&signer.key_id()), &self.key(line))?;
            if let Some(index) = index {
                self.duplicates += 1;
                self.remember(line, index)?;
                continue;
            }
            let draft = &line.draft;
            statements.push(
                epoch.state(Said {
                    record_type: RecordType::new(&draft.record_type)
                        .map_err(|error| Failure::failed(format!("{}: {error}", line.name)))?,
                    system: draft.system.as_deref().and_then(SystemId::from_hex),
                    subject: None,
                    idem: Some(tag),
                    parents: line
                        .follows
                        .iter()
                        .map(|follows| self.parent(follows))
                        .collect::<Result<_, _>>()?,
                    clear: None,
                    fields: draft.body.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
                })?,
            );
            fresh.push(line);
        }
        self.signed += lines.len();
        if fresh.is_empty() {
            return Ok(());
        }
        statements.push(epoch.close()?);
        let records = self.writer.append(&Request::AppendStatements { statements })?;
        fresh.into_iter().zip(records.iter().skip(1)).try_for_each(|(line, record)| self.count(line, record))
    }

    fn draft(&self, line: &Line) -> Result<tabellion_ledger::Draft, Failure> {
        let mut draft = line.draft.clone();
        draft.idempotency_key = Some(self.key(line));
        for follows in &line.follows {
            let parent = self.parent(follows)?;
            draft.parents.push(DraftParent {
                hash: parent.hash.to_hex(),
                record_id: parent.record_id.to_hex(),
                role: parent.role,
            });
        }
        Ok(draft)
    }

    fn key(&self, line: &Line) -> String {
        format!("demo/{}/{}", self.run, line.name)
    }

    fn parent(&self, follows: &Follows) -> Result<Parent, Failure> {
        let known = self.parents.get(&follows.name).cloned();
        let known = known.ok_or_else(|| {
            Failure::failed(format!("sample data: {} is followed before it is recorded", follows.name))
        })?;
        Ok(Parent { role: follows.role.clone(), ..known })
    }

    fn count(&mut self, line: &Line, record: &Appended) -> Result<(), Failure> {
        self.duplicates += usize::from(record.duplicate);
        self.remember(line, record.index)
    }

    /// Notes where a line is, when another follows from it.
    fn remember(&mut self, line: &Line, index: u64) -> Result<(), Failure> {
        if !self.named.contains(&line.name) {
            return Ok(());
        }
        let unreadable = |error: &dyn std::fmt::Display| {
            Failure::failed(format!("entry {index} does not read back: {error}; run tabellion fsck"))
        };
        let receipt =
            Receipt::parse(self.writer.receipt(index)?.as_bytes()).map_err(|error| unreadable(&error))?;
        let entry = Entry::parse(&receipt.entry).map_err(|error| unreadable(&error))?;
        let header = entry.header().ok_or_else(|| unreadable(&"it is a seal"))?;
        let parent = Parent { hash: receipt.leaf(), record_id: header.record_id, role: String::new() };
        self.parents.insert(line.name.clone(), parent);
        Ok(())
    }

    /// The entry that the log itself sealed under an idempotency key.
    fn sealed_before(&mut self, key: &str) -> Result<u64, Failure> {
        let (_, index) = remembered(self.writer, None, key)?;
        index.ok_or_else(|| {
            Failure::failed(format!("the log does not know {key} although it refused it; run tabellion fsck"))
        })
    }
}
