//! Text that arrives in pieces, taken as it is written. Promises that the pieces, released, are byte for byte what the text
//! would have become in one piece, wherever it was split; that only what may still be part of a value, a name or a placeholder is held back,
//! [`MAX_HELD_BYTES`] at most, a key's length more once a private key or token has begun, and [`MAX_URL_BYTES`](crate::MAX_URL_BYTES) more where URLs
//! are looked for; and that nothing held is ever released by a timer.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use crate::class::{Class, Classes};
use crate::names::{MAX_RUN_BYTES, NameFinder, NameSpan};
use crate::placeholder::MAX_PLACEHOLDER_BYTES;
use crate::plan::{Plan, Role};
use crate::restore::{Placing, Search, next_known};
use crate::scan::{
    LEFT_CONTEXT_BYTES, MAX_VALUE_BYTES, Scanner, Start, Step, Topics, Urls, class_of, outside, rest_of,
    stands_alike,
};
use crate::scope::{Scope, ScopeFull};

/// Most bytes that are held back: the longest name that ends where a value may begin. Without names [`MAX_VALUE_BYTES`] are enough.
pub const MAX_HELD_BYTES: usize = MAX_VALUE_BYTES + MAX_RUN_BYTES;
const _: () = assert!(crate::names::MAX_HELD_BYTES <= MAX_HELD_BYTES, "a name waits no longer than that");
/// The front that is kept to tell what a value begins beside of.
const RESTORE_CONTEXT_BYTES: usize = 1;
const _: () = assert!(MAX_PLACEHOLDER_BYTES <= MAX_VALUE_BYTES, "holding back has one limit");

/// Received text: what was released and still matters as context, then what is held back.
#[derive(Default)]
struct Pending {
    text: String,
    /// What is held back begins here.
    at: usize,
}

impl Pending {
    /// Puts the held text up to `end` out.
    fn release(&mut self, end: usize, out: &mut String) {
        out.push_str(self.text.get(self.at..end).unwrap_or_default());
        self.at = end.max(self.at);
    }

    /// Forgets what is further before the held text than `context` bytes; says how much that was.
    fn forget(&mut self, context: usize) -> usize {
        let mut cut = self.at.saturating_sub(context);
        while !self.text.is_char_boundary(cut) {
            cut = cut.saturating_sub(1);
        }
        self.text.drain(..cut);
        self.at = self.at.saturating_sub(cut);
        cut
    }

    fn held(&self) -> usize {
        self.text.len().saturating_sub(self.at)
    }
}

/// What forms tell of a text in pieces.
struct Forms {
    /// Decided up to here.
    at: usize,
    floor: usize,
    phone: Option<usize>,
    /// Found, in order; kept until no name can touch them.
    found: VecDeque<Form>,
}

struct Form {
    class: Class,
    range: Range<usize>,
    /// Its placeholder was put out.
    is_out: bool,
}

/// The names in a text in pieces.
struct Names {
    finder: NameFinder,
    /// Decided up to here.
    at: usize,
    /// Found, in order, and not put out: what is still to be decided may be a value with a form that takes part of them.
    found: VecDeque<NameSpan>,
}

/// The URLs in a text in pieces: they lie over what is found within them.
struct OfUrls {
    search: Urls,
    /// Found, in order; kept until nothing can touch them.
    found: VecDeque<Url>,
}

struct Url {
    range: Range<usize>,
    /// What it is replaced by was put out.
    is_out: bool,
}

/// Masks a text that arrives in pieces, as it is written: of escapes it knows that of the at sign. One for each channel of each choice: content, reasoning, each tool call's arguments.
///
/// It looks at URLs and at what is in them as if all had one operator: of a plan where they have several ([`Plan::differs_by_url`]) a text has to be masked whole.
pub struct StreamMasker {
    pending: Pending,
    plan: Plan,
    /// Values so far, by class, whatever became of them.
    found: BTreeMap<Class, u64>,
    forms: Forms,
    names: Option<Names>,
    urls: Option<OfUrls>,
    /// What is looked for but URLs.
    classes: Classes,
}

impl StreamMasker {
    /// Nothing received yet.
    pub fn new(plan: impl Into<Plan>) -> Self {
        let plan = plan.into();
        let classes = plan.looked_for();
        let forms = Forms { at: 0, floor: 0, phone: None, found: VecDeque::new() };
        let names = classes.any_of(Classes::NAMES).then(|| Names {
            finder: NameFinder::new(None),
            at: 0,
            found: VecDeque::new(),
        });
        let urls =
            classes.has(Class::Url).then(|| OfUrls { search: Urls::default(), found: VecDeque::new() });
        let classes = classes.without(Class::Url);
        Self { pending: Pending::default(), plan, found: BTreeMap::new(), forms, names, urls, classes }
    }

