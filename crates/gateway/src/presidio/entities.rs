//! Our classes by the names that Presidio has for them, both ways.
//!
//! Promises: a class has one name; a name that is given out can be asked for. Where Presidio has no word, the class is called by its own in capitals.

use std::borrow::Cow;
use std::collections::BTreeSet;

use tabellion_mask::{Class, Classes};

/// Classes that Presidio calls otherwise than we do, in capitals. What it takes for one kind may be several here.
const RENAMED: [(Class, &str); 18] = [
    (Class::Email, "EMAIL_ADDRESS"),
    (Class::PaymentCard, "CREDIT_CARD"),
    (Class::Iban, "IBAN_CODE"),
    (Class::Phone, "PHONE_NUMBER"),
    (Class::CryptoAddress, "CRYPTO"),
    (Class::BirthDate, "DATE_TIME"),
    (Class::BankAccount, "US_BANK_NUMBER"),
    (Class::UsRouting, "ABA_ROUTING_NUMBER"),
    (Class::UsDriverLicence, "US_DRIVER_LICENSE"),
    (Class::UsDea, "MEDICAL_LICENSE"),
    (Class::FiHetu, "FI_PERSONAL_IDENTITY_CODE"),
    (Class::ItVat, "IT_VAT_CODE"),
    (Class::KrDriverLicence, "KR_DRIVER_LICENSE"),
    (Class::SgNric, "SG_NRIC_FIN"),
    (Class::ThId, "TH_TNIN"),
    (Class::TrId, "TR_NATIONAL_ID"),
    (Class::ZaId, "ZA_ID_NUMBER"),
    (Class::Organisation, "ORGANIZATION"),
];

/// What Presidio calls a class.
pub(super) fn name(class: Class) -> Cow<'static, str> {
    RENAMED
        .iter()
        .find(|(known, _)| *known == class)
        .map_or_else(|| Cow::Owned(class.name().to_ascii_uppercase()), |(_, name)| Cow::Borrowed(*name))
}

/// The classes that Presidio calls so; none: nobody looks for such a thing here.
pub(super) fn classes(entity: &str) -> Option<Classes> {
    let found: Vec<Class> = Class::all().filter(|class| name(*class) == entity).collect();
    (!found.is_empty()).then(|| found.into_iter().fold(Classes::NONE, Classes::with))
}

/// The class that counts stand under for what Presidio calls so. Of several it is the one with that very name.
pub(super) fn class(entity: &str) -> Option<Class> {
    let same = |class: &Class| class.name().eq_ignore_ascii_case(entity);
    Class::all().find(same).or_else(|| Class::all().find(|class| name(*class) == entity))
}

/// Every name, in order.
pub(super) fn all() -> BTreeSet<Cow<'static, str>> {
    Class::all().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_given_out_can_be_asked_for() {
        for class in Class::all() {
            let classes = classes(&name(class)).expect("its own name is known");
            assert!(classes.has(class), "{} could be found and not asked for", class.name());
        }
        assert!(classes("NRP").is_none(), "what nobody looks for would be answered with nothing");
        let dates = classes("DATE_TIME").expect("known");
        assert!(
            dates.has(Class::DateTime) && dates.has(Class::BirthDate),
            "a date of birth is a date to whoever asks in Presidio's words"
        );
        assert_eq!(class("DATE_TIME"), Some(Class::DateTime));
        assert_eq!(class("CREDIT_CARD"), Some(Class::PaymentCard));
        assert_eq!(class("A_CUSTOM_KIND"), None);
    }
}
