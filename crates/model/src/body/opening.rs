//! Openings: declared routes that the gateway cannot look into, opened for one system until a day, by two people.

use serde::{Deserialize, Serialize};

use crate::{Micros, OpeningId, RecordId, SystemId};

/// Which declared routes. None of them is open unless two people opened it for the system that calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteClass {
    /// Files at the provider: put there, listed, read and deleted.
    Files,
    /// Pictures, made and edited.
    Images,
    /// Speech, made and written down.
    Audio,
    /// Batches: many requests in one file.
    Batches,
    /// Texts that a provider classes.
    Moderations,
    /// Declared paths of providers with an interface of their own: Gemini, Vertex, Bedrock.
    Passthrough,
}

impl RouteClass {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Files, Self::Images, Self::Audio, Self::Batches, Self::Moderations, Self::Passthrough];

    /// As records, forms and the command line say it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Images => "images",
            Self::Audio => "audio",
            Self::Batches => "batches",
            Self::Moderations => "moderations",
            Self::Passthrough => "passthrough",
        }
    }
}

/// `opening.requested`, stream `opening/<opening>`: somebody asks that a class of routes be opened. Nothing is open by that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningRequested {
    /// The opening; the stream's name after `opening/`.
    pub opening: OpeningId,
    /// The system that may call.
    pub system: SystemId,
    /// Which routes.
    pub class: RouteClass,
    /// The one provider it is for, by its name in the configuration; none: every one that has such routes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provider: Option<String>,
    /// When it ends by itself.
    pub until: Micros,
    /// Why.
    pub reason: String,
}

/// `opening.confirmed`, the same stream: a second person opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningConfirmed {
    /// The opening.
    pub opening: OpeningId,
    /// Its `opening.requested`.
    pub requested: RecordId,
    /// Why.
    pub reason: String,
}

/// `opening.withdrawn`, the same stream: it is closed, or was asked for in vain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningWithdrawn {
    /// The opening.
    pub opening: OpeningId,
    /// Its `opening.requested`.
    pub requested: RecordId,
    /// Why.
    pub reason: String,
}

/// `opening.refused`, stream `opening/<opening>/refused`: somebody tried to confirm what they asked for, or where they and whoever did let one another in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningRefused {
    /// The opening.
    pub opening: OpeningId,
    /// Why: `own_work` or `own_link`.
    pub code: String,
}

/// What a call through an opening was, as far as its record can say without looking into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The opening that let it through.
    pub opening: OpeningId,
    /// Its class.
    pub class: RouteClass,
    /// Method, and path as it was asked for, below the provider's base URL.
    pub target: String,
    /// The body that came, by its kind: `application/json`, `multipart/form-data`; none: nothing came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub content_type: Option<String>,
    /// Requests in a batch's file, each masked by itself; none: it is no such file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lines: Option<u64>,
}

/// What requests of a batch's file ask for: those of one surface, model and list of tools together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileModel {
    /// The surface, as records name it.
    pub surface: String,
    /// The model.
    pub model: String,
    /// Names of the tools that they offer the model.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tools: Vec<String>,
    /// How large they are; none: the file was kept before this was, and no batch is begun of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes: Option<FileSizes>,
    /// What they may take; none: the file was kept before this was, and no batch is begun of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tokens: Option<FileTokens>,
}

/// What requests of a batch's file may take, as far as they say it: what a price says of their model is added when the batch is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FileTokens {
    /// How many requests there are.
    pub requests: u64,
    /// Tokens of all their prompts, by their bytes and for what a provider says of tools.
    pub input: u64,
    /// Tokens of the largest prompt.
    pub most_input: u64,
    /// Tokens of all answers with a limit of their own.
    pub output: u64,
    /// The most of these that one request asks for.
    pub most_output: u64,
    /// Answers without a limit of their own.
    pub unlimited: u64,
    /// The most of these that one request asks for.
    pub most_unlimited: u64,
    /// Requests whose model reads what is not in them.
    pub elsewhere: u64,
    /// Requests that ask for another tier than the ordinary one, of which there is no price.
    pub other_tier: u64,
}

/// Sizes of requests of a batch's file, as their bodies came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSizes {
    /// Of the smallest.
    pub least: u64,
    /// Of the largest.
    pub most: u64,
}

/// `file.kept`: a batch's file that was masked line by line is at its provider, under this id. A batch of another file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileKept {
    /// What the provider calls it.
    pub file: String,
    /// The provider, by its name in the configuration.
    pub provider: String,
    /// The `call.authorised` that sent it.
    pub call: RecordId,
    /// Requests in it.
    pub lines: u64,
    /// What they ask for; none: it was kept before this was, and no batch is begun of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub models: Option<Vec<FileModel>>,
}

/// `object.kept`: a file or a batch that a call on a declared route made at its provider, or a file with what came of such a batch. It is the system's own under
/// this id, and no other system reads, cancels or deletes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectKept {
    /// What the provider calls it.
    pub object: String,
    /// `files` or `batches`.
    pub class: RouteClass,
    /// The provider, by its name in the configuration.
    pub provider: String,
    /// The `call.authorised` whose answer named it.
    pub call: RecordId,
    /// Of a batch: what its requests may take, as it was reserved when it was begun; none: it is none, or was begun before this was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub requests: Option<BatchRequests>,
    /// Of the file with a batch's answers: the batch, by what the provider calls it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub batch: Option<String>,
}

/// What the requests of a batch may take together, and the most that any of them may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BatchRequests {
    /// How many there are.
    pub count: u64,
    /// Most tokens of all prompts.
    pub input: u64,
    /// Most tokens of all answers.
    pub output: u64,
    /// Most tokens of one prompt.
    pub most_input: u64,
    /// Most tokens that one request is answered with.
    pub most_output: u64,
}

/// Where it stood what a batch took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchToldBy {
    /// In what the provider says of the batch.
    Batch,
    /// In the lines of the file with its answers.
    Answers,
}

/// `batch.settled`: what a batch took. Its header says it as the end of a call does, and it is charged in place of what was reserved when the batch was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchSettled {
    /// What the provider calls the batch.
    pub batch: String,
    /// The provider, by its name in the configuration.
    pub provider: String,
    /// The `call.authorised` whose answer told it.
    pub call: RecordId,
    /// Where that stood.
    pub told_by: BatchToldBy,
    /// Requests of the batch.
    pub requests: u64,
    /// Of these, those of which nothing was told, and which are charged as the most that one may take.
    pub uncounted: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: N22.
    #[test]
    fn a_class_has_one_word_in_records_and_forms() {
        for class in RouteClass::ALL {
            assert_eq!(
                serde_json::to_value(class).expect("plain"),
                class.as_str(),
                "two words for one class"
            );
        }
        let later = serde_json::json!("video");
        assert!(serde_json::from_value::<RouteClass>(later).is_err(), "a class that nobody declared is open");
    }
}