    /// Takes the next piece and appends to `out` what is decided. After an error nothing more may be released.
    pub fn push(&mut self, piece: &str, scope: &mut Scope, out: &mut String) -> Result<(), ScopeFull> {
        self.pending.text.push_str(piece);
        self.run(scope, out, true)
    }

    /// The text is over: appends the rest to `out`, and gives what was found in all of it, by class.
    pub fn finish(mut self, scope: &mut Scope, out: &mut String) -> Result<BTreeMap<Class, u64>, ScopeFull> {
        self.run(scope, out, false)?;
        Ok(self.found)
    }

    /// Bytes held back.
    pub fn held_bytes(&self) -> usize {
        self.pending.held()
    }

    /// Values decided so far, by class, whatever became of them.
    pub fn found(&self) -> &BTreeMap<Class, u64> {
        &self.found
    }

    fn run(&mut self, scope: &mut Scope, out: &mut String, more: bool) -> Result<(), ScopeFull> {
        self.forms.read(&self.pending.text, self.classes, more);
        if let Some(names) = &mut self.names {
            names.read(&self.pending.text, self.classes, more);
        }
        if let Some(OfUrls { search, found }) = &mut self.urls {
            search.read(&self.pending.text, more, |range| found.push_back(Url { range, is_out: false }));
        }
        let settled = self.settled();
        for (class, range) in self.decided(settled) {
            let value = self.pending.text.get(range.clone()).unwrap_or_default();
            let replacement = self.plan.replacement(class, value, Role::Value, scope)?;
            let found = self.found.entry(class).or_default();
            *found = found.saturating_add(1);
            self.pending.release(range.start, out);
            if let Some(replacement) = replacement {
                out.push_str(&replacement);
                self.pending.at = range.end;
            }
        }
        self.pending.release(settled, out);
        self.forget(settled);
        Ok(())
    }

    /// Up to where all are decided: not beyond the start of a URL that a form may still reach out of, or of a name that either may still take part of.
    fn settled(&self) -> usize {
        let (of_urls, open_url) = match &self.urls {
            None => (usize::MAX, None),
            Some(OfUrls { search, found }) => {
                (search.at, found.iter().find(|url| !url.is_out && url.range.end > self.forms.at))
            }
        };
        let known = self.forms.at.min(of_urls);
        let settled = open_url.map_or(known, |url| known.min(url.range.start));
        let Some(names) = &self.names else { return settled };
        let open = names.found.iter().find(|name| name.range.end > known);
        let settled = settled.min(names.at);
        open.map_or(settled, |open| settled.min(open.range.start))
    }

    /// What begins before `settled` and is not out yet, in order.
    fn decided(&mut self, settled: usize) -> Vec<(Class, Range<usize>)> {
        let mut all: Vec<(Class, Range<usize>)> = Vec::new();
        let mut none = VecDeque::new();
        let urls = self.urls.as_mut().map_or(&mut none, |urls| &mut urls.found);
        if let Some(names) = &mut self.names {
            while let Some(name) = names.found.pop_front_if(|name| name.range.start < settled) {
                let class = class_of(name.kind);
                let forms = near(&self.forms.found, &name.range).map(|form| form.range.clone());
                let over = near(urls, &name.range).map(|url| url.range.clone());
                let mut taken: Vec<_> = forms.chain(over).collect();
                taken.sort_unstable_by_key(|range| range.start);
                rest_of(&self.pending.text, name.range, taken.into_iter(), |piece| all.push((class, piece)));
            }
        }
        for url in urls.iter_mut().filter(|url| !url.is_out && url.range.start < settled) {
            url.is_out = true;
            let standing = near(&self.forms.found, &url.range).filter(|form| form.stands(&url.range));
            outside(url.range.clone(), standing.map(|form| &form.range), |piece| {
                all.push((Class::Url, piece));
            });
        }
        for form in self.forms.found.iter_mut().filter(|form| !form.is_out && form.range.start < settled) {
            form.is_out = true;
            if near(urls, &form.range).all(|url| form.stands(&url.range)) {
                all.push((form.class, form.range.clone()));
            }
        }
        all.sort_unstable_by_key(|(_, range)| range.start);
        all
    }

