//! The kinds of personal data and secrets that are looked for. Promises that a name, once given out in a record, never
//! changes its meaning.

use unicode_normalization::UnicodeNormalization as _;

use crate::scan::resolved;

/// A kind of personal data or secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Class {
    /// An e-mail address.
    Email,
    /// The number of a payment card.
    PaymentCard,
    /// An international bank account number (ISO 13616).
    Iban,
    /// A telephone number.
    Phone,
    /// An address of the Internet Protocol, version 4 or 6, also with a prefix length.
    IpAddress,
    /// A hardware address (EUI-48).
    MacAddress,
    /// A date of birth.
    BirthDate,
    /// An address of Bitcoin or Ethereum.
    CryptoAddress,
    /// A bank account number without a scheme of its own, named as one.
    BankAccount,
    /// A social security number of the United States.
    UsSsn,
    /// An individual taxpayer number of the United States.
    UsItin,
    /// A bank routing number of the United States.
    UsRouting,
    /// A passport number of the United States.
    UsPassport,
    /// A driving licence number of the United States.
    UsDriverLicence,
    /// A Medicare beneficiary identifier of the United States.
    UsMbi,
    /// A national provider identifier of the United States.
    UsNpi,
    /// A DEA number: who may prescribe in the United States.
    UsDea,
    /// A number of the National Health Service.
    UkNhs,
    /// A national insurance number of the United Kingdom.
    UkNino,
    /// A postcode of the United Kingdom.
    UkPostcode,
    /// A passport number of the United Kingdom.
    UkPassport,
    /// A driving licence number of Great Britain.
    UkDrivingLicence,
    /// A business number of Australia.
    AuAbn,
    /// A company number of Australia.
    AuAcn,
    /// A tax file number of Australia.
    AuTfn,
    /// A Medicare card number of Australia.
    AuMedicare,
    /// A social insurance number of Canada.
    CaSin,
    /// A tax identification number of Germany.
    DeTaxId,
    /// A passport number of Germany.
    DePassport,
    /// An identity card number of Germany.
    DeIdCard,
    /// A social security number of Germany.
    DeSocialSecurity,
    /// A health insurance number of Germany.
    DeHealthInsurance,
    /// A VAT number of Germany.
    DeVatId,
    /// A physician's number of Germany.
    DeLanr,
    /// A medical practice's number of Germany.
    DeBsnr,
    /// A tax number of a person in Spain (DNI).
    EsNif,
    /// A foreigner's number of Spain.
    EsNie,
    /// A passport number of Spain.
    EsPassport,
    /// A personal identity code of Finland.
    FiHetu,
    /// An Aadhaar number of India.
    InAadhaar,
    /// A permanent account number of India.
    InPan,
    /// A goods and services tax number of India.
    InGstin,
    /// A voter's card number of India.
    InVoter,
    /// A passport number of India.
    InPassport,
    /// A fiscal code of Italy.
    ItFiscalCode,
    /// A VAT number of Italy.
    ItVat,
    /// A resident registration number of South Korea.
    KrRrn,
    /// A foreigner's registration number of South Korea.
    KrFrn,
    /// A business registration number of South Korea.
    KrBrn,
    /// A passport number of South Korea.
    KrPassport,
    /// A driving licence number of South Korea.
    KrDriverLicence,
    /// A national identification number of Nigeria.
    NgNin,
    /// A taxpayer number of the Philippines.
    PhTin,
    /// A personal number of Poland.
    PlPesel,
    /// A personal or coordination number of Sweden.
    SePersonnummer,
    /// An organisation's number of Sweden.
    SeOrganisationsnummer,
    /// An identity card or foreigner's number of Singapore.
    SgNric,
    /// An entity number of Singapore.
    SgUen,
    /// A citizen's number of Thailand.
    ThId,
    /// A citizen's number of Turkey.
    TrId,
    /// An identity number of South Africa.
    ZaId,
    /// A social security number of France.
    FrNir,
    /// A citizen service number of the Netherlands.
    NlBsn,
    /// A national register number of Belgium.
    BeNationalNumber,
    /// A social security number of Switzerland.
    ChAhv,
    /// A person's tax number of Brazil.
    BrCpf,
    /// A company's tax number of Brazil.
    BrCnpj,
    /// A resident identity number of China.
    CnResidentId,
    /// A population registry code of Mexico.
    MxCurp,
    /// A private key in PEM form.
    PrivateKey,
    /// A signed JSON web token.
    Jwt,
    /// A key or token whose form says who issued it.
    ApiKey,
    /// A password, or a key that is named as one.
    Password,
    /// A URL. Not looked for by default.
    Url,
    /// A date, with its time where it has one. Not looked for by default.
    DateTime,
    /// A person's name. Not found by patterns.
    Person,
    /// A place or a postal address. Not found by patterns.
    Location,
    /// The name of a company or another body. Not found by patterns.
    Organisation,
}

