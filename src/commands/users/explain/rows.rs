//! The queries of the tiles, run as the person for one row each, and what takes the rows away where none comes.

use std::cell::Cell;

use serde_json::Map;

use crate::commands::users::explain::attributes::Standing;
use crate::commands::users::explain::findings::{Asked, Cause, CauseKind, Findings, names};
use crate::commands::users::explain::person::{Person, grant};
use crate::commands::users::explain::target::Target;
use crate::looker::{AccessFilter, AttributeValue, Client, LookerError, Query, Ran, Shown, Tile};

/// How many tiles are run.
const MOST_TILES: usize = 20;

/// How many more queries are run, of all tiles together, to find out what takes the rows away.
const MOST_TRIES: usize = 24;

/// Whom to ask, and about what.
pub(super) struct Asking<'a> {
    pub(super) person: &'a Person,
    pub(super) target: &'a Target,
    pub(super) shown: &'a Shown,
    pub(super) sudo: &'a Client,
    pub(super) admin: &'a Client,
    /// How many tries are left.
    tries: Cell<usize>,
}

/// A tile's query as the dashboard runs it, with the filters that could take rows away.
struct Opened {
    /// The tile and its explore, for messages.
    words: String,
    query: Query,
    filters: Vec<Applied>,
}

/// A filter on a field: a dashboard's, or one of the query itself.
struct Applied {
    /// Such as ``the dashboard filter `Region` ``.
    words: String,
    field: String,
    value: String,
}

impl<'a> Asking<'a> {
    pub(super) fn new(
        (person, target): (&'a Person, &'a Target),
        shown: &'a Shown,
        (sudo, admin): (&'a Client, &'a Client),
    ) -> Self {
        Self {
            person,
            target,
            shown,
            sudo,
            admin,
            tries: Cell::new(MOST_TRIES),
        }
    }

    /// Run the queries of all tiles, and judge what comes.
    pub(super) async fn judge(&self, findings: &mut Findings) {
        let mut without_data = Vec::new();
        let mut some_rows = false;
        for tile in self.shown.tiles.iter().take(MOST_TILES) {
            let Some(query) = &tile.query else {
                let why = format!(
                    "`{}` is not run: it shows no single query of a model",
                    tile.title
                );
                findings.unclear("query", why);
                continue;
            };
            let opened = self.open(tile, query);
            match Asked::from(self.sudo.run_for_one_row(&opened.query).await) {
                Asked::Got(Ran::Rows) => {
                    some_rows = true;
                    findings.pass("query", format!("{}: rows come", opened.words));
                }
                Asked::Got(Ran::Nothing) => {
                    if Box::pin(self.nothing_came(&opened, findings)).await {
                        without_data.push(opened.words);
                    }
                }
                Asked::Got(Ran::Failed(error)) => {
                    Box::pin(self.failed(&opened, &error, findings)).await;
                }
                Asked::Refused(why) => self.refused(&opened, &why, findings),
                Asked::Unclear(why) => {
                    findings.unclear("query", format!("{}: {why}", opened.words));
                }
            }
        }
        for words in without_data {
            judge_no_data(&words, some_rows, findings);
        }
        let tiles = self.shown.tiles.len();
        if tiles == 0 {
            self.no_tiles(findings);
        } else if tiles > MOST_TILES {
            let rest = tiles - MOST_TILES;
            findings.unclear("query", format!("{rest} more tiles were not run"));
        }
    }

    fn no_tiles(&self, findings: &mut Findings) {
        let words = self.target.words();
        let cause = Cause::new(
            CauseKind::NoTiles,
            format!("{words} has no tile that shows data, so it is empty for everyone"),
            "add tiles to it, or embed another one",
        );
        findings.fail("query", "there is no tile that shows data", cause);
    }

