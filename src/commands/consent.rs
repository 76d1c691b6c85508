//! The one rule of what asks first: a command that takes something away from users who have it.
//!
//! Creating and adding ask nothing.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::Value;

use crate::commands::ask;
use crate::commands::context::CommandContext;
use crate::error::Error;
use crate::plan::{Change, Difference, Field, KeyChange};
use crate::report::Few;

/// Up to how many users a yes is enough; for more, and for every deletion, their number or id must be typed.
const FEW: usize = 10;

/// How many users a question names.
const NAMED: usize = 3;

/// What is taken away from a user.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Loss {
    /// The user itself.
    User,
    /// Its login.
    Login,
    /// Everything it owns, which goes to another user.
    Content,
    /// Memberships, permissions, models or attribute values; those that are replaced too.
    Grants,
    /// The same, by an empty cell of a spreadsheet, which may be an oversight.
    Emptied,
    /// Keys that work.
    Keys,
    /// Keys that work on for a while.
    KeysLater,
    /// The sessions it may have open.
    Sessions,
}

impl Loss {
    /// In words, of `users`.
    fn sentence(self, users: &str) -> String {
        match self {
            Self::User => format!("deletes {users}, with what they own"),
            Self::Login => format!("disables {users}"),
            Self::Content => format!("moves everything that belongs to {users}"),
            Self::Grants => format!("removes or replaces grants of {users}"),
            Self::Emptied => format!("removes grants of {users} by empty cells"),
            Self::Keys => format!("revokes working keys of {users}"),
            Self::KeysLater => format!("lets working keys of {users} end with the overlap"),
            Self::Sessions => format!("ends open sessions of {users}"),
        }
    }
}

/// What a command takes away from users.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    users: usize,
    /// The user that was counted last.
    last: Option<String>,
    by: BTreeMap<Loss, Few>,
}

impl Losses {
    /// Count what a user loses; the same user may come again at once, not later.
    pub(crate) fn add(&mut self, user: &str, losses: impl IntoIterator<Item = Loss>) {
        let mut losses = losses.into_iter().peekable();
        if losses.peek().is_none() {
            return;
        }
        if self.last.as_deref() != Some(user) {
            self.users += 1;
            self.last = Some(user.to_owned());
        }
        for loss in losses {
            let users = self.by.entry(loss).or_insert_with(|| Few::new(NAMED));
            users.add(|| format!("`{user}`"));
        }
    }

    /// Count the user of a plan's change. `from_cells` says whether it was read from a spreadsheet.
    pub(crate) fn add_change(&mut self, change: &Change, from_cells: bool) {
        let taken = || change.differences.iter().filter(|it| takes_away(it));
        let is_emptied = |it: &&Difference| from_cells && is_none(&it.to);
        let losses = [
            (Loss::Login, change.edits.disabled == Some(true)),
            (Loss::Grants, taken().any(|it| !is_emptied(&it))),
            (Loss::Emptied, taken().any(|it| is_emptied(&it))),
            (Loss::Keys, change.key == KeyChange::Rotate),
            (Loss::Sessions, change.ends_sessions),
        ];
        let losses = losses.into_iter().filter(|(_, is)| *is);
        self.add(&change.external_user_id, losses.map(|(loss, _)| loss));
    }

    /// Ask whether to go on, unless nothing is lost or `--yes` was given.
    ///
    /// # Errors
    /// The answer was not yes, or no one can be asked, or the question was left with Ctrl-C: nothing was done.
    pub(crate) async fn confirm(&self, cx: &CommandContext) -> Result<(), Error> {
        let Some(last) = &self.last else {
            return Ok(());
        };
        let parts = self.by.iter();
        let parts: Vec<_> = parts
            .map(|(loss, users)| loss.sentence(&users.users()))
            .collect();
        let what = format!("this {}", parts.join("; "));
        let deletes = self.by.contains_key(&Loss::User);
        match self.users {
            1 if deletes => typed(&what, last, cx).await,
            users if deletes || users > FEW => typed(&what, &users.to_string(), cx).await,
            _ => yes(&what, cx).await,
        }
    }
}

/// Whether the field had something that it does not keep. Names are no grants.
fn takes_away(difference: &Difference) -> bool {
    let Difference { field, from, to } = difference;
    if matches!(field, Field::State | Field::FirstName | Field::LastName) {
        return false;
    }
    match (from, to) {
        (Value::Array(from), Value::Array(to)) => from.iter().any(|item| !to.contains(item)),
        (Value::Array(from), _) => !from.is_empty(),
        (Value::Null, _) => false,
        (from, to) => from != "" && from != to,
    }
}

/// Whether a value says that there is none.
fn is_none(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        value => value.is_null(),
    }
}

/// Ask for a yes to `what`, unless `--yes` was given.
///
/// # Errors
/// As for [`Losses::confirm`].
pub(crate) async fn yes(what: &str, cx: &CommandContext) -> Result<(), Error> {
    if is_answered(what, cx)? {
        return Ok(());
    }
    cx.ui.status(sentence(what));
    cx.ui.prompt("go on? [y/N]");
    let answer = ask::line(cx).await?.unwrap_or_default();
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(declined()),
    }
}

