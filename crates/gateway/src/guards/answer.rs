//! Guards over one answer, whole or in the pieces of a stream.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use tabellion_guard::service::EditFault;
use tabellion_guard::{Content, Findings, Screen, Screening};
use tabellion_mask::json::{Limits as JsonLimits, Path, RawString, Scalar, Visitor, walk};
use tabellion_mask::{Classes, Scope, scan};
use tabellion_model::body::{GuardOutcome, Guarded};

use crate::answer::parts::{Channel, Parts, Text};
use crate::guards::asking::Waiting;
use crate::guards::config::{Mode, Side};
use crate::guards::edits::{Proposals, Wanted};
use crate::guards::gathered::Gathered;
use crate::guards::outside::{About, Matter};
use crate::guards::schema::Held;
use crate::guards::schema::wanted::Wanted as Schemas;
use crate::guards::suite::{Check, Found, Guard, Guards, is_flag, look, secrets_of};
use crate::race::Interrupt;
use crate::surface::request::guard_content;

/// A member of every event of some providers' streams: letters by chance, so that the length of an event tells nothing. As texts they would only lead a
/// service astray.
const PADDING: &str = "obfuscation";

/// How much of a stream has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Nothing: no guard stops anything by what it finds in it.
    Nothing,
    /// So many characters of each text, as they read.
    Window(u64),
    /// All of it: what a guard looks for is known at the end alone.
    Whole,
}

/// What was found so far.
#[derive(Default)]
struct Seen {
    findings: Findings,
    /// Whether a guard looks for secrets.
    wants_secrets: bool,
    /// Names of their classes.
    secrets: BTreeSet<&'static str>,
    /// What services are shown, where one is asked.
    gathered: Option<Gathered>,
}

impl Seen {
    fn secrets_in(&mut self, text: &str) {
        if self.wants_secrets {
            self.secrets.extend(scan(text, Classes::SECRETS).map(|finding| finding.class.name()));
        }
    }

    fn gather(&mut self, text: &str) {
        if let Some(gathered) = &mut self.gathered {
            gathered.add(text);
        }
    }

    /// Whether texts that come in pieces have to be put together.
    fn wants_whole(&self) -> bool {
        self.wants_secrets || self.gathered.is_some()
    }
}

/// A text that comes in pieces.
struct Piecewise {
    screening: Screening,
    /// It, where secrets are looked for, which show when it is whole, or a service is asked.
    kept: String,
}

/// Looks at strings, names of members and numbers, each by itself.
struct Rest<'g> {
    screen: &'g Screen,
    found: &'g mut Seen,
    /// Where those stand that were looked at.
    known: BTreeSet<usize>,
    /// Whether services are shown them: vectors are not.
    shows: bool,
}

impl Rest<'_> {
    fn look(&mut self, text: &str) {
        look(self.screen, text, Content::Text, &mut self.found.findings);
        self.found.secrets_in(text);
    }

    fn show(&mut self, text: &str) {
        self.look(text);
        if self.shows {
            self.found.gather(text);
        }
    }
}

