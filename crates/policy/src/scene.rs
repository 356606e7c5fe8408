//! Who asks and for which model, in the form that Cedar looks things up in. Building it takes longer than deciding by it, and few pairs of
//! system and model account for most calls, so it is kept.
//!
//! Promises: a scene that is found is equal to the one that would be built; nothing is ever found for a system that changed since.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use cedar_policy::{Entities, Entity, EntityUid, RestrictedExpression};
use tabellion_model::SystemId;
use tabellion_model::body::{DataTerms, SystemStage};

use crate::question::{CANNOT_BE_PUT, Question, long, set, text, uid};
use crate::schema::TYPES;

/// Scenes kept, some 4 KB each. Beyond that they are built for each call: whoever asks for ever new model names must not fill the memory.
const MAX_SCENES: usize = 1024;

/// Longest name of a model that is kept, in bytes, for the same reason; real ones stay below a hundred.
const MAX_KEPT_NAME_BYTES: usize = 256;

/// One pair of system and model.
#[derive(Debug)]
pub(crate) struct Scene {
    system: SystemId,
    system_name: String,
    stage: SystemStage,
    purposes: Vec<String>,
    model: String,
    asked_as: String,
    upstream: String,
    terms: DataTerms,
    pub(crate) principal: EntityUid,
    pub(crate) resource: EntityUid,
    pub(crate) entities: Entities,
}

impl Scene {
    fn build(question: &Question<'_>) -> Result<Self, &'static str> {
        let id = question.system.to_hex();
        let principal = uid(&TYPES.system, &id);
        let resource = uid(&TYPES.model, question.model);
        let upstream = uid(&TYPES.upstream, question.upstream);
        let of_system = [
            ("id", text(&id)),
            ("name", text(question.system_name)),
            ("stage", text(stage_name(question.stage))),
            ("purposes", set(question.purposes)),
        ];
        let terms = question.terms;
        // What is not declared is not there: a rule that would be true of it has to ask first, and is not.
        let of_model = [
            Some(("name", text(question.model))),
            Some(("asked_as", text(question.asked_as))),
            terms.region.as_deref().map(|region| ("region", text(region))),
            terms.retention_days.map(|days| ("retention_days", long(days))),
            Some(("trains", RestrictedExpression::new_bool(terms.trains()))),
        ];
        let entities = [
            entity(&principal, of_system, HashSet::new())?,
            entity(&resource, of_model.into_iter().flatten(), HashSet::from([upstream.clone()]))?,
            Entity::new_no_attrs(upstream, HashSet::new()),
        ];
        let entities = Entities::from_entities(entities, None).map_err(|_| CANNOT_BE_PUT)?;
        Ok(Self {
            system: question.system,
            system_name: question.system_name.to_owned(),
            stage: question.stage,
            purposes: question.purposes.to_vec(),
            model: question.model.to_owned(),
            asked_as: question.asked_as.to_owned(),
            upstream: question.upstream.to_owned(),
            terms: terms.clone(),
            principal,
            resource,
            entities,
        })
    }

    /// Whether it is the one that would be built for `question`.
    pub(crate) fn is_of(&self, question: &Question<'_>) -> bool {
        self.system == question.system
            && self.system_name == question.system_name
            && self.stage == question.stage
            && self.purposes == question.purposes
            && self.model == question.model
            && self.asked_as == question.asked_as
            && self.upstream == question.upstream
            && self.terms == *question.terms
    }
}

/// The scenes of late.
#[derive(Debug, Default)]
pub(crate) struct Scenes {
    hashing: RandomState,
    kept: RwLock<HashMap<u64, Arc<Scene>>>,
}

impl Scenes {
    /// The scene of `question`.
    pub(crate) fn of(&self, question: &Question<'_>) -> Result<Arc<Scene>, &'static str> {
        let hash =
            self.hashing.hash_one((question.system, question.model, question.asked_as, question.upstream));
        let found = self.read().get(&hash).cloned();
        if let Some(scene) = found.filter(|scene| scene.is_of(question)) {
            return Ok(scene);
        }
        let built = Arc::new(Scene::build(question)?);
        if question.model.len() + question.asked_as.len() <= MAX_KEPT_NAME_BYTES {
            self.keep(hash, &built);
        }
        Ok(built)
    }

    /// Keeps `scene`, in place of one that was built before its system changed, or where there is room.
    fn keep(&self, hash: u64, scene: &Arc<Scene>) {
        let has_room = |kept: &HashMap<u64, Arc<Scene>>| kept.len() < MAX_SCENES || kept.contains_key(&hash);
        // Asked first without stopping others: once full, it stays full.
        if has_room(&self.read()) {
            let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
            if has_room(&kept) {
                kept.insert(hash, Arc::clone(scene));
            }
        }
    }

    /// A panic cannot leave the map half-written: the lock is held for one look-up or one insertion.
    fn read(&self) -> RwLockReadGuard<'_, HashMap<u64, Arc<Scene>>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn entity<'a>(
    uid: &EntityUid,
    attributes: impl IntoIterator<Item = (&'a str, RestrictedExpression)>,
    parents: HashSet<EntityUid>,
) -> Result<Entity, &'static str> {
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Entity::new(uid.clone(), attributes, parents).map_err(|_| CANNOT_BE_PUT)
}

pub(crate) const fn stage_name(stage: SystemStage) -> &'static str {
    match stage {
        SystemStage::Draft => "draft",
        SystemStage::Live => "live",
        SystemStage::Paused => "paused",
        SystemStage::Retired => "retired",
    }
}

#[cfg(test)]
mod tests {
    //! What is posed is what the schema says; rules are checked against the one and decided on the other.