/// Ask for `expected` to be typed.
async fn typed(what: &str, expected: &str, cx: &CommandContext) -> Result<(), Error> {
    if is_answered(what, cx)? {
        return Ok(());
    }
    cx.ui.status(sentence(what));
    cx.ui.prompt(format!("to go on, type `{expected}`"));
    match ask::line(cx).await? {
        Some(answer) if answer.trim() == expected => Ok(()),
        _ => Err(declined()),
    }
}

/// Whether `--yes` answers the question.
fn is_answered(what: &str, cx: &CommandContext) -> Result<bool, Error> {
    if cx.settings.yes || ask::can_ask(cx) {
        return Ok(cx.settings.yes);
    }
    let message = format!("{what}: that must be confirmed, and standard input is not a terminal");
    Err(Error::usage(message)
        .hint("pass `--yes` to go on without a question, or `--dry-run` to see what would be done"))
}

fn sentence(what: &str) -> String {
    let mut letters = what.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

fn declined() -> Error {
    Error::usage("not confirmed; nothing was done")
}

/// How many users may be selected by a rule.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct MaxArgs {
    /// Refuse if a rule, such as `--prune` or `--not-seen-for`, selects more users than this: a number, or a share of the embed users
    /// that `--match` names (of all without it)
    #[arg(long, value_name = "LIMIT", default_value = "10%")]
    max: Limit,
}

/// A number of users, or a share in percent.
#[derive(Clone, Copy, Debug)]
enum Limit {
    Users(u64),
    Percent(u64),
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, limit): (_, fn(u64) -> Self) = match text.strip_suffix('%') {
            Some(percent) => (percent, Self::Percent),
            None => (text, Self::Users),
        };
        let number = number.trim().parse();
        number
            .map(limit)
            .map_err(|_| "give a number of users such as 50, or a share such as 10%".to_owned())
    }
}

impl MaxArgs {
    /// Refuse what `rule` selects: `selected` of `all` users. A single user is never too many.
    ///
    /// # Errors
    /// There are more than the limit.
    pub(crate) fn check(self, rule: &str, selected: u64, all: u64) -> Result<(), Error> {
        let (limit, shown) = match self.max {
            Limit::Users(limit) => (limit, limit.to_string()),
            Limit::Percent(percent) => {
                let limit = all.saturating_mul(percent) / 100;
                (limit, format!("{percent}% of {all}, which is {limit}"))
            }
        };
        if selected < 2 || selected <= limit {
            return Ok(());
        }
        let message =
            format!("`{rule}` selects {selected} of {all} embed users; the limit is {shown}");
        Err(Error::usage(message).hint(format!(
            "check the rule with `--dry-run`; if it is right, pass `--max {selected}`"
        )))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn difference(field: Field, from: Value, to: Value) -> Difference {
        Difference { field, from, to }
    }

    #[test]
    fn what_a_user_had_and_does_not_keep_is_a_loss_and_what_it_gets_besides_is_none() {
        let region = || Field::Attribute("region".to_owned());
        for (field, from, to, loss) in [
            (Field::Models, json!(["a", "b"]), json!(["b", "c"]), true),
            (Field::Models, json!(["a"]), json!(["a", "b"]), false),
            (Field::GroupIds, json!([]), json!(["3"]), false),
            (Field::GroupIds, json!(["3"]), json!([]), true),
            (Field::ExternalGroupId, json!("a"), json!("b"), true),
            (Field::ExternalGroupId, json!(null), json!("b"), false),
            (region(), json!("west"), json!(null), true),
            (region(), json!("west"), json!("east"), true),
            (region(), json!(null), json!("east"), false),
            (region(), json!(""), json!("east"), false),
            (Field::FirstName, json!("Ada"), json!(null), false),
        ] {
            let difference = difference(field, from, to);
            assert_eq!(takes_away(&difference), loss, "{difference:?}");
        }
    }

    #[test]
    fn a_rule_may_select_as_many_users_as_the_limit_says_and_always_one() {
        let check = |limit: &str, selected, all| {
            let max = limit.parse().unwrap();
            MaxArgs { max }.check("--prune", selected, all).is_ok()
        };
        assert!(check("10%", 10, 100) && !check("10%", 11, 100));
        assert!(check("10%", 1, 3) && !check("10%", 2, 3));
        assert!(check("3", 3, 3) && !check("3", 4, 1000));
        assert!(check("0", 1, 1) && !check("0", 2, 9));
        assert!("ten".parse::<Limit>().is_err() && "-1%".parse::<Limit>().is_err());
    }

    #[test]
    fn a_question_names_how_many_and_the_first_few() {
        let mut losses = Losses::default();
        for number in 1..=12 {
            losses.add(&format!("acme-{number}"), [Loss::Login]);
        }
        losses.add("zoe", [Loss::Grants]);
        losses.add("nobody", []);

        let texts: Vec<_> = losses
            .by
            .iter()
            .map(|(loss, users)| loss.sentence(&users.users()))
            .collect();
        assert_eq!(losses.users, 13);
        assert_eq!(
            texts,
            [
                "disables 12 users (`acme-1`, `acme-2`, `acme-3` and 9 more)",
                "removes or replaces grants of `zoe`",
            ]
        );
    }
}