impl<'b> Visitor<'b> for Rest<'_> {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, range: Range<usize>) {
        match scalar {
            Scalar::String(string) if path.top() == Some(PADDING) => self.look(&string.value()),
            Scalar::String(string) if !self.known.contains(&range.start) => self.show(&string.value()),
            Scalar::Number(number) => {
                self.look(number);
                if let Some(gathered) = self.found.gathered.as_mut().filter(|_| self.shows) {
                    gathered.add_number(number);
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, _: Path<'_, 'b>, name: RawString<'b>, _: Range<usize>) {
        self.show(&name.value());
    }
}

/// Whether what a guard says stands at the end of an answer alone.
fn known_late(guard: &Guard) -> bool {
    match guard.check {
        Check::Screen { at_the_end, .. } => at_the_end,
        Check::Secrets | Check::ProviderFlags | Check::Outside(_) | Check::Schema(_) => true,
        Check::Size { .. } | Check::References(_) | Check::Rego(_) | Check::Cost(_) => false,
    }
}

/// A text of an answer.
type Key = (usize, Channel);

/// The guards over one answer.
pub(crate) struct AnswerGuards {
    guards: Arc<Guards>,
    numbers: Vec<usize>,
    hold: Hold,
    /// Texts that more may come of.
    texts: BTreeMap<Key, Piecewise>,
    /// Those of which no more may come.
    ended: BTreeSet<Key>,
    /// Whether more came of one all the same: to a reader it is one text, and it was looked at as two.
    overran: bool,
    found: Seen,
    /// By what word the provider said that it withheld or filtered something.
    flag: Option<String>,
    /// Events that may not go yet, each with how far its texts had come with it.
    waiting: VecDeque<(Bytes, Vec<(Key, u64)>)>,
    has_text: bool,
    /// Whether all that is a string in an answer without texts was read: the error of a provider.
    read_rest: bool,
    /// What services are told of the call.
    about: About,
    /// The answer put together, where it is held against schemas.
    held: Option<Box<Held>>,
    /// What masking looks for in it.
    classes: Classes,
}

impl AnswerGuards {
    /// Those with these numbers; `None`: there are none.
    pub(crate) fn over(
        guards: &Arc<Guards>,
        numbers: Vec<usize>,
        about: impl FnOnce() -> About,
        wanted: Option<&Arc<Schemas>>,
        classes: Classes,
    ) -> Option<Self> {
        if numbers.is_empty() {
            return None;
        }
        let these = || numbers.iter().filter_map(|number| guards.all.get(*number));
        let blocking = || these().filter(|guard| guard.can_stop);
        let rules = blocking().filter_map(|guard| match guard.check {
            Check::Screen { rule, .. } => Some(rule),
            _ => None,
        });
        let looks_for_characters = blocking().any(|guard| matches!(guard.check, Check::Screen { .. }));
        let hold = if blocking().any(known_late) {
            Hold::Whole
        } else if looks_for_characters {
            Hold::Window(guards.screen.window(rules))
        } else {
            Hold::Nothing
        };
        let wants_secrets = these().any(|guard| guard.check == Check::Secrets);
        let gathered = guards.ask_any(&numbers).then(Gathered::default);
        let holds = these().any(|guard| matches!(guard.check, Check::Schema(_)));
        let put_together = holds.then(|| Box::new(Held::new(wanted.cloned())));
        Some(Self {
            hold,
            about: about(),
            guards: Arc::clone(guards),
            numbers,
            texts: BTreeMap::new(),
            ended: BTreeSet::new(),
            overran: false,
            found: Seen { wants_secrets, gathered, ..Seen::default() },
            flag: None,
            waiting: VecDeque::new(),
            has_text: false,
            read_rest: false,
            held: put_together,
            classes,
        })
    }

    /// Looks at an answer, or at one event of a stream: at its texts, and at whatever else in it is a string, since a client may show that too.
    pub(crate) fn look(&mut self, json: &[u8], parts: &Parts<'_>, limits: &JsonLimits, is_whole: bool) {
        if let Some(held) = &mut self.held {
            held.take(json, parts, is_whole);
        }
        if self.flag.is_none() {
            let flag = parts.flag.as_ref().or(parts.reason.as_ref());
            self.flag = flag.filter(|flag| is_flag(flag)).cloned();
        }
        let texts = || parts.texts.iter().chain(&parts.untouched);
        self.has_text |= texts().any(|text| !text.place.string.value().is_empty());
        let mut known = BTreeSet::new();
        if !is_whole {
            // Their pieces belong together; in a whole answer each is one by itself, as is every string that is no text.
            for text in texts() {
                self.look_at(text);
                known.insert(text.place.at);
            }
        }
        // A whole answer without texts is of vectors or counts, unless it is an error.
        let shows = !is_whole || self.has_text || !parts.is_numbers();
        self.read_rest |= is_whole && shows;
        let mut rest = Rest { screen: &self.guards.screen, found: &mut self.found, known, shows };
        // It was walked before, so it can be.
        let _ = walk(json, limits, &mut rest);
        for choice in &parts.closed {
            self.close(|known| known == *choice);
        }
    }

    fn look_at(&mut self, text: &Text<'_>) {
        let value = text.place.string.value();
        if value.is_empty() {
            return;
        }
        let key = (text.choice, text.channel.clone());
        self.overran |= self.ended.contains(&key);
        let screen = &self.guards.screen;
        let begun =
            || Piecewise { screening: screen.begin(guard_content(text.place.content)), kept: String::new() };
        let known = self.texts.entry(key).or_insert_with(begun);
        screen.push(&mut known.screening, &value, &mut self.found.findings);
        if self.found.wants_whole() {
            known.kept.push_str(&value);
        }
    }

    /// No more comes of these choices' texts.
    fn close(&mut self, which: impl Fn(usize) -> bool) {
        let ended: Vec<Key> = self.texts.keys().filter(|(choice, _)| which(*choice)).cloned().collect();
        for key in ended {
            if let Some(Piecewise { screening, kept }) = self.texts.remove(&key) {
                self.guards.screen.finish(screening, &mut self.found.findings);
                self.found.secrets_in(&kept);
                self.found.gather(&kept);
            }
            self.ended.insert(key);
        }
    }

    /// Whether a text went on after its end, so that what it says was not looked at as a reader reads it.
    pub(crate) fn overran(&self) -> bool {
        self.overran
    }

    /// No more comes of any text.
    pub(crate) fn close_all(&mut self) {
        self.close(|_| true);
    }

    /// Whether what came so far has to be stopped; `bytes` came from the provider.
    pub(crate) fn must_stop(&self, bytes: u64) -> bool {
        self.these().filter(|guard| guard.mode == Mode::Block).any(|guard| match guard.check {
            Check::Screen { rule, .. } => self.found.findings.any(rule),
            Check::Size { bytes: most, .. } => bytes > most,
            Check::Secrets
            | Check::ProviderFlags
            | Check::References(_)
            | Check::Outside(_)
            | Check::Schema(_)
            | Check::Rego(_)
            | Check::Cost(_) => false,
        })
    }

    /// Has services asked about a whole answer, unless `results` stop it already; what they say takes its place in these, and what they want changed is given
    /// back.
    pub(crate) async fn ask(
        &self,
        results: &mut [Guarded],
        waiting: Waiting<'_>,
    ) -> Result<Proposals, Interrupt> {
        let Some(matter) = self.matter() else { return Ok(Proposals::default()) };
        waiting.ask(&self.numbers, results, &matter).await
    }

    /// Puts in what they want changed, by `apply`, unless `results` stop the answer.
    pub(crate) fn put_in<T>(
        &self,
        proposals: &Proposals,
        results: &mut [Guarded],
        apply: impl FnMut(&Wanted) -> Result<T, EditFault>,
    ) -> Option<T> {
        self.guards.put_in(proposals, results, &self.matter()?, apply)
    }

    /// What services are shown of it; none: none is asked.
    fn matter(&self) -> Option<Matter<'_>> {
        let Self { about, classes, .. } = self;
        let texts = self.found.gathered.as_ref()?;
        Some(Matter { side: Side::Answer, about, texts, classes: *classes })
    }

    /// Whether what it is can be changed before it goes.
    pub(crate) fn may_edit(&self) -> bool {
        self.these().any(|guard| guard.may_edit)
    }

    /// Takes pieces of an event, with what they say, and puts out what may go now.
    pub(crate) fn pass(&mut self, ready: &mut Vec<Bytes>, parts: &Parts<'_>) {
        let mut reach: Vec<(Key, u64)> = Vec::new();
        if parts.repeated.is_empty() {
            for text in parts.texts.iter().chain(&parts.untouched) {
                let key = (text.choice, text.channel.clone());
                reach.extend(self.texts.get(&key).map(|text| (key, text.screening.read())));
            }
        } else {
            // It says again what came before, so it may not go before that.
            reach.extend(self.texts.iter().map(|(key, text)| (key.clone(), text.screening.read())));
        }
        self.waiting.extend(ready.drain(..).map(|piece| (piece, reach.clone())));
        self.release(ready);
    }

    /// Puts out what may go now.
    pub(crate) fn release(&mut self, out: &mut Vec<Bytes>) {
        let Hold::Window(window) = self.hold else {
            if self.hold == Hold::Nothing {
                out.extend(self.waiting.drain(..).map(|(piece, _)| piece));
            }
            return;
        };
        while let Some((_, reach)) = self.waiting.front() {
            let is_clear = |(key, at): &(Key, u64)| {
                self.texts.get(key).is_none_or(|text| text.screening.read() >= at + window)
            };
            if !reach.iter().all(is_clear) {
                return;
            }
            out.extend(self.waiting.pop_front().map(|(piece, _)| piece));
        }
    }

    /// What still waits: at the end, after the last look.
    pub(crate) fn take_waiting(&mut self) -> Vec<Bytes> {
        self.waiting.drain(..).map(|(piece, _)| piece).collect()
    }

    /// Bytes that wait.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.waiting.iter().map(|(piece, _)| piece.len()).sum()
    }

    /// No more comes, and a client gets values in place of the placeholders of `scope`.
    pub(crate) fn settle(&mut self, scope: &Scope) {
        if let Some(held) = &mut self.held {
            held.settle(scope);
        }
    }

    /// What each guard says of a whole answer; of one that broke off, those that know at the end alone did not run.
    pub(crate) fn results(&self, whole: bool, bytes: u64) -> Vec<Guarded> {
        let secrets = secrets_of(self.found.secrets.iter().copied());
        let flag = self.flag.as_deref();
        let found = Found {
            findings: &self.found.findings,
            secrets: &secrets,
            bytes,
            tools: 0,
            flag,
            references: None,
        };
        let says = |guard: &Guard| {
            if let (Check::Schema(place), Some(held)) = (guard.check, &self.held)
                && let Some(schema) = self.guards.schemas.get(place)
            {
                return held.judge(guard, schema, whole);
            }
            let said = guard.judge(&found);
            let looked = match guard.check {
                Check::Size { .. }
                | Check::References(_)
                | Check::Outside(_)
                | Check::Schema(_)
                | Check::Rego(_)
                | Check::Cost(_) => true,
                Check::ProviderFlags => whole,
                Check::Screen { .. } | Check::Secrets => whole && (self.has_text || self.read_rest),
            };
            // What was found was found, however the answer ended.
            if looked || said.outcome != GuardOutcome::Passed { said } else { guard.not_run() }
        };
        self.these().map(says).collect()
    }

    /// Whether a guard that stops what it finds, and for which all of the answer waited, did not look at it after all.
    pub(crate) fn is_unseen(&self, results: &[Guarded]) -> bool {
        let of = |guard: &Guard| results.iter().find(|result| result.guard == guard.name);
        self.these()
            .filter(|guard| guard.can_stop && known_late(guard))
            .any(|guard| of(guard).is_none_or(|result| result.outcome == GuardOutcome::NotRun))
    }

    fn these(&self) -> impl Iterator<Item = &Guard> {
        self.numbers.iter().filter_map(|number| self.guards.all.get(*number))
    }
}
