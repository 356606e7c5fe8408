//! How services are asked about calls that are over: many questions in one request, again while they do not answer, and never beyond the bound.
//!
//! Promises: each question gets one word, a verdict or why there is none, at its bound at the latest. A service that hangs keeps no other's questions.

use std::sync::Arc;
use std::time::Duration;

use tabellion_mask::Classes;
use tabellion_model::body::{GuardOutcome, Guarded};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::config::span;
use crate::guards::after::suite::AfterGuards;
use crate::guards::after::why;
use crate::guards::config::Side;
use crate::guards::gathered::{Gathered, MAX_BYTES};
use crate::guards::outside::{About, Matter, Unable};
use crate::upstream::pool::Pool;

/// Questions that wait to be put into a batch; whoever has one more waits.
const QUEUE: usize = 1024;
/// Before a service is asked again that did not answer: at first, and at most. Each pause is twice the one before, so that at most some seventy attempts fit into the
/// longest bound.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// One question.
pub(super) struct Question {
    pub(super) side: Side,
    pub(super) about: Arc<About>,
    pub(super) texts: Arc<Gathered>,
    /// When there has to be a verdict.
    pub(super) until: Instant,
    /// Told what is said.
    pub(super) word: watch::Sender<Word>,
}

/// What is said to a question.
pub(super) enum Word {
    /// Nothing yet, and why the newest attempt came to nothing.
    NotYet(Option<Unable>),
    /// This.
    Said(Guarded),
}

impl Question {
    /// What is asked. No service of these may have anything changed.
    fn matter(&self) -> Matter<'_> {
        Matter { side: self.side, about: &self.about, texts: &self.texts, classes: Classes::NONE }
    }
}

/// Where questions are put, by the number of the guard that asks.
pub(super) struct Services(Vec<Option<mpsc::Sender<Question>>>);

impl Services {
    /// A follower for each guard that asks a service, in `tasks`. When this is gone, what waits for company is asked without it.
    pub(super) fn start(after: &Arc<AfterGuards>, tasks: &mut JoinSet<()>) -> Self {
        let pool = Arc::new(Pool::new(after.guards.outside.len()));
        let numbers = 0..after.guards.all.len();
        let followers = numbers.map(|number| {
            after.guards.outside_of(number)?;
            let (sender, questions) = mpsc::channel(QUEUE);
            let asking = Asking { after: Arc::clone(after), pool: Arc::clone(&pool), number };
            tasks.spawn(follow(asking, questions));
            Some(sender)
        });
        Self(followers.collect())
    }

    /// Puts a question; one that nobody takes is answered by nobody.
    pub(super) async fn ask(&self, number: usize, question: Question) {
        if let Some(Some(service)) = self.0.get(number) {
            drop(service.send(question).await);
        }
    }
}

/// Who asks whom.
#[derive(Clone)]
struct Asking {
    after: Arc<AfterGuards>,
    pool: Arc<Pool>,
    number: usize,
}

/// How questions are put together.
struct Together {
    /// At most so many.
    count: usize,
    /// The first waits so long for others.
    wait: Duration,
    /// Whether in the form for many.
    is_batch: bool,
}

impl Asking {
    fn together(&self) -> Together {
        let settings = self.after.settings.get(self.number).copied().unwrap_or_default();
        let takes = self.after.guards.outside_of(self.number).is_some_and(|(_, it)| it.takes_batches());
        if takes && settings.batch > 1 {
            let count = usize::try_from(settings.batch).unwrap_or(1);
            Together { count, wait: span(settings.batch_wait_ms), is_batch: true }
        } else {
            Together { count: 1, wait: Duration::ZERO, is_batch: false }
        }
    }
}

/// What waits to be asked together.
#[derive(Default)]
struct Batch {
    questions: Vec<Question>,
    bytes: usize,
    /// When it goes, however few they are.
    due: Option<Instant>,
}

impl Batch {
    /// Whether one more of so many bytes would be too much for one request; one alone never is.
    fn has_no_room(&self, bytes: usize) -> bool {
        !self.questions.is_empty() && self.bytes + bytes > MAX_BYTES
    }
}

/// Puts questions together and asks them, until nobody has one more: then what waits goes at once.
async fn follow(asking: Asking, mut questions: mpsc::Receiver<Question>) {
    let together = asking.together();
    let (mut batch, mut under_way) = (Batch::default(), JoinSet::new());
    loop {
        let due = batch.due;
        tokio::select! {
            // What has come is taken before what is due goes.
            biased;
            question = questions.recv() => {
                let Some(question) = question else { break };
                if batch.has_no_room(question.texts.bytes()) {
                    send(&asking, &together, &mut batch, &mut under_way);
                }
                batch.bytes += question.texts.bytes();
                batch.due.get_or_insert_with(|| Instant::now() + together.wait);
                batch.questions.push(question);
                if batch.questions.len() >= together.count {
                    send(&asking, &together, &mut batch, &mut under_way);
                }
            }
            Some(_) = under_way.join_next(), if !under_way.is_empty() => {}
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                send(&asking, &together, &mut batch, &mut under_way);
            }
        }
    }
    send(&asking, &together, &mut batch, &mut under_way);
    while under_way.join_next().await.is_some() {}
}

/// Asks what waits, if anything does, beside what is asked already: how much at once, the service's own settings say.
fn send(asking: &Asking, together: &Together, batch: &mut Batch, under_way: &mut JoinSet<()>) {
    let Batch { questions, .. } = std::mem::take(batch);
    if !questions.is_empty() {
        under_way.spawn(settle(asking.clone(), questions, together.is_batch));
    }
}

/// Has each of these questions answered: asks again while the service does not answer, until the last of them is due.
async fn settle(asking: Asking, questions: Vec<Question>, is_batch: bool) {
    let Some((guard, outside)) = asking.after.guards.outside_of(asking.number) else { return };
    let Some(until) = questions.iter().map(|question| question.until).max() else { return };
    let matters: Vec<Matter<'_>> = questions.iter().map(Question::matter).collect();
    let mut pause = FIRST_PAUSE;
    loop {
        let asked = outside.say(guard, &matters, is_batch, &asking.pool);
        // Whoever is told may have stopped to wait meanwhile.
        match timeout_at(until, asked).await {
            Ok(Ok(all)) => {
                for (question, said) in questions.iter().zip(all) {
                    question.word.send_replace(Word::Said(said));
                }
                return;
            }
            Ok(Err(unable)) => {
                for question in &questions {
                    let errored = || guard.says(GuardOutcome::Errored, vec![unable.label()]);
                    let word =
                        if unable.may_pass() { Word::NotYet(Some(unable)) } else { Word::Said(errored()) };
                    question.word.send_replace(word);
                }
                if !unable.may_pass() {
                    return;
                }
            }
            Err(_) => return,
        }
        if Instant::now() + pause >= until {
            return sleep_until(until).await;
        }
        sleep(pause).await;
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

/// What is said to a question by its bound; the error is why nothing is, by our words.
pub(super) async fn heard(mut word: watch::Receiver<Word>, until: Instant) -> Result<Guarded, Vec<String>> {
    let is_said = |word: &Word| matches!(word, Word::Said(_));
    // One that nobody will speak any more is late as well.
    drop(timeout_at(until, async { drop(word.wait_for(is_said).await) }).await);
    match &*word.borrow() {
        Word::Said(said) => Ok(said.clone()),
        Word::NotYet(last) => {
            Err([Some(why::LATE.to_owned()), last.map(Unable::label)].into_iter().flatten().collect())
        }
    }
}
