//! Items of the registers that come with the program, in every state that lists and statuses know.

use serde_json::{Value, json};
use tabellion_ledger::Draft;
use tabellion_model::body::{
    RegisterDecided, RegisterMoved, RegisterRefreshOpened, RegisterSaved, RegisterSubmitted, Role,
};
use tabellion_model::register::{
    About, Content, Decision, Field, Kind, RefreshTrigger, Register, Registers, content_digest,
};
use tabellion_model::{CredentialId, ItemId, Micros, RecordId, SystemId};

use crate::Outcome;
use crate::calls::Chance;
use crate::house::{PEOPLE, SYSTEMS, about, draft, id_bytes, model, on, person, system};

/// One item on its way.
struct Item<'a> {
    register: &'a Register,
    id: ItemId,
    system: SystemId,
    stream: String,
    revision: u64,
    digest: String,
    drafts: Vec<Draft>,
}

/// The records of `count` items: one of each system in the inventory, the others in the registers that take many; `now` is when they are written.
pub(crate) fn drafts(count: u32, now: Micros, chance: &mut Chance) -> Outcome<Vec<Vec<Draft>>> {
    let registers = Registers::built_in()?;
    let singles: Vec<&Register> =
        registers.all().iter().filter(|register| register.about == About::OnePerSystem).collect();
    let many: Vec<&Register> =
        registers.all().iter().filter(|register| register.about == About::ManyPerSystem).collect();
    let mut all = Vec::new();
    for number in 0..count {
        let place = usize::try_from(number / SYSTEMS)?;
        let (register, id) = match singles.get(place) {
            Some(register) => (*register, *system(number % SYSTEMS).as_bytes()),
            None => (many[usize::try_from(number)? % many.len()], id_bytes("item", number)),
        };
        all.push(one(register, ItemId::from_bytes(id), number, now, chance)?);
    }
    Ok(all)
}

/// The records of one more item of a register that takes many.
pub(crate) fn last(number: u32, now: Micros, chance: &mut Chance) -> Outcome<Vec<Draft>> {
    let registers = Registers::built_in()?;
    let register = registers.all().iter().find(|register| register.about == About::ManyPerSystem);
    let register = register.ok_or("no register takes many items")?;
    one(register, ItemId::from_bytes(id_bytes("item", number)), number, now, chance)
}

fn one(
    register: &Register,
    id: ItemId,
    number: u32,
    now: Micros,
    chance: &mut Chance,
) -> Outcome<Vec<Draft>> {
    let system = system(number % SYSTEMS);
    let stream = format!("register/{}/{id}", register.name);
    let mut item =
        Item { register, id, system, stream, revision: 0, digest: String::new(), drafts: Vec::new() };
    let (author, approver) = (person(number % (PEOPLE / 2)), person(PEOPLE / 2 + number % (PEOPLE / 2)));
    // What the inventory says of a system counts for every status, so it is in order.
    let fate = if register.about == About::OnePerSystem { 99 } else { chance.below(100) };
    item.save(number, author, fate < 8)?;
    if fate < 15 {
        return Ok(item.drafts);
    }
    item.submit(author)?;
    if fate < 30 {
        return Ok(item.drafts);
    }
    let due = Micros(now.0 + u64::from(chance.below(400)) * 86_400_000_000);
    item.decide(approver, if fate < 38 { Decision::Returned } else { Decision::Approved }, due)?;
    match fate {
        38..45 => item.save(number + 1, author, false)?,
        45..48 => item.refresh()?,
        48..60 => item.step(approver)?,
        _ => {}
    }
    Ok(item.drafts)
}

impl Item<'_> {
    fn add(&mut self, draft: Draft, branch: &str) {
        self.drafts.push(about(on(draft, format!("{}{branch}", self.stream)), self.system));
    }

    fn save(&mut self, number: u32, author: CredentialId, is_partial: bool) -> Outcome<()> {
        self.revision += 1;
        let mut content: Content = self
            .register
            .fields()
            .filter(|field| !is_partial || !field.required || field.name == "name" || field.name == "owner")
            .map(|field| (field.name.clone(), value(field, number)))
            .collect();
        content.insert("name".to_owned(), json!(format!("{} {number}", self.register.item)));
        let missing = self.register.check(&content).missing;
        self.digest = content_digest(&self.register.name, &self.id, self.revision, &content)?.to_hex();
        let body = RegisterSaved {
            register: self.register.name.clone(),
            item: self.id,
            revision: self.revision,
            content,
            definition: self.register.digest.to_hex(),
            missing,
        };
        self.add(draft(&body, author)?, "");
        Ok(())
    }

    fn submit(&mut self, author: CredentialId) -> Outcome<()> {
        let body = RegisterSubmitted {
            register: self.register.name.clone(),
            item: self.id,
            revision: self.revision,
            digest: self.digest.clone(),
        };
        self.add(draft(&body, author)?, "");
        Ok(())
    }

    fn decide(&mut self, approver: CredentialId, decision: Decision, due: Micros) -> Outcome<()> {
        let body = RegisterDecided {
            register: self.register.name.clone(),
            item: self.id,
            revision: self.revision,
            digest: self.digest.clone(),
            decision,
            conditions: String::new(),
            reason: "it was weighed".to_owned(),
            role: Role::Approver,
            next_review_at: (decision == Decision::Approved).then_some(due),
        };
        self.add(draft(&body, approver)?, "");
        Ok(())
    }

    fn step(&mut self, person: CredentialId) -> Outcome<()> {
        let Some(transition) = self.register.transitions.first() else { return Ok(()) };
        let body = RegisterMoved {
            register: self.register.name.clone(),
            item: self.id,
            state: transition.to.clone(),
            reason: "it goes on".to_owned(),
        };
        self.add(draft(&body, person)?, "");
        Ok(())
    }

    fn refresh(&mut self) -> Outcome<()> {
        let body = RegisterRefreshOpened {
            register: self.register.name.clone(),
            item: self.id,
            digest: self.digest.clone(),
            trigger: RefreshTrigger::ModelNotNamed,
            model: Some("model-new".to_owned()),
            fields: Vec::new(),
            cause: RecordId::from_bytes([7; 16]),
        };
        self.add(draft(&body, person(0))?, "/refresh");
        Ok(())
    }
}

/// A value that the field takes.
fn value(field: &Field, number: u32) -> Value {
    let text = format!("What {} {number} needs to say about this, in a sentence or two.", field.label);
    let option = |skip: u32| {
        let place = usize::try_from(number + skip).unwrap_or(0) % field.options.len().max(1);
        field.options.get(place).map_or(Value::Null, |option| json!(option.word))
    };
    match field.kind {
        Kind::Line => json!(format!("{} {number}", field.label)),
        Kind::Text => json!(text),
        Kind::Choice => option(0),
        Kind::Choices => json!([option(0), option(1)]),
        // Every model that the system is answered by, so that traffic asks for no new look.
        Kind::List if field.name == "models" => {
            json!((0..3).map(|one| model(number % SYSTEMS + one)).collect::<Vec<_>>())
        }
        Kind::List => json!(["customers", "staff"]),
        Kind::Person => json!(person(number).to_hex()),
        Kind::System => json!(system(number % SYSTEMS).to_hex()),
        Kind::Date => json!("2026-09-01"),
        Kind::YesNo => json!(number.is_multiple_of(2)),
        Kind::Number => json!(number % 10),
        Kind::References => json!(["8.4"]),
    }
}
