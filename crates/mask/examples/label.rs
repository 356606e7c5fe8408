//! Labels rows for a scorer: reads `{"id", "text"}` a line from standard input and writes `{"id", "spans"}`, each span with
//! its first and last code point and the type that labelled sets use for the class.
//!
//! `label [--classes GROUP_OR_NAME,…]`: `default`, `personal`, `secrets`, `names`, `all`, or names of classes.

use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;

use serde_json::{Value, json};
use tabellion_mask::{Class, Classes, scan};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let classes = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Classes::DEFAULT,
        (Some("--classes"), Some(names)) => named(&names)?,
        _ => return Err("usage: label [--classes GROUP_OR_NAME,…] < rows > predictions".to_owned()),
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| format!("the rows cannot be read: {error}"))?;
        let row: Value =
            serde_json::from_str(&line).map_err(|error| format!("a row is not JSON: {error}"))?;
        let text = row.get("text").and_then(Value::as_str).ok_or("a row has no text")?;
        let spans: Vec<Value> = scan(text, classes)
            .map(|finding| {
                let front = text.get(..finding.range.start).unwrap_or_default().chars().count();
                let len = finding.value.chars().count();
                json!([front, front + len, type_of(finding.class)])
            })
            .collect();
        let labelled = json!({ "id": row.get("id"), "spans": spans });
        writeln!(out, "{labelled}").map_err(|error| format!("nothing more can be written: {error}"))?;
    }
    Ok(())
}

fn named(names: &str) -> Result<Classes, String> {
    names.split(',').try_fold(Classes::NONE, |classes, name| {
        let more = Classes::from_name(name)
            .or_else(|| Class::from_name(name).map(|class| Classes::NONE.with(class)));
        Ok(classes.and(more.ok_or_else(|| format!("there is no class or group called {name}"))?))
    })
}

/// What labelled sets call the class; the name in capitals unless they have one of their own.
fn type_of(class: Class) -> String {
    let known = match class {
        Class::Email => "EMAIL_ADDRESS",
        Class::PaymentCard => "CREDIT_CARD",
        Class::Iban => "IBAN_CODE",
        Class::Phone => "PHONE_NUMBER",
        Class::BirthDate | Class::DateTime => "DATE_TIME",
        Class::CryptoAddress => "CRYPTO",
        Class::BankAccount => "US_BANK_NUMBER",
        Class::UsRouting => "ABA_ROUTING_NUMBER",
        Class::UsDriverLicence => "US_DRIVER_LICENSE",
        Class::UsDea => "MEDICAL_LICENSE",
        Class::FiHetu => "FI_PERSONAL_IDENTITY_CODE",
        Class::ItVat => "IT_VAT_CODE",
        Class::KrDriverLicence => "KR_DRIVER_LICENSE",
        Class::SgNric => "SG_NRIC_FIN",
        Class::ThId => "TH_TNIN",
        Class::TrId => "TR_NATIONAL_ID",
        Class::ZaId => "ZA_ID_NUMBER",
        Class::Organisation => "ORGANIZATION",
        other => return other.name().to_uppercase(),
    };
    known.to_owned()
}