/// What a class is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    /// Says who somebody is, or belongs to somebody.
    Personal,
    /// Lets somebody in.
    Secrets,
    /// Only where it is asked for: most of it is about nobody.
    Extra,
    /// Words, not forms: another module's.
    Names,
}

/// What there is to say of a class.
struct Entry {
    class: Class,
    name: &'static str,
    label: &'static str,
    group: Group,
}

const fn entry(class: Class, name: &'static str, label: &'static str, group: Group) -> Entry {
    Entry { class, name, label, group }
}

/// Every class, in the order of their declaration.
const ENTRIES: [Entry; Class::COUNT] = [
    entry(Class::Email, "email", "EMAIL", Group::Personal),
    entry(Class::PaymentCard, "payment_card", "CARD", Group::Personal),
    entry(Class::Iban, "iban", "IBAN", Group::Personal),
    entry(Class::Phone, "phone", "PHONE", Group::Personal),
    entry(Class::IpAddress, "ip_address", "IP", Group::Personal),
    entry(Class::MacAddress, "mac_address", "MAC", Group::Personal),
    entry(Class::BirthDate, "birth_date", "BIRTHDATE", Group::Personal),
    entry(Class::CryptoAddress, "crypto_address", "WALLET", Group::Personal),
    entry(Class::BankAccount, "bank_account", "ACCOUNT", Group::Personal),
    entry(Class::UsSsn, "us_ssn", "SSN", Group::Personal),
    entry(Class::UsItin, "us_itin", "ITIN", Group::Personal),
    entry(Class::UsRouting, "us_routing", "ROUTING", Group::Personal),
    entry(Class::UsPassport, "us_passport", "USPASSPORT", Group::Personal),
    entry(Class::UsDriverLicence, "us_driver_licence", "USLICENCE", Group::Personal),
    entry(Class::UsMbi, "us_mbi", "MBI", Group::Personal),
    entry(Class::UsNpi, "us_npi", "NPI", Group::Personal),
    entry(Class::UsDea, "us_dea", "DEA", Group::Personal),
    entry(Class::UkNhs, "uk_nhs", "NHS", Group::Personal),
    entry(Class::UkNino, "uk_nino", "NINO", Group::Personal),
    entry(Class::UkPostcode, "uk_postcode", "POSTCODE", Group::Personal),
    entry(Class::UkPassport, "uk_passport", "UKPASSPORT", Group::Personal),
    entry(Class::UkDrivingLicence, "uk_driving_licence", "UKLICENCE", Group::Personal),
    entry(Class::AuAbn, "au_abn", "ABN", Group::Personal),
    entry(Class::AuAcn, "au_acn", "ACN", Group::Personal),
    entry(Class::AuTfn, "au_tfn", "TFN", Group::Personal),
    entry(Class::AuMedicare, "au_medicare", "MEDICARE", Group::Personal),
    entry(Class::CaSin, "ca_sin", "SIN", Group::Personal),
    entry(Class::DeTaxId, "de_tax_id", "STEUERID", Group::Personal),
    entry(Class::DePassport, "de_passport", "REISEPASS", Group::Personal),
    entry(Class::DeIdCard, "de_id_card", "AUSWEIS", Group::Personal),
    entry(Class::DeSocialSecurity, "de_social_security", "RVNR", Group::Personal),
    entry(Class::DeHealthInsurance, "de_health_insurance", "KVNR", Group::Personal),
    entry(Class::DeVatId, "de_vat_id", "USTID", Group::Personal),
    entry(Class::DeLanr, "de_lanr", "LANR", Group::Personal),
    entry(Class::DeBsnr, "de_bsnr", "BSNR", Group::Personal),
    entry(Class::EsNif, "es_nif", "NIF", Group::Personal),
    entry(Class::EsNie, "es_nie", "NIE", Group::Personal),
    entry(Class::EsPassport, "es_passport", "PASAPORTE", Group::Personal),
    entry(Class::FiHetu, "fi_hetu", "HETU", Group::Personal),
    entry(Class::InAadhaar, "in_aadhaar", "AADHAAR", Group::Personal),
    entry(Class::InPan, "in_pan", "PAN", Group::Personal),
    entry(Class::InGstin, "in_gstin", "GSTIN", Group::Personal),
    entry(Class::InVoter, "in_voter", "EPIC", Group::Personal),
    entry(Class::InPassport, "in_passport", "INPASSPORT", Group::Personal),
    entry(Class::ItFiscalCode, "it_fiscal_code", "CODICEFISCALE", Group::Personal),
    entry(Class::ItVat, "it_vat", "PARTITAIVA", Group::Personal),
    entry(Class::KrRrn, "kr_rrn", "RRN", Group::Personal),
    entry(Class::KrFrn, "kr_frn", "FRN", Group::Personal),
    entry(Class::KrBrn, "kr_brn", "BRN", Group::Personal),
    entry(Class::KrPassport, "kr_passport", "KRPASSPORT", Group::Personal),
    entry(Class::KrDriverLicence, "kr_driver_licence", "KRLICENCE", Group::Personal),
    entry(Class::NgNin, "ng_nin", "NIN", Group::Personal),
    entry(Class::PhTin, "ph_tin", "TIN", Group::Personal),
    entry(Class::PlPesel, "pl_pesel", "PESEL", Group::Personal),
    entry(Class::SePersonnummer, "se_personnummer", "PERSONNUMMER", Group::Personal),
    entry(Class::SeOrganisationsnummer, "se_organisationsnummer", "ORGNUMMER", Group::Personal),
    entry(Class::SgNric, "sg_nric", "NRIC", Group::Personal),
    entry(Class::SgUen, "sg_uen", "UEN", Group::Personal),
    entry(Class::ThId, "th_id", "THAIID", Group::Personal),
    entry(Class::TrId, "tr_id", "TCKN", Group::Personal),
    entry(Class::ZaId, "za_id", "ZAID", Group::Personal),
    entry(Class::FrNir, "fr_nir", "NIR", Group::Personal),
    entry(Class::NlBsn, "nl_bsn", "BSN", Group::Personal),
    entry(Class::BeNationalNumber, "be_national_number", "RIJKSREGISTER", Group::Personal),
    entry(Class::ChAhv, "ch_ahv", "AHV", Group::Personal),
    entry(Class::BrCpf, "br_cpf", "CPF", Group::Personal),
    entry(Class::BrCnpj, "br_cnpj", "CNPJ", Group::Personal),
    entry(Class::CnResidentId, "cn_resident_id", "RESIDENTID", Group::Personal),
    entry(Class::MxCurp, "mx_curp", "CURP", Group::Personal),
    entry(Class::PrivateKey, "private_key", "PRIVATEKEY", Group::Secrets),
    entry(Class::Jwt, "jwt", "JWT", Group::Secrets),
    entry(Class::ApiKey, "api_key", "APIKEY", Group::Secrets),
    entry(Class::Password, "password", "PASSWORD", Group::Secrets),
    entry(Class::Url, "url", "URL", Group::Extra),
    entry(Class::DateTime, "date_time", "DATE", Group::Extra),
    entry(Class::Person, "person", "PERSON", Group::Names),
    entry(Class::Location, "location", "LOCATION", Group::Names),
    entry(Class::Organisation, "organisation", "ORG", Group::Names),
];

