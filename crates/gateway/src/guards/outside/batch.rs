//! Many questions in one request, of calls that are over.
//!
//! Promises: as many verdicts as questions, each for its own; anything else is a verdict on none of them. A question that waits for its turn waits, where one in the path
//! of a call would be an error.

use bytes::Bytes;
use tabellion_guard::service::{Fault, Question, Verdict};
use tabellion_model::body::{GuardOutcome, Guarded};

use super::{Matter, Outside, Unable, impersonal, said};
use crate::guards::suite::Guard;
use crate::upstream::pool::Pool;

impl Outside {
    /// Whether it takes many questions in one request.
    pub(crate) fn takes_batches(&self) -> bool {
        self.service.takes_batches()
    }

    /// What it says of each, as the result of `guard`: `together` in the form for many, or else the only one in the form for one. A service of which older versions know no
    /// form for many, and that does not answer in it, is asked one by one.
    pub(crate) async fn say(
        &self,
        guard: &Guard,
        matters: &[Matter<'_>],
        together: bool,
        pool: &Pool,
    ) -> Result<Vec<Guarded>, Unable> {
        // It is never closed.
        let _place = self.at_once.acquire().await.map_err(|_| Unable::Busy)?;
        let texts: Vec<Vec<&str>> = matters.iter().map(|matter| matter.texts.texts()).collect();
        let questions: Vec<Question<'_>> = matters
            .iter()
            .zip(&texts)
            .map(|(matter, texts)| self.question(guard, matter.side, matter.about, texts))
            .collect();
        let verdicts = if let (false, [question]) = (together, questions.as_slice()) {
            vec![self.alone(question, pool).await?]
        } else {
            match self.together(&questions, pool).await {
                Err(Unable::Status(_) | Unable::Answer(Fault::TooLarge)) if self.service.may_take_none() => {
                    let mut verdicts = Vec::with_capacity(questions.len());
                    for question in &questions {
                        verdicts.push(self.alone(question, pool).await?);
                    }
                    verdicts
                }
                verdicts => verdicts?,
            }
        };
        let result = |verdict: Verdict| match impersonal(verdict) {
            Ok(verdict) => said(guard, verdict),
            Err(unable) => guard.says(GuardOutcome::Errored, vec![unable.label()]),
        };
        Ok(verdicts.into_iter().map(result).collect())
    }

    async fn alone(&self, question: &Question<'_>, pool: &Pool) -> Result<Verdict, Unable> {
        let body = Bytes::from(self.service.ask(question));
        let answer = self.in_time((body, &self.target), pool).await?;
        self.service.read(question, &answer).map_err(Unable::Answer)
    }

    async fn together(&self, questions: &[Question<'_>], pool: &Pool) -> Result<Vec<Verdict>, Unable> {
        let body = self.service.ask_batch(questions).ok_or(Unable::Unshown)?;
        let answer = self.in_time((Bytes::from(body), &self.batch_target), pool).await?;
        self.service.read_batch(questions, &answer).map_err(Unable::Answer)
    }
}
