//! One operation of the API: how it is called, who may call it, and the function that answers.

use crate::emulator::http::answer::Answer;
use crate::emulator::http::call::Call;
use crate::emulator::world::World;

/// A function that answers one operation from the world.
pub(crate) type Handler = fn(&Call<'_>, &mut World) -> Answer;

/// The method of an operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    /// The verb of an HTTP method; `HEAD` and its like have none.
    pub(crate) fn of(method: &str) -> Option<Self> {
        Some(match method {
            "GET" => Self::Get,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            _ => return None,
        })
    }

    /// The verb as it stands in a documentation URL.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

/// Who may call an operation. Looker answers the others with 404, as if there were nothing there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Access {
    /// Anybody, without a token.
    Open,
    /// Anybody with a live token.
    Token,
    /// Administrators.
    Admin,
    /// Administrators, and the user that the first path parameter names.
    Own,
}

/// The body an operation takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BodyRule {
    /// None; one that is sent is refused.
    None,
    /// JSON.
    Json,
    /// A form.
    Form,
}

/// One operation, named as in Looker's OpenAPI description.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: &'static str,
    pub(crate) verb: Verb,
    /// The path below `/api/4.0`, with parameters in braces.
    pub(crate) path: &'static str,
    /// The query parameters it knows.
    pub(crate) query: &'static [&'static str],
    pub(crate) body: BodyRule,
    pub(crate) access: Access,
    pub(crate) handler: Handler,
}

impl Operation {
    /// An operation that needs a token and takes neither query nor body.
    pub(crate) const fn new(
        verb: Verb,
        id: &'static str,
        path: &'static str,
        handler: Handler,
    ) -> Self {
        Self {
            id,
            verb,
            path,
            query: &[],
            body: BodyRule::None,
            access: Access::Token,
            handler,
        }
    }

    /// The same operation with these query parameters.
    pub(crate) const fn query(mut self, names: &'static [&'static str]) -> Self {
        self.query = names;
        self
    }

    /// The same operation with a JSON body.
    pub(crate) const fn json(mut self) -> Self {
        self.body = BodyRule::Json;
        self
    }

    /// The same operation with a form as body.
    pub(crate) const fn form(mut self) -> Self {
        self.body = BodyRule::Form;
        self
    }

    /// The same operation for these callers only.
    pub(crate) const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// The same operation for administrators only.
    pub(crate) const fn admin(self) -> Self {
        self.access(Access::Admin)
    }

    /// The page that explains an error of it, in the pattern of Looker's own below `base`: version, status, verb, path with
    /// `:names`.
    pub(crate) fn error_page(&self, base: &str, status: u16) -> String {
        let path = self.path.replace('{', ":").replace('}', "");
        format!("{base}/4.0/{status}/{}{path}", self.verb.word())
    }

    /// Whether the caller may say which fields it wants.
    pub(crate) fn has_fields(&self) -> bool {
        self.query.contains(&"fields")
    }
}

/// A `GET`.
pub(crate) const fn get(id: &'static str, path: &'static str, handler: Handler) -> Operation {
    Operation::new(Verb::Get, id, path, handler)
}

/// A `POST`.
pub(crate) const fn post(id: &'static str, path: &'static str, handler: Handler) -> Operation {
    Operation::new(Verb::Post, id, path, handler)
}

/// A `PUT`.
pub(crate) const fn put(id: &'static str, path: &'static str, handler: Handler) -> Operation {
    Operation::new(Verb::Put, id, path, handler)
}

/// A `PATCH`.
pub(crate) const fn patch(id: &'static str, path: &'static str, handler: Handler) -> Operation {
    Operation::new(Verb::Patch, id, path, handler)
}

/// A `DELETE`.
pub(crate) const fn delete(id: &'static str, path: &'static str, handler: Handler) -> Operation {
    Operation::new(Verb::Delete, id, path, handler)
}