    /// Forgets what neither a check nor a name nor a URL can reach any more.
    fn forget(&mut self, settled: usize) {
        let by_names = match &self.names {
            None => usize::MAX,
            Some(names) => names.found.front().map_or(names.at, |name| name.range.start.min(names.at)),
        };
        let reached = match &mut self.urls {
            None => by_names,
            Some(OfUrls { search, found }) => {
                // What lies within a URL has to be told from what does not until it is out.
                let over = by_names.min(settled);
                while found.pop_front_if(|url| url.is_out && url.range.end <= over).is_some() {}
                found.front().map_or(search.at, |url| url.range.start.min(search.at)).min(by_names)
            }
        };
        while self.forms.found.pop_front_if(|form| form.is_out && form.range.end <= reached).is_some() {}
        let context = self.pending.at.saturating_sub(reached).max(LEFT_CONTEXT_BYTES);
        let forgotten = self.pending.forget(context);
        self.forms.forget(forgotten);
        if let Some(names) = &mut self.names {
            names.at = names.at.saturating_sub(forgotten);
            for name in &mut names.found {
                name.range = moved(&name.range, forgotten);
            }
        }
        if let Some(OfUrls { search, found }) = &mut self.urls {
            search.forget(forgotten);
            for url in found {
                url.range = moved(&url.range, forgotten);
            }
        }
    }
}

/// What has a place in the text.
trait Placed {
    fn place(&self) -> &Range<usize>;
}

impl Placed for Form {
    fn place(&self) -> &Range<usize> {
        &self.range
    }
}

impl Placed for Url {
    fn place(&self) -> &Range<usize> {
        &self.range
    }
}

/// What touches a range, of what is in order and disjoint.
fn near<'f, T: Placed>(found: &'f VecDeque<T>, range: &Range<usize>) -> impl Iterator<Item = &'f T> {
    let first = found.partition_point(|one| one.place().end <= range.start);
    let end = range.end;
    found.range(first..).take_while(move |one| one.place().start < end)
}

impl Form {
    /// Whether it keeps its bytes beside a URL: in a stream both have one operator.
    fn stands(&self, url: &Range<usize>) -> bool {
        stands_alike(self.class, &self.range, url)
    }
}

impl Forms {
    /// Reads on.
    fn read(&mut self, text: &str, classes: Classes, more: bool) {
        let start = Start { at: self.at, floor: self.floor, phone: self.phone };
        let mut scanner = Scanner::new(text, classes, Topics::NONE, start, more);
        loop {
            match scanner.step() {
                Step::Found(finding) => {
                    self.floor = finding.range.end;
                    if finding.class == Class::Phone {
                        self.phone = Some(finding.range.end);
                    }
                    self.found.push_back(Form { class: finding.class, range: finding.range, is_out: false });
                }
                Step::Settled(settled) => {
                    self.at = settled.max(self.floor);
                    return;
                }
            }
        }
    }

    fn forget(&mut self, forgotten: usize) {
        self.at = self.at.saturating_sub(forgotten);
        self.floor = self.floor.saturating_sub(forgotten);
        self.phone = self.phone.and_then(|end| end.checked_sub(forgotten));
        for form in &mut self.found {
            form.range = moved(&form.range, forgotten);
        }
    }
}

impl Names {
    /// Reads on.
    fn read(&mut self, text: &str, classes: Classes, more: bool) {
        let mut spans = Vec::new();
        self.at = self.finder.find_from(text, self.at, more, &mut spans);
        self.found.extend(spans.into_iter().filter(|span| classes.has(class_of(span.kind))));
    }
}

fn moved(range: &Range<usize>, by: usize) -> Range<usize> {
    range.start.saturating_sub(by)..range.end.saturating_sub(by)
}

/// Gives values back in a text that arrives in pieces.
pub struct StreamRestorer {
    pending: Pending,
    placing: Placing,
}

impl StreamRestorer {
    /// Nothing received yet.
    pub fn new(placing: Placing) -> Self {
        Self { pending: Pending::default(), placing }
    }

    /// Takes the next piece and appends to `out` what is decided.
    pub fn push(&mut self, piece: &str, scope: &Scope, out: &mut String) {
        self.pending.text.push_str(piece);
        self.run(scope, out, true);
    }

    /// The text is over: appends the rest to `out`.
    pub fn finish(mut self, scope: &Scope, out: &mut String) {
        self.run(scope, out, false);
    }

    /// Bytes held back.
    pub fn held_bytes(&self) -> usize {
        self.pending.held()
    }

    fn run(&mut self, scope: &Scope, out: &mut String, more: bool) {
        loop {
            match next_known(&self.pending.text, self.pending.at, scope, more) {
                Search::Known(known) => {
                    self.pending.release(known.range.start, out);
                    out.push_str(&self.placing.write(known.value));
                    self.pending.at = known.range.end;
                }
                Search::Settled(settled) => {
                    self.pending.release(settled, out);
                    self.pending.forget(RESTORE_CONTEXT_BYTES);
                    return;
                }
            }
        }
    }
}
