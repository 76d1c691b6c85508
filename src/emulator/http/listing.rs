//! Lists: which items a caller asks for, in which order, and which page of them.
//!
//! A list may be long, and showing an item is what costs. So an item is filtered and sorted by the fields that this asks
//! for, and only the items of the page are shown whole. Items come in the order of their ids.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use crate::emulator::http::answer::{Answer, Refusal, Reply};
use crate::emulator::http::call::{Call, parse_id};
use crate::emulator::http::fields::Fields;
use crate::emulator::world::Id;

/// How many items a page has when `per_page` is not given.
const PER_PAGE: usize = 100;

/// How many items after a page are counted for its total; Looker too leaves out a total that takes long.
const COUNTED: usize = 1000;

/// The search filters of a call: patterns by field, all or any of which must match.
#[derive(Debug)]
pub(crate) struct Filters<'a> {
    patterns: Vec<(&'static str, &'a str)>,
    any: bool,
}

impl<'a> Filters<'a> {
    /// The filters of `call` among the query parameters called `names`.
    pub(crate) fn of(call: &'a Call<'_>, names: &[&'static str]) -> Result<Self, Refusal> {
        let given = |name: &&'static str| Some((*name, call.query(name)?));
        Ok(Self {
            patterns: names.iter().filter_map(given).collect(),
            any: call.flag("filter_or")?.unwrap_or(false),
        })
    }

    /// Whether every item passes.
    pub(crate) const fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The id that the field `name` has in all items that pass, if there is only one: a quick way to pass over most.
    pub(crate) fn only(&self, name: &str) -> Option<Id> {
        let mut patterns = self.patterns.iter().filter(|_| !self.any);
        // Only a plain id can be looked up; a pattern must be compared.
        patterns.find_map(|(known, pattern)| parse_id(pattern).filter(|_id| *known == name))
    }

    /// Whether an item passes, whose field of a name has the text that `field` gives.
    pub(crate) fn pass<T: AsRef<str>>(&self, field: impl Fn(&str) -> Option<T>) -> bool {
        let matches = |(name, pattern): &(&'static str, &str)| {
            fits(pattern, field(name).as_ref().map(AsRef::as_ref))
        };
        match self.any {
            // Without any filter, everything passes.
            true if !self.patterns.is_empty() => self.patterns.iter().any(matches),
            _ => self.patterns.iter().all(matches),
        }
    }
}

/// Whether a value fits a search pattern: `%` is any text, `_` any letter, case does not matter; `NULL` and `NOT NULL`
/// ask whether there is a value; several ids may be given with commas.
pub(crate) fn fits(pattern: &str, value: Option<&str>) -> bool {
    match pattern {
        "NULL" | "is null" | "IS NULL" => return value.is_none_or(str::is_empty),
        "NOT NULL" | "is not null" => return value.is_some_and(|value| !value.is_empty()),
        _ => {}
    }
    let Some(value) = value else {
        return false;
    };
    let is_id = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    // Ids are searched for as a list, which texts are not.
    if is_id && pattern.contains(',') {
        return pattern.split(',').any(|part| part.trim() == value);
    }
    // The usual case, without allocating.
    if pattern.is_ascii() && value.is_ascii() && !pattern.contains(['%', '_']) {
        return pattern.eq_ignore_ascii_case(value);
    }
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let value: Vec<char> = value.to_lowercase().chars().collect();
    like(&pattern, &value)
}

/// SQL's `LIKE`, in time proportional to the product of the lengths.
fn like(pattern: &[char], value: &[char]) -> bool {
    let mut reachable = vec![false; value.len() + 1];
    if let Some(first) = reachable.first_mut() {
        *first = true;
    }
    for letter in pattern {
        let mut next = vec![false; reachable.len()];
        let mut before = false;
        for (place, now) in reachable.iter().enumerate() {
            let after = next.get(place.wrapping_sub(1)).copied().unwrap_or(false);
            let here = value.get(place.wrapping_sub(1));
            let open = match letter {
                '%' => *now || after,
                '_' => before,
                letter => before && here == Some(letter),
            };
            if let Some(next) = next.get_mut(place) {
                *next = open;
            }
            before = *now;
        }
        reachable = next;
    }
    reachable.last().copied().unwrap_or(false)
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) offset: usize,
    pub(crate) limit: usize,
}

