//! Structured classes: each with values that are right, values whose check digit or form is wrong, values within something
//! else, and values that only a word makes one.

use tabellion_mask::json::{RawString, escaped};
use tabellion_mask::{Class, Classes, Content, Edits, Place, mask_string};

use crate::{found_of, scope};

/// Fails unless exactly this value of the class is found by default.
#[track_caller]
fn finds(class: Class, text: &str, value: &str) {
    assert_eq!(
        found_of(text, Classes::DEFAULT),
        [(class.name(), value)],
        "personal data would leave, or text would be lost, in {text:?}"
    );
}

/// Fails when anything is found by default.
#[track_caller]
fn leaves(text: &str) {
    assert_eq!(
        found_of(text, Classes::DEFAULT),
        [],
        "text that is no personal data would be hidden in {text:?}"
    );
}

#[test]
fn telephone_numbers_of_many_countries_are_found() {
    for number in [
        "+1 415 555 0132",
        "+1-415-555-0132",
        "+44 20 7946 0018",
        "+44 7700 900123",
        "+447700900123",
        "+33 1 99 00 12 34",
        "+49 30 23125 000",
        "+49 (0)30 23125-000",
        "+41 (0)44 668 18 00",
        "+39 06 1234 5678",
        "+34 612 34 56 78",
        "+91 98765 43210",
        "+81 3-1234-5678",
        "+55 11 98456-5666",
        "+63 917 123 4567",
        "+905321234567",
        "+86 138 1234 5678",
        "+972 9-762-5400",
        "+420 601 123 456",
        "(415) 555-0132",
        "(415)555-0132",
        "415-555-0132",
        "415.555.0132",
        "1-800-555-0199",
        "020 7946 0018",
        "0490 75 40 81",
        "01.99.00.12.34",
        "090-1234-5678",
        "010-1234-5678",
        "(020) 7946 0018",
        "(11) 98456-5666",
        "0044 20 7946 0018",
        "415-555-0132 x12",
        "415-555-0132x4587",
    ] {
        finds(Class::Phone, number, number);
        finds(Class::Phone, &format!("reach me: {number}, thanks"), number);
        finds(Class::Phone, &format!("<tel>{number}</tel>"), number);
        finds(Class::Phone, &format!("to={number}&x"), number);
    }
}

#[test]
fn words_make_digits_a_telephone_number() {
    for (text, number) in [
        ("Phone: 5321234567", "5321234567"),
        ("Phone:\n467 3395", "467 3395"),
        ("mobile 699 956 915", "699 956 915"),
        ("call me on 9472 7916?", "9472 7916"),
        ("60-56-85-91 office", "60-56-85-91"),
        ("phoneNumber = 699956915", "699956915"),
        ("téléphone 12 34 56 78", "12 34 56 78"),
        ("电话13812345678", "13812345678"),
        ("Tel +49 30 1234567 oder 030/1234567", "+49 30 1234567"),
    ] {
        let found = found_of(text, Classes::DEFAULT);
        assert!(found.contains(&("phone", number)), "{text:?} has a number: {found:?}");
    }
    for text in [
        "699 956 915",
        "5321234567",
        "467 3395",
        "a telephone exchange of 1876",
        "1748503543012",
        "build 20240131",
        "phone 2024-01-31",
        "phone 1.5",
        "phone 3.14159265",
        "v415.555.0132",
        "a415-555-0132",
        "415-555-0132-1234",
        "$415-555-0132",
        "+1 000 000 0000",
        "+9999999999",
        "total 1,234,567 calls",
        "0x415555",
        "3 415 555",
    ] {
        leaves(text);
    }
}