impl Class {
    /// How many there are.
    const COUNT: usize = Self::Organisation as usize + 1;

    /// Every class, in the order of their names in code.
    pub fn all() -> impl Iterator<Item = Self> {
        ENTRIES.iter().map(|entry| entry.class)
    }

    /// The stable name: what policies, records and metrics say.
    pub fn name(self) -> &'static str {
        ENTRIES.get(self as usize).map_or("", |entry| entry.name)
    }

    /// The class with this [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        ENTRIES.iter().find(|entry| entry.name == name).map(|entry| entry.class)
    }

    /// The class with this [label](Self::label), in any case.
    pub(crate) fn from_label(label: &[u8]) -> Option<Self> {
        let known = ENTRIES.iter().find(|entry| entry.label.as_bytes().eq_ignore_ascii_case(label));
        known.map(|entry| entry.class)
    }

    /// Whether a label begins so, in any case.
    pub(crate) fn any_label_begins(front: &[u8]) -> bool {
        ENTRIES.iter().any(|entry| {
            entry.label.as_bytes().get(..front.len()).is_some_and(|label| label.eq_ignore_ascii_case(front))
        })
    }

    /// What a placeholder of this class starts with, for a model to understand: upper-case ASCII letters.
    pub(crate) fn label(self) -> &'static str {
        ENTRIES.get(self as usize).map_or("", |entry| entry.label)
    }

    /// One form for all spellings of a value, so that they share a placeholder: letters with their marks as one character (NFC), an address in lower case, a
    /// card's digits alone, a telephone number as it is dialled abroad, a number with letters in upper case without its separators. A secret has one spelling.
    pub(crate) fn normalised(self, value: &str) -> String {
        let value = resolved(value);
        match self {
            Self::Email => at_sign(&composed(&value.to_lowercase())),
            Self::PaymentCard => value.chars().filter(char::is_ascii_digit).collect(),
            Self::Phone => dialled(&value),
            Self::IpAddress | Self::DateTime | Self::BirthDate => value.to_lowercase(),
            Self::Person | Self::Location | Self::Organisation => {
                composed(&value.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase())
            }
            Self::CryptoAddress if value.starts_with(['0', 'b', 'B']) => value.to_lowercase(),
            Self::Url => composed(&value),
            Self::CryptoAddress | Self::PrivateKey | Self::Jwt | Self::ApiKey | Self::Password => {
                value.into_owned()
            }
            _ => value.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect(),
        }
    }
}