impl Page {
    /// The page `call` asks for, with `limit` and `offset` or with `page` and `per_page`; all if it asks for none.
    pub(crate) fn of(call: &Call<'_>) -> Result<Self, Refusal> {
        let paging = call.paging;
        let mut page = Self::asked(call)?;
        if paging.ignores_offset {
            page.offset = 0;
        }
        // A switch, for a Looker that returns fewer items than it was asked for.
        if paging.cap > 0 {
            page.limit = page.limit.min(paging.cap);
        }
        Ok(page)
    }

    fn asked(call: &Call<'_>) -> Result<Self, Refusal> {
        if let Some(page) = call.number("page")? {
            let limit = call.number("per_page")?.unwrap_or(PER_PAGE);
            let offset = page.saturating_sub(1).saturating_mul(limit);
            // `page` starts at 1.
            return Ok(Self { offset, limit });
        }
        let (limit, offset) = match call.paging.swapped {
            true => ("offset", "limit"),
            false => ("limit", "offset"),
        };
        let limit = call.number(limit)?.or(call.number("per_page")?);
        Ok(Self {
            offset: call.number(offset)?.unwrap_or(0),
            limit: limit.unwrap_or(usize::MAX),
        })
    }

    /// This page of `items`, and how many there are in all, if that is asked for and soon counted.
    fn cut<T>(self, mut items: impl Iterator<Item = T>, counted: bool) -> (Vec<T>, Option<usize>) {
        let (least, most) = items.size_hint();
        let known = most.filter(|most| *most == least);
        let page: Vec<T> = items.by_ref().skip(self.offset).take(self.limit).collect();
        if !counted {
            return (page, None);
        }
        let total = known.or_else(|| {
            // Counting on may take longer than the page did, for every page.
            let more = items.take(COUNTED + 1).count();
            let seen = !page.is_empty() || self.offset == 0;
            (seen && more <= COUNTED).then_some(self.offset + page.len() + more)
        });
        (page, total)
    }

    /// The `Link` and `X-Total-Count` of a page of so many items, as Looker's documentation of paging describes them.
    fn add_links(self, call: &Call<'_>, shown: usize, total: Option<usize>, reply: Reply) -> Reply {
        let (offset, limit) = (self.offset, self.limit);
        let next = offset.saturating_add(limit);
        // Without a total, a full page may have a next one.
        let more = total.map_or(shown == limit, |total| next < total);
        let last = total.map(|total| total.saturating_sub(1) / limit * limit);
        let places = [
            ("first", Some(0)),
            ("last", last),
            ("next", more.then_some(next)),
            ("prev", (offset > 0).then(|| offset.saturating_sub(limit))),
        ];
        let links = places.into_iter().filter_map(|(rel, place)| {
            let url = call.url_with(&[("limit", limit), ("offset", place?)]);
            Some(format!("<{url}>; rel=\"{rel}\""))
        });
        let links: Vec<String> = links.collect();
        let reply = reply.header("link", links.join(", "));
        match total {
            Some(total) => reply.header("x-total-count", total.to_string()),
            None => reply,
        }
    }
}

/// The items in the order, and the page of them, that the caller asks for; `show` shows the given fields of one.
pub(crate) fn answer<T: Copy>(
    call: &Call<'_>,
    items: impl Iterator<Item = T>,
    show: impl Fn(&Fields, T) -> Value,
) -> Answer {
    // The tables are in the order of ids, so nothing needs sorting or a whole list.
    if by_id(call) {
        return paged(call, items, show);
    }
    let keys: Vec<(&str, bool)> = call
        .query("sorts")
        .unwrap_or("")
        .split(',')
        .map(direction)
        .collect();
    // Only the fields to sort by are computed for every item.
    let fields = Fields::of(keys.iter().map(|(name, _)| *name));
    let mut items: Vec<(Value, T)> = items.map(|item| (show(&fields, item), item)).collect();
    items.sort_by(|(one, _), (other, _)| order(&keys, one, other));
    paged(call, items.into_iter().map(|(_, item)| item), show)
}

