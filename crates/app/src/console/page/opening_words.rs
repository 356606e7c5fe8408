//! Classes of declared routes as people say them: what is opened, and what nothing looks into there.
//!
//! Must never: say less of what is not looked into than docs/coarse-routes.md does.

use crate::work::openings::ClassForm;

/// Every class, as forms offer them.
pub(super) const CLASSES: [ClassForm; 7] = [
    ClassForm::Files,
    ClassForm::Images,
    ClassForm::Audio,
    ClassForm::Batches,
    ClassForm::Moderations,
    ClassForm::Realtime,
    ClassForm::Passthrough,
];

/// What holds on every such route.
pub(super) const HOLDS: &str = "Keys, rules, budgets and stops. Each call is on record with its route, sizes and digests, and says which guards did not look.";

/// What a class is called.
pub(crate) fn class(class: ClassForm) -> &'static str {
    match class {
        ClassForm::Files => "Files at the provider",
        ClassForm::Images => "Pictures",
        ClassForm::Audio => "Speech",
        ClassForm::Batches => "Batches of requests",
        ClassForm::Moderations => "Texts for the provider to class",
        ClassForm::Realtime => "Conversations in real time",
        ClassForm::Passthrough => "Gemini, Vertex and Bedrock",
    }
}

/// Its word in forms and records.
pub(super) fn word(class: ClassForm) -> &'static str {
    tabellion_model::body::RouteClass::from(class).as_str()
}

/// The words that the names of its routes begin with.
pub(super) fn route(class: ClassForm) -> &'static str {
    match class {
        ClassForm::Files => "opaque.files",
        ClassForm::Images => "opaque.images",
        ClassForm::Audio => "opaque.audio",
        ClassForm::Batches => "opaque.batches",
        ClassForm::Moderations => "opaque.moderations",
        ClassForm::Realtime => "opaque.realtime",
        ClassForm::Passthrough => "passthrough",
    }
}

/// What the system may do once it is open.
pub(super) fn opens(class: ClassForm) -> &'static str {
    match class {
        ClassForm::Files => {
            "Files are put at the provider; those that the system put there are read, fetched and deleted."
        }
        ClassForm::Images => "Pictures are made and edited.",
        ClassForm::Audio => "Speech is made of text; recordings are written down and translated.",
        ClassForm::Batches => {
            "Batches of many requests are made; those that the system made are read, cancelled and deleted, and Anthropic's results fetched. Where requests lie in a file, it needs the class of files too."
        }
        ClassForm::Moderations => "The provider is asked to class texts.",
        ClassForm::Realtime => {
            "Sockets are opened to a model, over which people speak with it; each for at most an hour."
        }
        ClassForm::Passthrough => {
            "Models of Gemini, Vertex and Bedrock are asked in their own interfaces, whole and streamed."
        }
    }
}

/// What is sent and comes back unread.
pub(super) fn unseen(class: ClassForm) -> &'static str {
    match class {
        ClassForm::Files => {
            "The content of files, either way: nothing masks it and no guard looks at it. A batch's file alone is read line by line, for rules and masking; guards do not look at it either."
        }
        ClassForm::Images => {
            "What is asked for, pictures that are sent, and those that come back: nothing masks them and no guard looks at them."
        }
        ClassForm::Audio => {
            "Texts and recordings, either way: nothing masks them and no guard looks at them."
        }
        ClassForm::Batches => "What comes back: no guard looks at it, and placeholders stay in it.",
        ClassForm::Moderations => "The texts: nothing masks them and no guard looks at them.",
        ClassForm::Realtime => {
            "All that is said, either way, and the tools that the model is given: nothing masks it and no guard looks at it. The record has sizes and digests of both sides."
        }
        ClassForm::Passthrough => {
            "Prompts and answers, whole: nothing masks them and no guard looks at them."
        }
    }
}
