//! One operation of the API: what the contract says of it, and, if it is served, by which function and for whom.

use crate::emulator::http::answer::Answer;
use crate::emulator::http::call::Call;
use crate::emulator::world::World;

/// Where the API begins.
pub(crate) const API: &str = "/api/4.0";

/// What the contract calls a body that is a form.
pub(crate) const FORM: &str = "form";

/// A function that answers one operation from the world.
pub(crate) type Handler = fn(&Call<'_>, &mut World) -> Answer;

/// The method of an operation.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The verb of an HTTP method; `HEAD` is `GET`, whose answer it takes without the body, and `OPTIONS` has none.
    pub(crate) fn of(method: &str) -> Option<Self> {
        Some(match method {
            "GET" | "HEAD" => Self::Get,
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
    /// Anyone, without a token.
    Open,
    /// Anyone with a live token.
    Token,
    /// Administrators.
    Admin,
    /// Administrators, and the user that the first path parameter names.
    Own,
}

/// How an operation is served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    pub(crate) id: &'static str,
    pub(crate) access: Access,
    pub(crate) handler: Handler,
}

/// The operation that the contract calls `id`, for everyone with a token.
pub(crate) const fn op(id: &'static str, handler: Handler) -> Service {
    Service {
        id,
        access: Access::Token,
        handler,
    }
}

impl Service {
    /// The same for anyone, without a token.
    pub(crate) const fn open(mut self) -> Self {
        self.access = Access::Open;
        self
    }

    /// The same for administrators only.
    pub(crate) const fn admin(mut self) -> Self {
        self.access = Access::Admin;
        self
    }

    /// The same for administrators and the user that the path names.
    pub(crate) const fn own(mut self) -> Self {
        self.access = Access::Own;
        self
    }
}

/// A parameter or a field: its name, its marks, and after a colon its type, text if there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<'a> {
    pub(crate) name: &'a str,
    marks: &'a str,
    pub(crate) kind: &'a str,
}

impl<'a> Word<'a> {
    /// Read one.
    pub(crate) fn of(text: &'a str) -> Self {
        let (head, kind) = text.split_once(':').unwrap_or((text, "str"));
        let name = head.trim_end_matches(['?', '!', '*']);
        let marks = head.strip_prefix(name).unwrap_or_default();
        Self { name, marks, kind }
    }

    /// Whether it must be given.
    pub(crate) fn is_required(&self) -> bool {
        self.marks.contains('*')
    }

    /// Whether it may be `null`.
    pub(crate) fn is_nullable(&self) -> bool {
        self.marks.contains('?')
    }

    /// Whether Looker alone writes it.
    pub(crate) fn is_read_only(&self) -> bool {
        self.marks.contains('!')
    }
}

/// One operation, as Looker's description has it.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: &'static str,
    pub(crate) verb: Verb,
    /// The path below `/api/4.0`, with parameters in braces.
    pub(crate) path: &'static str,
    query: Vec<&'static str>,
    /// The type of its body, or `form`.
    pub(crate) body: Option<&'static str>,
}

impl Operation {
    /// An operation without parameters or body.
    pub(crate) const fn new(verb: Verb, path: &'static str, id: &'static str) -> Self {
        Self {
            id,
            verb,
            path,
            query: Vec::new(),
            body: None,
        }
    }

    /// Let it take these parameters, and the body after a `<`.
    pub(crate) fn take(&mut self, words: impl Iterator<Item = &'static str>) {
        for word in words {
            match word.strip_prefix('<') {
                Some(body) => self.body = Some(body),
                None => self.query.push(word),
            }
        }
    }

    /// The names of the parameters in its path.
    pub(crate) fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        let segments = self.path.split('/');
        segments.filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
    }

    /// Its query parameters.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = Word<'static>> {
        self.query.iter().map(|word| Word::of(word))
    }

    /// Whether it knows the query parameter `name`.
    pub(crate) fn takes(&self, name: &str) -> bool {
        self.query.iter().any(|word| Word::of(word).name == name)
    }

    /// The page that explains an error of it, in the pattern of Looker's own below `base`: version, status, verb, path with
    /// `:names`.
    pub(crate) fn error_page(&self, base: &str, status: u16) -> String {
        let path = self.path.replace('{', ":").replace('}', "");
        format!("{base}/4.0/{status}/{}{path}", self.verb.word())
    }
}
