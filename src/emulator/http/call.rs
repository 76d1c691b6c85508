//! One call of an operation: path parameters, query, body, and who calls.

use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded;

use crate::emulator::http::answer::Refusal;
use crate::emulator::http::fields::Fields;
use crate::emulator::text::decode_form;
use crate::emulator::world::Id;

/// Who calls: the user a token was made for.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) user: Id,
    /// The administrator behind a token of `login_user`.
    pub(crate) sudo_by: Option<Id>,
    pub(crate) admin: bool,
    pub(crate) token: String,
}

/// How this Looker pages its lists.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paging {
    /// How many rows a page can have; 0 is any number.
    pub(crate) cap: usize,
    pub(crate) ignores_offset: bool,
    pub(crate) ignores_sort: bool,
    /// `limit` and `offset` mean each other.
    pub(crate) swapped: bool,
    /// Pages have headers that lead to the others.
    pub(crate) linked: bool,
}

/// One call of an operation.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// The path as it was asked for.
    pub(crate) path: &'a str,
    /// The decoded path parameters, in the order of the path.
    pub(crate) params: Vec<(&'static str, String)>,
    pub(crate) query: Query,
    /// The fields of the answer that are kept.
    pub(crate) fields: Fields,
    pub(crate) paging: Paging,
    /// The body as a form; empty if it is none.
    pub(crate) form: Query,
    /// The body as JSON, which has what the contract says; `null` if it is none.
    pub(crate) body: Value,
    /// `None` only if the operation is open.
    pub(crate) who: Option<&'a Who>,
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
    /// The host and port the caller used.
    pub(crate) host: &'a str,
    pub(crate) user_agent: &'a str,
}

impl Call<'_> {
    /// The path parameter `name`.
    pub(crate) fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The path parameter `name` as an id; 404 if it can be none.
    pub(crate) fn id(&self, name: &str) -> Result<Id, Refusal> {
        parse_id(self.param(name)).ok_or_else(Refusal::not_found)
    }

    /// Where the caller reached this Looker, such as `http://127.0.0.1:43210`.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }

    /// The URL of this call with these query parameters in place of those of the same names.
    pub(crate) fn url_with(&self, numbers: &[(&str, usize)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let replaced = |name: &str| numbers.iter().any(|(known, _)| *known == name);
        query.extend_pairs(self.query.0.iter().filter(|(name, _)| !replaced(name)));
        query.extend_pairs(
            numbers
                .iter()
                .map(|(name, number)| (name, number.to_string())),
        );
        format!("{}{}?{}", self.origin(), self.path, query.finish())
    }

    /// The caller.
    pub(crate) fn who(&self) -> Result<&Who, Refusal> {
        self.who.ok_or_else(Refusal::unauthenticated)
    }

    /// Whether the caller is an administrator.
    pub(crate) fn is_admin(&self) -> bool {
        self.who.is_some_and(|who| who.admin)
    }

    /// The query parameter `name`.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.value(name)
    }

    /// The query parameter `name` as a truth value.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.query(name)
            .map(|text| match text.to_ascii_lowercase().as_str() {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => Err(bad_query(name, "true or false")),
            })
            .transpose()
    }

    /// The query parameter `name` as a number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<usize>, Refusal> {
        self.query(name)
            .map(|text| text.parse().map_err(|_error| bad_query(name, "a number")))
            .transpose()
    }

    /// The query parameter `name` as a list, with or without the brackets some clients write.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<String>> {
        let text = self.query(name)?;
        // Lists are sent as `1,2` or as JSON, depending on the client.
        let inner = text.trim_start_matches('[').trim_end_matches(']');
        let items = inner.split(',').map(|item| item.trim().trim_matches('"'));
        Some(
            items
                .filter(|item| !item.is_empty())
                .map(ToOwned::to_owned)
                .collect(),
        )
    }

    /// The body as a `T`, which may pass over some of its fields.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        T::deserialize(&self.body).map_err(|error| bad_body(&error.to_string()))
    }

    /// The body as a JSON object of any fields.
    pub(crate) fn object(&self) -> Result<serde_json::Map<String, Value>, Refusal> {
        self.body()
    }
}

/// The text of a path or a body as an id.
pub(crate) fn parse_id(text: &str) -> Option<Id> {
    // Only the plain form: `+1` and `01` are not ids.
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_id| plain)
}

/// A body that does not fit: 422, and a violation, because a client made it.
pub(crate) fn bad_body(why: &str) -> Refusal {
    Refusal::new(422, "Validation Failed").violation(format!("the body: {why}"))
}

fn bad_query(name: &str, wanted: &str) -> Refusal {
    Refusal::new(400, format!("Bad Request: '{name}' is not {wanted}"))
        .violation(format!("the query parameter `{name}` is not {wanted}"))
}

/// The decoded parameters of a query or a form, in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Decode `raw` as a form does; `None` if it is not UTF-8.
    pub(crate) fn parse(raw: &str) -> Option<Self> {
        raw.split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decode_form(name)?, decode_form(value)?))
            })
            .collect::<Option<_>>()
            .map(Self)
    }

    /// The value of the first parameter called `name`.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Take out the parameters without a value; gives the name of the first.
    pub(crate) fn take_empty(&mut self) -> Option<String> {
        let first = self.0.iter().find(|(_, value)| value.is_empty());
        let first = first.map(|(name, _)| name.clone());
        self.0.retain(|(_, value)| !value.is_empty());
        first
    }

    /// The first parameter that is not known.
    pub(crate) fn unknown(&self, known: impl Fn(&str) -> bool) -> Option<&str> {
        let mut names = self.0.iter().map(|(name, _)| name.as_str());
        names.find(|name| !known(name))
    }
}
