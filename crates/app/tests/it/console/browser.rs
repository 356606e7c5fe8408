//! What a browser without JavaScript does: keeps its cookie, sends forms with their hidden fields, follows where it is sent.

use tabellion_model::body::Role;

use crate::api::client::Answer;
use crate::api::house::House;

/// A browser that is signed in as somebody.
pub(crate) struct Browser<'a> {
    pub(crate) house: &'a House,
    pub(crate) cookie: String,
    pub(crate) person: String,
}

impl<'a> Browser<'a> {
    /// Somebody with roles, come in by a link as a person does.
    pub(crate) fn of(house: &'a House, name: &str, roles: &[Role]) -> Self {
        let (person, _) = house.person(name, roles);
        let cookie = come_in(house, &house.link(&person));
        Self { house, cookie, person }
    }

    /// A page.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.house.ask("GET", path).header("accept", "text/html").header("cookie", &self.cookie).send()
    }

    /// A page that has to be there.
    #[track_caller]
    pub(crate) fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path} is not there: {}", answer.text());
        answer.text()
    }

    /// Fills in the form `form` of the page `path` and sends it as it stands there, hidden fields and all.
    #[track_caller]
    pub(crate) fn send(&self, path: &str, form: &str, typed: &[(&str, &str)]) -> Answer {
        let page = self.page(path);
        let (action, mut fields) = form_of(&page, form);
        fields.retain(|(name, _)| !typed.iter().any(|(other, _)| other == name));
        fields.extend(typed.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
        self.post(&action, &fields)
    }

    /// Sends fields as a form of this origin.
    pub(crate) fn post(&self, path: &str, fields: &[(String, String)]) -> Answer {
        self.house
            .ask("POST", path)
            .header("cookie", &self.cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .raw(encoded(fields).as_bytes())
            .send()
    }

    /// Follows the answer to a form that was taken.
    #[track_caller]
    pub(crate) fn follow(&self, answer: &Answer) -> String {
        assert_eq!(answer.status, 303, "the form was not taken: {}", answer.text());
        let place = answer.header("location").expect("a place to go on to");
        // A fragment stays with the browser.
        self.page(place.split('#').next().unwrap_or_default())
    }
}

/// Uses a link up by the button of the page; gives the cookie.
#[track_caller]
pub(crate) fn come_in(house: &House, link: &str) -> String {
    let answer = house
        .ask("POST", "/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .raw(encoded(&[("link".to_owned(), link.to_owned())]).as_bytes())
        .send();
    assert_eq!(answer.status, 303, "nobody can come in: {}", answer.text());
    let cookie = answer.header("set-cookie").expect("a cookie");
    cookie.split(';').next().expect("a pair").to_owned()
}

/// Action and hidden fields of a form.
#[track_caller]
pub(crate) fn form_of(page: &str, form: &str) -> (String, Vec<(String, String)>) {
    let start =
        page.find(&format!("id=\"form-{form}\"")).unwrap_or_else(|| panic!("no form {form} in {page}"));
    let rest = &page[page[..start].rfind("<form").expect("a form begins")..];
    let end = rest.find("</form>").expect("a form ends");
    let rest = &rest[..end];
    let action = attribute(rest, "action").expect("a form has an action");
    let hidden = rest.split("<input type=\"hidden\"").skip(1);
    let fields = hidden.map(|input| {
        (attribute(input, "name").expect("a name"), attribute(input, "value").expect("a value"))
    });
    (action, fields.collect())
}

/// The value of the first attribute of this name.
pub(crate) fn attribute(markup: &str, name: &str) -> Option<String> {
    let from = markup.find(&format!("{name}=\""))? + name.len() + 2;
    let text = &markup[from..];
    Some(plain(&text[..text.find('"')?]))
}

/// Text as it was before a template escaped it.
pub(crate) fn plain(text: &str) -> String {
    let known = [
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    known.iter().fold(text.to_owned(), |text, (escaped, character)| text.replace(escaped, character))
}

/// `application/x-www-form-urlencoded`.
pub(crate) fn encoded(fields: &[(String, String)]) -> String {
    let one = |text: &str| {
        text.bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect::<String>()
    };
    fields.iter().map(|(name, text)| format!("{}={}", one(name), one(text))).collect::<Vec<_>>().join("&")
}