#[test]
fn addresses_of_networks_are_found_and_versions_stay() {
    for address in ["192.0.2.1", "10.0.0.0/8", "255.255.255.255", "203.0.113.77"] {
        finds(Class::IpAddress, address, address);
        finds(Class::IpAddress, &format!("from [{address}]:"), address);
        finds(Class::IpAddress, &format!("ip={address} ok"), address);
    }
    for address in [
        "2001:db8::8a2e:370:7334",
        "fe80::1",
        "2001:db8:85a3:8d3:1319:8a2e:370:7348",
        "::ffff:192.0.2.1",
        "64:ff9b::198.51.100.1",
        "2001:db8::/32",
    ] {
        finds(Class::IpAddress, address, address);
        finds(Class::IpAddress, &format!("http://[{address}]/"), address);
    }
    finds(Class::IpAddress, "dns 1.1.1.1", "1.1.1.1");
    finds(Class::IpAddress, "bind to ::", "::");
    for address in ["00:1a:2b:3c:4d:5e", "AA-BB-CC-DD-EE-FF", "0012.3456.789a"] {
        finds(Class::MacAddress, address, address);
        finds(Class::MacAddress, &format!("mac=\"{address}\""), address);
    }
    for text in [
        "1.2.3.4",
        "256.1.1.1",
        "1.2.3",
        "1.2.3.4.5",
        "v10.0.0.1",
        "version 10.0.0.1",
        "Chrome/120.0.0.0",
        "01.02.03.04",
        "12:34:56",
        "12:34:56:78",
        "std::fmt",
        "a::b",
        "x[::2]",
        "rows[::1]",
        "00:1a:2b:3c:4d",
        "00:00:00:00:00:00",
        "ff:ff:ff:ff:ff:ff",
        "00:1a:2b:3c:4d:5e:6f",
        "f32::MAX",
        "{\"a\":1}",
    ] {
        leaves(text);
    }
}

/// A word, a value, and the value with a wrong check digit.
const NATIONAL: [(Class, &str, &str, &str); 41] = [
    (Class::UsItin, "itin", "911701234", "911-49-1234"),
    (Class::UsRouting, "routing", "121000358", "121000359"),
    (Class::UsNpi, "npi", "1234567893", "1234567894"),
    (Class::UsDea, "dea", "BB1388568", "BB1388569"),
    (Class::UsPassport, "passport", "A12803456", "A1280345"),
    (Class::UsDriverLicence, "driver's license", "U62928788557186", "U6292"),
    (Class::UkNhs, "nhs", "401-023-2137", "401-023-2138"),
    (Class::UkNino, "nino", "PR 123612C", "PR 123612E"),
    (Class::UkPassport, "passport", "CD7654321", "CD76543"),
    (Class::AuAbn, "abn", "51 824 753 556", "52 824 753 556"),
    (Class::AuAcn, "acn", "005 499 981", "005 499 982"),
    (Class::AuTfn, "tfn", "876 543 210", "876 543 211"),
    (Class::AuMedicare, "medicare", "2123 45670 1", "2123 25870 1"),
    (Class::CaSin, "sin", "130-692-544", "130-692-545"),
    (Class::DeTaxId, "steuer-id", "12345678903", "12345678901"),
    (Class::DePassport, "reisepass", "C01234565", "C01234567"),
    (Class::DeIdCard, "personalausweis", "L01X00T44", "L01X00T47"),
    (Class::DeSocialSecurity, "rvnr", "15070649C103", "15070649C100"),
    (Class::DeHealthInsurance, "kvnr", "A123456780", "A123456787"),
    (Class::DeVatId, "ust-id", "DE136695976", "DE136695977"),
    (Class::DeLanr, "lanr", "123456601", "123456901"),
    (Class::EsNie, "nie", "X9613851N", "X9613851P"),
    (Class::EsNif, "dni", "55555555K", "55555555L"),
    (Class::InAadhaar, "aadhaar", "3123 4567 8909", "3123 4567 8908"),
    (Class::InPan, "pan", "ABBPM4567S", "ABBPM456S"),
    (Class::InVoter, "voter", "DBJ2289013", "DBJ228901"),
    (Class::ItVat, "partita iva", "01333550323", "01333550324"),
    (Class::KrBrn, "brn", "104-86-56659", "104-86-56658"),
    (Class::KrPassport, "passport", "M12345678", "B12345678"),
    (Class::KrDriverLicence, "license", "13-22-123456-12", "99-22-123456-12"),
    (Class::PhTin, "tin", "000-123-456-000", "000-123-457-000"),
    (Class::PlPesel, "pesel", "44051401458", "44051401459"),
    (Class::SePersonnummer, "personnummer", "19910924-2397", "19910924-2398"),
    (Class::SeOrganisationsnummer, "orgnr", "556703-7485", "556703-7486"),
    (Class::SgUen, "uen", "53125226D", "53125226E"),
    (Class::ThId, "thai", "3456789012347", "3456789012348"),
    (Class::TrId, "tckn", "10000000146", "10000000147"),
    (Class::ZaId, "rsa id", "9202201234088", "9202201234089"),
    (Class::NlBsn, "bsn", "111222333", "111222334"),
    (Class::BrCpf, "cpf", "52998224725", "52998224726"),
    (Class::BrCnpj, "cnpj", "11222333000181", "11222333000182"),
];