/// The page that the caller asks for of items in their order.
fn paged<T: Copy>(
    call: &Call<'_>,
    items: impl Iterator<Item = T>,
    show: impl Fn(&Fields, T) -> Value,
) -> Answer {
    let page = Page::of(call)?;
    let linked = call.paging.linked && page.limit > 0 && call.query("limit").is_some();
    let (items, total) = page.cut(items, linked);
    let shown = items.iter().map(|item| show(&call.fields, *item));
    let reply = Reply::json(shown.collect());
    match linked {
        true => Ok(page.add_links(call, items.len(), total, reply)),
        false => Ok(reply),
    }
}

/// The items that pass the filters, in the order and the page that the caller asks for.
pub(crate) fn search<T: Copy>(
    call: &Call<'_>,
    filters: &Filters<'_>,
    items: impl Iterator<Item = T>,
    show: impl Fn(&Fields, T) -> Value,
) -> Answer {
    // Only the fields to filter by are computed for every item.
    let fields = Fields::of(filters.patterns.iter().map(|(name, _)| *name));
    let passing = items.filter(|item| {
        filters.is_empty() || {
            let shown = show(&fields, *item);
            filters.pass(|name| shown.get(name).and_then(text))
        }
    });
    answer(call, passing, &show)
}

/// Whether the order that items have anyway, by id, will do.
fn by_id(call: &Call<'_>) -> bool {
    call.paging.ignores_sort || matches!(call.query("sorts"), None | Some("" | "id" | "id asc"))
}

/// How two items stand to each other by the first key that tells them apart.
fn order(keys: &[(&str, bool)], one: &Value, other: &Value) -> Ordering {
    let orders = keys.iter().map(|(name, descending)| {
        let order = compare(one.get(name), other.get(name));
        if *descending { order.reverse() } else { order }
    });
    orders.fold(Ordering::Equal, Ordering::then)
}

/// The field of a sort key, and whether it goes down: `-id`, `id desc`.
fn direction(key: &str) -> (&str, bool) {
    let key = key.trim();
    if let Some(name) = key.strip_prefix('-') {
        return (name, true);
    }
    match key.split_once(' ') {
        Some((name, word)) => (name, word.trim().eq_ignore_ascii_case("desc")),
        None => (key, false),
    }
}

fn compare(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    key(one).cmp(&key(other))
}

/// What a field is sorted by: what has none comes first, and numbers come before texts.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
enum Key<'a> {
    None,
    Number(u64),
    Text(Cow<'a, str>),
}

fn key(value: Option<&Value>) -> Key<'_> {
    match value.and_then(text) {
        None => Key::None,
        // Numbers are compared as numbers: 10 comes after 9.
        Some(text) => text.parse().map_or(Key::Text(text), Key::Number),
    }
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        other => Some(Cow::Owned(other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use serde_json::json;

    use super::{compare, direction, fits};

    #[test]
    fn percent_is_any_text_and_underscore_any_letter() {
        assert!(fits("ada%", Some("Ada Lovelace")));
        assert!(fits("%love%", Some("Ada Lovelace")));
        assert!(fits("a_a", Some("Ada")));
        assert!(fits("%", Some("")));
        assert!(!fits("a_a", Some("Adda")));
        assert!(!fits("ada", Some("Ada Lovelace")));
    }

    #[test]
    fn null_asks_whether_there_is_a_value() {
        assert!(fits("NULL", None));
        assert!(fits("NOT NULL", Some("x")));
        assert!(!fits("x", None));
    }

    #[test]
    fn ids_may_be_a_list() {
        assert!(fits("1,2", Some("2")));
        assert!(!fits("1,2", Some("12")));
    }

    #[test]
    fn numbers_are_sorted_as_numbers_and_stand_before_texts() {
        // Each comes before the next ones, also if texts that begin with a digit lie between numbers.
        let sorted = [
            json!(null),
            json!("9"),
            json!(10),
            json!("10a"),
            json!("5a"),
        ];
        for (place, one) in sorted.iter().enumerate() {
            for (other_place, other) in sorted.iter().enumerate() {
                assert_eq!(compare(Some(one), Some(other)), place.cmp(&other_place));
            }
        }
        assert_eq!(compare(None, Some(&json!(null))), Ordering::Equal);
    }

    #[test]
    fn sorts_go_down_with_a_minus_or_a_word() {
        assert_eq!(direction("-id"), ("id", true));
        assert_eq!(direction("name desc"), ("name", true));
        assert_eq!(direction(" name"), ("name", false));
    }
}
