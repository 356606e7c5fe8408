//! What an erasure or a hold is about, as options.

use clap::Args;

use crate::request::Target;

/// Exactly one of these.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct TargetOptions {
    /// Everything about one data subject, in every system, named as in the records
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// The content of one entry that can be erased alone
    #[arg(long, value_name = "INDEX")]
    record: Option<u64>,
    /// What is kept of one call, by the id that its caller was given
    #[arg(long, value_name = "ID")]
    call: Option<String>,
    /// Everything recorded for one system
    #[arg(long, value_name = "ID")]
    system: Option<String>,
}

impl TargetOptions {
    /// The target that was named. The group admits exactly one.
    pub(crate) fn target(&self) -> Option<Target> {
        let subject = self.subject.clone().map(Target::Subject);
        subject
            .or_else(|| self.record.map(Target::Record))
            .or_else(|| self.call.clone().map(Target::Call))
            .or_else(|| self.system.clone().map(Target::System))
    }
}