#[test]
fn numbers_are_found_beside_their_word_and_only_there() {
    for (class, word, value, wrong) in NATIONAL {
        finds(class, &format!("my {word}: {value}."), value);
        finds(class, &format!("{{\"{}\":\"{value}\"}}", word.replace(' ', "_")), value);
        leaves(&format!("order {value} came"));
        leaves(&format!("zz{value}"));
        leaves(&format!("{value}zz {word}"));
        let found = found_of(&format!("my {word}: {wrong}."), Classes::NONE.with(class)).len();
        assert_eq!(found, 0, "{wrong} is no {word}");
    }
}

#[test]
fn forms_that_say_it_themselves_need_no_word() {
    for (class, value, wrong) in [
        (Class::UsSsn, "472-96-1046", "666-96-1046"),
        (Class::UsMbi, "1EG4-TE5-MK73", "1SG4-TE5-MK73"),
        (Class::UkNino, "AB 12 34 56 C", "AB 12 34 56 H"),
        (Class::UkPostcode, "SW1A 1AA", "QA1A 1AA"),
        (Class::UkDrivingLicence, "MORGA657054SM9IJ", "MORGA697954SM9IJ"),
        (Class::FiHetu, "010594Y9032", "010594Y9033"),
        (Class::InGstin, "27ABCDE1234F1Z5", "38ABCDE1234F1Z5"),
        (Class::ItFiscalCode, "RSSMRA85T10A562S", "RSSMRA85T10A562T"),
        (Class::KrPassport, "M123A4567", "B123A4567"),
        (Class::KrRrn, "960121-1234567", "961321-1234567"),
        (Class::KrFrn, "911124-5678901", "911324-5678901"),
        (Class::SgNric, "S2740116C", "S2740116D"),
        (Class::FrNir, "2 55 08 14 168 025 38", "2 55 08 14 168 025 39"),
        (Class::BeNationalNumber, "85.07.30-033.28", "85.07.30-033.29"),
        (Class::ChAhv, "756.9217.0769.85", "756.9217.0769.86"),
        (Class::BrCpf, "529.982.247-25", "529.982.247-26"),
        (Class::BrCnpj, "11.222.333/0001-81", "11.222.333/0001-82"),
        (Class::CnResidentId, "11010519491231002X", "110105194912310021"),
        (Class::MxCurp, "HEGG560427MVZRRL04", "HEGG560427MVZRRL05"),
        (Class::CryptoAddress, "16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ", "16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyY"),
        (
            Class::CryptoAddress,
            "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
            "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp",
        ),
        (
            Class::CryptoAddress,
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "0x52908400098527886E0F7030069857D2E4169EE",
        ),
    ] {
        finds(class, value, value);
        finds(class, &format!("see ({value}), please"), value);
        leaves(&format!("a{value}"));
        leaves(wrong);
    }
}

#[test]
fn dates_are_found_where_somebody_was_born() {
    for date in ["12.03.1985", "1985-03-12", "3/12/85", "12 March 1985", "March 12, 1985", "12-Mar-1985"] {
        finds(Class::BirthDate, &format!("born {date}."), date);
        finds(Class::BirthDate, &format!("{{\"dateOfBirth\":1,\"dob\":\"{date}\"}}"), date);
        leaves(&format!("due {date}."));
        let all = Classes::DEFAULT.with(Class::DateTime);
        assert_eq!(found_of(&format!("due {date}."), all), [("date_time", date)], "a date was asked for");
    }
    leaves("born 45.99.1985");
}

#[test]
fn words_count_as_whole_words_only() {
    leaves("a public passporting of 12345678 in singular 130692544");
    leaves("the singing 130-692-544");
    finds(Class::CaSin, "{\"customerSin\":\"130692544\"}", "130692544");
    let far = "x ".repeat(60);
    leaves(&format!("sin {far}130-692-544"));
}

#[test]
fn members_of_json_say_what_their_values_are() {
    let text = r#"{"phone":5321234567,"ssn":"472961046","count":5321234567,"note":"472961046","dob":["1985-03-12"]}"#;
    let body = format!("\"{}\"", escaped(text));
    let place = Place { string: RawString::parse(&body).unwrap(), at: 0, content: Content::Json };
    let masked = mask_string(place, Classes::DEFAULT, &mut scope(), &mut Edits::new()).unwrap();
    let classes: Vec<_> = masked.iter().map(|masked| masked.class).collect();
    assert_eq!(
        classes,
        [Class::Phone, Class::UsSsn, Class::BirthDate],
        "a tool's arguments would leave, or numbers without a telling name would be hidden"
    );
}
