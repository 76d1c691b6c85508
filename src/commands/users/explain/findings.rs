//! What was checked of a person, and the cause that follows from it.

use serde_json::{Map, Value, json};

use crate::error::{Error, Exit, Kind};
use crate::looker::LookerError;
use crate::report::{Format, Ui};

/// The kinds of causes, what prevents most first: the first one that was found is the one to tell.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum CauseKind {
    Disabled,
    ContentNotFound,
    ContentDeleted,
    NoRole,
    LookmlPermissionMissing,
    PermissionMissing,
    WrongGroup,
    NoAccess,
    ModelUnknown,
    ModelMissing,
    AttributeEmpty,
    QueryError,
    FilterLeavesNothing,
    AttributeLeavesNothing,
    RowsHidden,
    NoTiles,
    NoData,
    NeverLoggedIn,
    SessionExpired,
}

impl CauseKind {
    /// The word for it in JSON.
    const fn word(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::ContentNotFound => "content_not_found",
            Self::ContentDeleted => "content_deleted",
            Self::NoRole => "no_role",
            Self::LookmlPermissionMissing => "lookml_permission_missing",
            Self::PermissionMissing => "permission_missing",
            Self::WrongGroup => "wrong_group",
            Self::NoAccess => "no_access",
            Self::ModelUnknown => "model_unknown",
            Self::ModelMissing => "model_missing",
            Self::AttributeEmpty => "attribute_empty",
            Self::QueryError => "query_error",
            Self::FilterLeavesNothing => "filter_leaves_nothing",
            Self::AttributeLeavesNothing => "attribute_leaves_nothing",
            Self::RowsHidden => "rows_hidden",
            Self::NoTiles => "no_tiles",
            Self::NoData => "no_data",
            Self::NeverLoggedIn => "never_logged_in",
            Self::SessionExpired => "session_expired",
        }
    }
}

/// Why a person sees nothing, and what to do.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    kind: CauseKind,
    message: String,
    fix: String,
}

impl Cause {
    pub(super) fn new(kind: CauseKind, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            fix: fix.into(),
        }
    }
}

/// One check: `None` if it could not be made, or if what Looker answered is not understood.
#[derive(Debug)]
struct Check {
    name: &'static str,
    ok: Option<bool>,
    detail: String,
}

/// The checks so far, and the worst cause among them.
#[derive(Debug, Default)]
pub(super) struct Findings {
    checks: Vec<Check>,
    cause: Option<Cause>,
}

impl Findings {
    /// It is as it should be.
    pub(super) fn pass(&mut self, name: &'static str, detail: impl Into<String>) {
        self.add(name, Some(true), detail.into());
    }

    /// It could not be checked, so nothing is concluded from it.
    pub(super) fn unclear(&mut self, name: &'static str, why: impl Into<String>) {
        self.add(name, None, why.into());
    }

    /// It prevents the person from seeing something.
    pub(super) fn fail(&mut self, name: &'static str, detail: impl Into<String>, cause: Cause) {
        self.add(name, Some(false), detail.into());
        let worse = |known: &Cause| cause.kind < known.kind;
        if self.cause.as_ref().is_none_or(worse) {
            self.cause = Some(cause);
        }
    }

    /// It does not work, for a reason that another check gives.
    pub(super) fn follows(&mut self, name: &'static str, detail: impl Into<String>) {
        self.add(name, Some(false), detail.into());
    }

    /// Whether the worst cause so far is of this kind.
    pub(super) fn has_cause_of(&self, kind: CauseKind) -> bool {
        self.cause.as_ref().is_some_and(|cause| cause.kind == kind)
    }

    fn add(&mut self, name: &'static str, ok: Option<bool>, detail: String) {
        self.checks.push(Check { name, ok, detail });
    }

    /// Print everything, `more` being about the person and the content; returns the exit code.
    pub(super) fn conclude(self, mut more: Map<String, Value>, ui: &Ui) -> Result<Exit, Error> {
        match ui.format() {
            Format::Json | Format::Jsonl => {
                let checks = self.checks.iter();
                let checks = checks.map(
                    |check| json!({ "name": check.name, "ok": check.ok, "detail": check.detail }),
                );
                let cause = self.cause.as_ref().map(|cause| {
                    json!({ "kind": cause.kind.word(), "message": cause.message, "fix": cause.fix })
                });
                more.insert("checks".to_owned(), checks.collect());
                more.insert("cause".to_owned(), cause.into());
                ui.json(&more)?;
            }
            Format::Table | Format::Env => self.print(ui)?,
        }
        Ok(match self.cause.is_none() && self.unclear_checks() == 0 {
            true => Exit::Done,
            false => Exit::Failed(Kind::Incomplete),
        })
    }

    fn print(&self, ui: &Ui) -> Result<(), Error> {
        for check in &self.checks {
            let state = match check.ok {
                Some(true) => "pass",
                Some(false) => "fail",
                None => "?",
            };
            ui.finding(state, check.name, &check.detail, None)?;
        }
        match (&self.cause, self.unclear_checks()) {
            (Some(cause), _) => ui.finding("=>", "cause", &cause.message, Some(&cause.fix)),
            (None, 0) => ui.finding(
                "=>",
                "cause",
                "none: everything that was checked works",
                None,
            ),
            (None, unclear) => {
                let checks = if unclear == 1 { "check" } else { "checks" };
                let detail =
                    format!("none found, but {unclear} {checks} could not be made (`?` above)");
                ui.finding("=>", "cause", &detail, None)
            }
        }
    }

    fn unclear_checks(&self) -> usize {
        let unclear = self.checks.iter().filter(|check| check.ok.is_none());
        unclear.count()
    }
}

/// The answer to a question about what someone may see.
pub(super) enum Asked<T> {
    /// Looker shows it.
    Got(T),
    /// Looker itself says that it is not there for this caller, in these words.
    Refused(String),
    /// Something else went wrong, from which nothing follows.
    Unclear(String),
}

impl<T> From<Result<T, LookerError>> for Asked<T> {
    fn from(answer: Result<T, LookerError>) -> Self {
        match answer {
            Ok(value) => Self::Got(value),
            // belief: not-found-may-be-denied
            Err(
                error @ (LookerError::NotFound { .. } | LookerError::Denied { status: 403, .. }),
            ) => Self::Refused(error.to_string()),
            Err(error) => Self::Unclear(error.to_string()),
        }
    }
}

/// Names as people write a list of them.
pub(super) fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted = names.into_iter().map(|name| format!("`{name}`"));
    quoted.collect::<Vec<_>>().join(", ")
}