    /// The query of a tile with the values that the filters of the dashboard have when it is opened.
    fn open(&self, tile: &Tile, query: &Query) -> Opened {
        let mut filters = Vec::new();
        let mut values = query.filters.clone().unwrap_or_default();
        for (name, field) in &tile.listens {
            let known = self
                .shown
                .filters
                .iter()
                .find(|filter| filter.name == *name);
            let default = known.and_then(|filter| filter.default_value.as_deref());
            let mut given = self.target.filters.iter();
            let given = given.find(|(given, _)| given == name);
            let value = given.map_or(default, |(_, value)| Some(value.as_str()));
            let value = value.unwrap_or_default();
            if !value.is_empty() {
                values.insert(field.clone(), value.into());
                filters.push(Applied {
                    words: format!("the dashboard filter `{name}`"),
                    field: field.clone(),
                    value: value.to_owned(),
                });
            }
        }
        let opened = match filters.is_empty() {
            // The saved query itself: whoever may see the tile may run it.
            true => query.clone(),
            false => query.with_filters(values),
        };
        for (field, value) in query.filters.iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            let overridden = filters.iter().any(|applied| applied.field == *field);
            if !value.is_empty() && !overridden {
                filters.push(Applied {
                    words: format!("the tile's own filter on `{field}`"),
                    field: field.clone(),
                    value: value.to_owned(),
                });
            }
        }
        Opened {
            words: format!("`{}` ({}/{})", tile.title, query.model, query.view),
            query: opened,
            filters,
        }
    }

    /// Find out what takes the rows away. True if there are none for the admin either, so that it says nothing of the person.
    async fn nothing_came(&self, opened: &Opened, findings: &mut Findings) -> bool {
        let access = self.access_filters(opened).await;
        if let Some(cause) = self.empty_attribute(access.as_deref().unwrap_or_default()) {
            findings.fail("query", format!("{}: no row", opened.words), cause);
            return false;
        }
        if let Some(cause) = self.filter_that_leaves_nothing(opened).await {
            findings.fail("query", format!("{}: no row", opened.words), cause);
            return false;
        }
        let by_admin = self.admin.run_for_one_row(&opened.query).await;
        match (Asked::from(by_admin), access) {
            (Asked::Got(Ran::Rows), access) => {
                let cause = self.attribute_that_leaves_nothing(opened, access).await;
                let detail = format!("{}: no row, though rows come to the admin", opened.words);
                findings.fail("query", detail, cause);
                false
            }
            (Asked::Got(Ran::Nothing), Some(access)) if access.is_empty() => true,
            (Asked::Got(Ran::Nothing), access) => {
                let attributes = access
                    .iter()
                    .flatten()
                    .map(|filter| filter.user_attribute.as_str());
                findings.unclear("query", format!(
                    "{}: no row, and none to the admin, whose own attributes filter the explore as well ({}): give the \
                     API key's user values that leave rows, and run this again",
                    opened.words, self.values_in_words(attributes),
                ));
                false
            }
            (Asked::Got(Ran::Failed(why)) | Asked::Refused(why) | Asked::Unclear(why), _) => {
                let why = format!(
                    "{}: no row; not compared with the admin's: {why}",
                    opened.words
                );
                findings.unclear("query", why);
                false
            }
        }
    }

    /// The filters by user attributes of the explore; `None` if Looker does not say.
    async fn access_filters(&self, opened: &Opened) -> Option<Vec<AccessFilter>> {
        let Query { model, view, .. } = &opened.query;
        self.admin.access_filters(model, view).await.ok()
    }

    fn empty_attribute(&self, access: &[AccessFilter]) -> Option<Cause> {
        // belief: empty-access-filter
        let empty = |filter: &&AccessFilter| {
            self.person.attribute(&filter.user_attribute) == Some(Standing::Empty)
        };
        let AccessFilter {
            field,
            user_attribute,
        } = access.iter().find(empty)?;
        let id = &self.person.external_user_id;
        Some(Cause::new(
            CauseKind::AttributeEmpty,
            format!(
                "`{id}` has no value for the user attribute `{user_attribute}`, by which the explore filters `{field}`"
            ),
            grant(id, &format!("--attr {user_attribute}=VALUE")),
        ))
    }

    /// Run the query without each of its filters, one at a time, and then without all of them.
    async fn filter_that_leaves_nothing(&self, opened: &Opened) -> Option<Cause> {
        let all = opened.query.filters.clone().unwrap_or_default();
        for filter in &opened.filters {
            let mut others = all.clone();
            others.remove(&filter.field);
            if self.rows_come(&opened.query.with_filters(others)).await? {
                let Applied { words, value, .. } = filter;
                return Some(Cause::new(
                    CauseKind::FilterLeavesNothing,
                    format!(
                        "{words} with the value `{value}` leaves no row of {}",
                        opened.words
                    ),
                    "give the filter another value, in the dashboard or in the query of the embed path",
                ));
            }
        }
        if opened.filters.len() < 2 {
            return None;
        }
        let bare = opened.query.with_filters(Map::new());
        let together = names(opened.filters.iter().map(|filter| filter.field.as_str()));
        self.rows_come(&bare).await?.then(|| {
            Cause::new(
                CauseKind::FilterLeavesNothing,
                format!(
                    "the filters on {together} together leave no row of {}",
                    opened.words
                ),
                "give the filters other values, in the dashboard or in the query of the embed path",
            )
        })
    }

    /// Whether rows come to the person; `None` if no more is tried.
    async fn rows_come(&self, query: &Query) -> Option<bool> {
        let left = self.tries.get().checked_sub(1)?;
        self.tries.set(left);
        let ran = self.sudo.run_for_one_row(query).await;
        Some(matches!(ran, Ok(Ran::Rows)))
    }

    /// The attribute that leaves no row to the person, of a query that gives rows to the admin.
    async fn attribute_that_leaves_nothing(
        &self,
        opened: &Opened,
        access: Option<Vec<AccessFilter>>,
    ) -> Cause {
        let id = &self.person.external_user_id;
        let differing = self.differing(access.unwrap_or_default()).await;
        let differing = differing.unwrap_or_default();
        let Some(first) = differing.first() else {
            return Cause::new(
                CauseKind::RowsHidden,
                format!(
                    "{} gives rows to the admin and none to `{id}`, and no filter that Looker shows explains it",
                    opened.words
                ),
                "look for user attributes in the LookML of the explore (`sql_always_where`, access grants, Liquid), and compare them with the user's",
            );
        };
        let attributes = differing
            .iter()
            .map(|filter| filter.user_attribute.as_str());
        let values = self.values_in_words(attributes);
        let fields = names(differing.iter().map(|filter| filter.field.as_str()));
        let whose = match differing.len() {
            1 => "the value",
            _ => "one of the values",
        };
        let words = &opened.words;
        Cause::new(
            CauseKind::AttributeLeavesNothing,
            format!(
                "the explore filters {fields} by user attributes, and {whose} of `{id}` ({values}) leaves no row of {words}"
            ),
            grant(id, &format!("--attr {}=VALUE", first.user_attribute))
                + "; VALUE must occur in the data",
        )
    }

    /// The access filters for which the person's value is not the admin's, or cannot be compared.
    async fn differing(&self, access: Vec<AccessFilter>) -> Result<Vec<AccessFilter>, LookerError> {
        let me = self.admin.me().await?;
        let own = self.admin.attribute_values(&me.id).await?;
        let value = |row: &AttributeValue| row.shown().map(str::to_owned);
        let differs = |filter: &AccessFilter| {
            let row = own.iter().find(|row| row.name == filter.user_attribute);
            match (
                self.person.attribute(&filter.user_attribute),
                row.and_then(value),
            ) {
                (Some(Standing::Value(theirs)), Some(ours)) => theirs != ours,
                _ => true,
            }
        };
        Ok(access.into_iter().filter(differs).collect())
    }

    fn values_in_words<'n>(&self, attributes: impl Iterator<Item = &'n str>) -> String {
        let words = attributes.map(|name| match self.person.attribute(name) {
            Some(Standing::Value(value)) => format!("`{name}` = `{value}`"),
            Some(Standing::Hidden) => format!("`{name}`, whose value is hidden"),
            Some(Standing::Empty) => format!("`{name}`, which is empty"),
            None => format!("`{name}`, which cannot be read"),
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// The query fails: for want of an attribute, for the person alone, or for everyone.
    async fn failed(&self, opened: &Opened, error: &str, findings: &mut Findings) {
        let detail = format!("{}: the query fails: {error}", opened.words);
        let access = self.access_filters(opened).await.unwrap_or_default();
        if let Some(cause) = self.empty_attribute(&access) {
            return findings.fail("query", detail, cause);
        }
        let by_admin = self.admin.run_for_one_row(&opened.query).await;
        let whom = match by_admin {
            Ok(Ran::Failed(_)) => "for the admin too",
            Ok(_) => "for the user, not for the admin",
            Err(_) => "for the user",
        };
        let cause = Cause::new(
            CauseKind::QueryError,
            format!("the query of {} fails {whom}: {error}", opened.words),
            "correct the tile, the model or the connection; the error is the database's or Looker's own",
        );
        findings.fail("query", detail, cause);
    }

    /// Looker does not know the query for this person.
    fn refused(&self, opened: &Opened, why: &str, findings: &mut Findings) {
        let Query { model, view, .. } = &opened.query;
        let detail = format!("{}: {why}", opened.words);
        let seen = self.person.seen.as_ref();
        if seen.is_some_and(|seen| !seen.contains(model)) {
            return findings.follows("query", detail);
        }
        let models = self.person.models.iter().flatten();
        let mut explores = models
            .filter(|known| known.name == *model && !known.explores.is_empty())
            .map(|known| known.explores.iter().any(|explore| explore.name == *view));
        if explores.next() == Some(false) {
            let cause = Cause::new(
                CauseKind::QueryError,
                format!(
                    "the model `{model}` has no explore `{view}`, which {} queries",
                    opened.words
                ),
                "correct the tile, or put the explore back into the model",
            );
            return findings.fail("query", detail, cause);
        }
        findings.unclear("query", format!("{detail}, although the user can query the model: an access grant may hide the explore from it"));
    }
}

/// What a tile without data means depends on the others.
fn judge_no_data(words: &str, some_rows: bool, findings: &mut Findings) {
    if some_rows {
        return findings.pass("query", format!("{words}: no row, and none to the admin"));
    }
    let cause = Cause::new(
        CauseKind::NoData,
        format!("{words} gives no row to the admin either"),
        "check the data behind it and the filters of the tile; the user is not the reason",
    );
    findings.fail(
        "query",
        format!("{words}: no row, and none to the admin"),
        cause,
    );
}