/// An address in lower case with its at sign plain, however it was written.
fn at_sign(lower: &str) -> String {
    if lower.contains('@') { lower.to_owned() } else { lower.replace("%40", "@") }
}

/// Letters with their marks as one character each (NFC): both writings look the same.
pub(crate) fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// What is dialled, with a plus sign for the zeros that stand for it, without the zero in brackets that is not dialled, and an extension behind its `x`.
fn dialled(value: &str) -> String {
    let value = value.replace("(0)", "");
    let (number, extension) =
        value.find(|c: char| c.is_ascii_alphabetic()).map_or((value.as_str(), ""), |at| value.split_at(at));
    let digits = |text: &str| text.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect::<String>();
    let (number, extension) = (digits(number), digits(extension));
    let number = number.strip_prefix("00").map_or_else(|| number.clone(), |abroad| format!("+{abroad}"));
    if extension.is_empty() { number } else { format!("{number}x{extension}") }
}

/// Which classes to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes(u128);

impl Classes {
    /// Every class there is.
    pub const ALL: Self = Self((1 << Class::COUNT) - 1);
    /// None; nothing is found.
    pub const NONE: Self = Self(0);
    /// What says who somebody is, as far as its form tells.
    pub const PERSONAL: Self = group(Group::Personal);
    /// What lets somebody in.
    pub const SECRETS: Self = group(Group::Secrets);
    /// Names of people, places and organisations.
    pub const NAMES: Self = group(Group::Names);
    /// What its form tells, or a word near it: everything that is looked for in what is no prose, such as an identifier.
    pub const FORMS: Self = Self::PERSONAL.and(Self::SECRETS);
    /// What is looked for unless somebody says otherwise.
    pub const DEFAULT: Self = Self::FORMS.and(Self::NAMES);

    /// These and one more.
    #[must_use]
    pub const fn with(self, class: Class) -> Self {
        Self(self.0 | 1 << class as u32)
    }

    /// These without one.
    #[must_use]
    pub const fn without(self, class: Class) -> Self {
        Self(self.0 & !(1 << class as u32))
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// The group with this name, for policies: `default`, `personal`, `secrets`, `names`, `all`.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "default" => Self::DEFAULT,
            "personal" => Self::PERSONAL,
            "secrets" => Self::SECRETS,
            "names" => Self::NAMES,
            "all" => Self::ALL,
            _ => return None,
        })
    }

    /// These without those.
    #[must_use]
    pub const fn except(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether any of those is looked for.
    pub const fn any_of(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// Whether the class is looked for.
    pub const fn has(self, class: Class) -> bool {
        self.0 & (1 << class as u32) != 0
    }
}

const fn group(group: Group) -> Classes {
    let mut classes = Classes::NONE;
    let mut rest: &[Entry] = &ENTRIES;
    while let [entry, others @ ..] = rest {
        if entry.group as u8 == group as u8 {
            classes = classes.with(entry.class);
        }
        rest = others;
    }
    classes
}

impl FromIterator<Class> for Classes {
    fn from_iter<I: IntoIterator<Item = Class>>(classes: I) -> Self {
        classes.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, Classes, ENTRIES};

    #[test]
    fn entries_stand_in_their_order_and_say_each_thing_once() {
        for (place, entry) in ENTRIES.iter().enumerate() {
            assert_eq!(entry.class as usize, place, "{} would be called something else", entry.name);
            assert!(entry.label.bytes().all(|byte| byte.is_ascii_uppercase()), "{}", entry.label);
            let same = ENTRIES.iter().filter(|other| other.name == entry.name || other.label == entry.label);
            assert_eq!(same.count(), 1, "{} stands for two classes", entry.name);
            assert_eq!(Class::from_name(entry.name), Some(entry.class));
        }
        assert!(Class::all().all(|class| Classes::ALL.has(class)));
    }
}
