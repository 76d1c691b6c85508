//! What an operation answers: a reply, or a refusal with the body Looker gives it.

use serde_json::{Value, json};

use crate::emulator::log::{Violation, ViolationKind};

/// The end of an operation.
pub(crate) type Answer = Result<Reply, Refusal>;

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Body,
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    /// Nothing at all.
    Empty,
    /// JSON, from which the caller's `fields` are taken.
    Json(Value),
    /// Text of a content type.
    Text(&'static str, String),
    /// A file of a content type.
    Bytes(&'static str, Vec<u8>),
}

impl Reply {
    /// 200 with JSON.
    pub(crate) const fn json(value: Value) -> Self {
        Self::new(200, Body::Json(value))
    }

    /// 204 without a body.
    pub(crate) const fn no_content() -> Self {
        Self::new(204, Body::Empty)
    }

    /// 200 with text of a content type.
    pub(crate) const fn text(content_type: &'static str, text: String) -> Self {
        Self::new(200, Body::Text(content_type, text))
    }

    /// 200 with any body.
    pub(crate) const fn of(body: Body) -> Self {
        Self::new(200, body)
    }

    /// A redirect to `location`.
    pub(crate) fn found(location: String) -> Self {
        Self::new(302, Body::Empty).header("location", location)
    }

    /// The same reply with one more header.
    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    const fn new(status: u16, body: Body) -> Self {
        Self {
            status,
            body,
            headers: Vec::new(),
        }
    }
}

/// Shorthand of [`Reply::json`] as an [`Answer`].
pub(crate) const fn json_answer(value: Value) -> Answer {
    Ok(Reply::json(value))
}

/// Add a field to an object.
pub(crate) fn add(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value.into());
    }
}

/// Put the fields of `above` over those of `below`.
pub(crate) fn lay_over(below: &mut Value, above: Value) {
    // What lies above wins.
    if let (Some(below), Value::Object(above)) = (below.as_object_mut(), above) {
        below.extend(above);
    }
}

/// An answer that says no.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    message: String,
    errors: Vec<FieldError>,
    documented: bool,
    /// The caller's mistake; it is recorded, and fails a test.
    pub(crate) violation: Option<Violation>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

#[derive(Debug)]
struct FieldError {
    field: String,
    code: &'static str,
    /// Some have none, as recorded.
    message: Option<String>,
}

impl Refusal {
    /// `status` with Looker's envelope around `message`.
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            errors: Vec::new(),
            documented: true,
            violation: None,
            headers: Vec::new(),
        }
    }

    /// `status` with the word that Looker was recorded to use for it.
    pub(crate) fn of_status(status: u16) -> Self {
        let code = axum::http::StatusCode::from_u16(status).ok();
        let name = code.and_then(|code| code.canonical_reason());
        match status {
            401 => Self::unauthenticated(),
            403 => Self::denied(),
            404 => Self::not_found(),
            405 => Self::unmodifiable(),
            409 => Self::exists(),
            422 => Self::new(status, "Validation Failed"),
            500 => Self::new(status, "An error has occurred."),
            _ => Self::new(status, name.unwrap_or("Error")),
        }
    }

    /// 404, which Looker also gives for what the caller may not see.
    pub(crate) fn not_found() -> Self {
        Self::new(404, "Not found")
    }

    /// 401, for a token that is missing, unknown or expired.
    pub(crate) fn unauthenticated() -> Self {
        Self::new(401, "Requires authentication.")
    }

    /// 403, as Looker (Google Cloud core) refuses what it does not support.
    pub(crate) fn unsupported_on_core() -> Self {
        Self::new(403, "Unsupported in Looker (Google Cloud core)").undocumented()
    }

    /// 409, for a second one of what there can be one of.
    pub(crate) fn exists() -> Self {
        Self::new(409, "The resource already exists.")
    }

    /// 403, for what no one may do.
    pub(crate) fn denied() -> Self {
        Self::new(403, "Permission Denied")
    }

    /// 403, for what is part of every instance.
    pub(crate) fn no_access() -> Self {
        Self::new(
            403,
            "You do not have access.  Please contact an administrator",
        )
    }

    /// 405, for what is part of every instance.
    pub(crate) fn unmodifiable() -> Self {
        Self::new(405, "This resource cannot be modified")
    }

    /// 422 for one field.
    pub(crate) fn invalid(field: &str, code: &'static str, message: impl Into<String>) -> Self {
        let mut refusal = Self::new(422, "Validation Failed");
        refusal.errors.push(FieldError {
            field: field.to_owned(),
            code,
            message: Some(message.into()),
        });
        refusal
    }

    /// The same refusal, and one more field that is wrong.
    #[must_use]
    pub(crate) fn and(mut self, field: &str, code: &'static str, message: &str) -> Self {
        self.errors.push(FieldError {
            field: field.to_owned(),
            code,
            message: Some(message.to_owned()),
        });
        self
    }

    /// 422 for a field that must be there.
    pub(crate) fn missing(field: &str) -> Self {
        Self::invalid(field, "missing_field", format!("'{field}' is required."))
    }

    /// The same refusal, and a mistake in the caller's code that is recorded.
    #[must_use]
    pub(crate) fn violation(mut self, what: impl Into<String>) -> Self {
        self.violation = Some(Violation {
            kind: ViolationKind::Refused,
            what: what.into(),
        });
        self
    }

    /// 501 for what Looker has and this emulator lacks: a test must not pass by relying on it.
    pub(crate) fn unserved(what: &str) -> Self {
        let mut refusal = Self::new(501, what);
        refusal.violation = Some(Violation {
            kind: ViolationKind::Unserved,
            what: what.to_owned(),
        });
        refusal
    }

    /// The same refusal, whose fields say what is wrong with them by code alone.
    #[must_use]
    pub(crate) fn wordless(mut self) -> Self {
        for error in &mut self.errors {
            error.message = None;
        }
        self
    }

    /// The same refusal without a `documentation_url`.
    #[must_use]
    pub(crate) const fn undocumented(mut self) -> Self {
        self.documented = false;
        self
    }

    /// The body Looker gives this refusal; `page` is where it is explained.
    pub(crate) fn body(&self, page: &str) -> Value {
        let mut body = json!({ "message": self.message });
        // Some answers of Looker have no link to the documentation.
        if self.documented {
            add(&mut body, "documentation_url", page);
        }
        if !self.errors.is_empty() {
            let errors: Vec<Value> = self.errors.iter().map(|error| error.json(page)).collect();
            add(&mut body, "errors", errors);
        }
        body
    }
}

impl FieldError {
    fn json(&self, page: &str) -> Value {
        let mut shown = json!({ "field": self.field, "code": self.code });
        if let Some(message) = &self.message {
            add(&mut shown, "message", message.as_str());
            add(&mut shown, "documentation_url", page);
        }
        shown
    }
}
