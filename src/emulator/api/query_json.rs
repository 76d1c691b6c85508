//! A query as the API shows it.

use serde_json::{Value, json};

use crate::emulator::api::usual::with_usual;
use crate::emulator::http::answer::lay_over;
use crate::emulator::world::queries::Query;
use crate::emulator::world::{Id, id_text};

/// A query with all its fields; what was not asked for is `null`.
pub(super) fn query_json(id: Id, query: &Query) -> Value {
    let explore = format!("/explore/{}/{}", query.model, query.view);
    let own = json!({
        "id": id_text(id),
        "model": query.model,
        "view": query.view,
        "client_id": query.slug,
        "slug": query.slug,
        "share_url": format!("/x/{}", query.slug),
        "expanded_share_url": explore,
        "url": explore,
    });
    let mut shown = with_usual("query", own);
    lay_over(&mut shown, Value::Object(query.rest.clone()));
    shown
}
