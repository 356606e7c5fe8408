//! What was typed into a form, put together as a route of the API takes it.
//!
//! Promises: what cannot be read is refused at its field, all such fields at once, before anything is asked for. Must never: round or guess what was typed.

use serde_json::{Map, Value};

use super::words::counted;
use crate::refusal::{Code, FieldError, Refusal};
use crate::work::forms::Word;

/// Members for a route, and the fields at fault.
#[derive(Default)]
pub(crate) struct Body {
    members: Map<String, Value>,
    faults: Vec<FieldError>,
}

impl Body {
    /// With a member.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.members.insert(name.to_owned(), value.into());
    }

    /// With a member, where there is something to say.
    pub(crate) fn set_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// With a whole number as it was typed.
    pub(crate) fn set_number(&mut self, name: &str, text: &str) {
        self.set_numbers_by(name, text.parse::<u64>().ok());
    }

    /// With whole numbers as they were typed.
    pub(crate) fn set_numbers(&mut self, name: &str, texts: &[&str]) {
        let numbers: Option<Vec<u64>> = texts.iter().map(|text| text.parse().ok()).collect();
        self.set_numbers_by(name, numbers);
    }

    fn set_numbers_by(&mut self, name: &str, read: Option<impl Into<Value>>) {
        match read {
            Some(value) => self.set(name, value),
            None => self.fault(name, "write a whole number in digits, without signs between them"),
        }
    }

    /// With a text that must say something, else `missing` is said at its field.
    pub(crate) fn set_said(&mut self, name: &str, text: &str, missing: &str) {
        if text.is_empty() {
            self.fault(name, missing);
        }
        self.set(name, text);
    }

    /// The field `name` cannot be read.
    pub(crate) fn fault(&mut self, name: &str, detail: &str) {
        self.faults.push(FieldError { pointer: format!("/{name}"), detail: detail.to_owned() });
    }

    /// The name of something new has to be a short word; it stands in the path, and not among the members.
    pub(crate) fn check_name(&mut self, name: &str) {
        if !Word::fits(name) {
            let what = "a name has 1 to 63 lower-case letters, digits and hyphens, the first no hyphen";
            self.fault("name", what);
        }
    }

    /// The body, unless fields of the form are at fault: then all of them are named at once.
    pub(crate) fn whole(self) -> Result<Value, Refusal> {
        let several = format!("{} are at fault", counted(self.faults.len() as u64, "field", "fields"));
        match self.faults.as_slice() {
            [] => Ok(Value::Object(self.members)),
            [one] => Err(Refusal::at(Code::Malformed, &one.pointer, &one.detail)),
            _ => Err(Refusal::of_fields(Code::Malformed, several, self.faults)),
        }
    }
}

/// What is said of a form for something new whose name is taken: a version is asked for then, and such a form has none to give.
pub(crate) fn name_taken(refusal: Refusal, taken: &'static str) -> Refusal {
    match refusal.code {
        Code::VersionRequired => Refusal::at(Code::Malformed, "/name", taken),
        _ => refusal,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_at_fault_are_named_all_at_once() {
        let mut body = Body::default();
        body.check_name("Loans");
        body.set_number("calls", "ten");
        body.set_numbers("alert_at", &["50", "8o"]);
        body.set_said("note", "", "say why");
        let refused = body.whole().unwrap_err();
        let named: Vec<&str> = refused.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(
            named,
            ["/name", "/calls", "/alert_at", "/note"],
            "a person would mend one field after another"
        );
        let mut body = Body::default();
        body.check_name("loans");
        body.set_number("calls", "10");
        body.set_numbers("alert_at", &["50", "80"]);
        body.set_some("currency", None::<&str>);
        body.set_said("note", "more of them", "say why");
        let whole = body.whole().unwrap();
        assert_eq!(
            whole,
            json!({"calls": 10, "alert_at": [50, 80], "note": "more of them"}),
            "a form would say another thing than what was typed"
        );
    }
}