    use cedar_policy::{Entities, Request};
    use tabellion_model::body::{Chain, Training};
    use tabellion_model::{CredentialId, Micros, SystemId};

    use super::*;
    use crate::question::Action;
    use crate::schema::VALIDATOR;

    #[test]
    fn questions_are_of_the_schema() {
        let (words, none) = (["loan-support".to_owned()], []);
        let declared = DataTerms {
            region: Some("eu".to_owned()),
            retention_days: Some(u64::MAX),
            training: Training::No,
        };
        let named = Chain {
            person: Some("corp|4711".to_owned()),
            agent: Some("corp|loans".to_owned()),
            groups: vec!["corp|advisers".to_owned()],
        };
        for (action, purposes, tools, terms, chain) in [
            (Action::Chat, &words[..], &none[..], &DataTerms::default(), &named),
            (Action::ListModels, &none[..], &words[..], &declared, &Chain::default()),
        ] {
            let question = Question {
                action,
                system: SystemId::from_bytes([1; 16]),
                system_name: "Loan support",
                stage: SystemStage::Live,
                purposes,
                key: CredentialId::from_bytes([2; 16]),
                chain,
                model: "model",
                asked_as: "alias",
                upstream: "local",
                terms,
                purpose: "loan-support",
                surface: "openai.chat_completions",
                stream: false,
                received_bytes: u64::MAX,
                tools,
                at: Micros(0),
            };
            let scene = Scene::build(&question).unwrap();
            let schema = VALIDATOR.schema();
            Entities::from_entities(scene.entities.iter().cloned(), Some(schema)).unwrap_or_else(|error| {
                panic!("a rule that was checked would err for every call: {error:?}")
            });
            let request = question.request(&scene).unwrap();
            let (principal, resource) = (scene.principal.clone(), scene.resource.clone());
            let asked = request.action().unwrap().clone();
            Request::new(principal, asked, resource, request.context().unwrap().clone(), Some(schema))
                .unwrap_or_else(|error| {
                    panic!("a rule that was checked would err for every call: {error:?}")
                });
        }
    }
}
