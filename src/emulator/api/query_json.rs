//! A query as the API shows it.

use serde_json::{Value, json};

use crate::emulator::http::answer::lay_over;
use crate::emulator::world::queries::Query;
use crate::emulator::world::{Id, id_text};

/// A query with all its fields; what was not asked for is `null`.
pub(super) fn query_json(id: Id, query: &Query) -> Value {
    let explore = format!("/explore/{}/{}", query.model, query.view);
    let mut shown = json!({
        "can": {},
        "id": id_text(id),
        "model": query.model,
        "view": query.view,
        "fields": [],
        "pivots": null,
        "fill_fields": null,
        "filters": null,
        "filter_expression": null,
        "sorts": null,
        "limit": "500",
        "column_limit": null,
        "total": null,
        "row_total": null,
        "subtotals": null,
        "vis_config": null,
        "filter_config": null,
        "visible_ui_sections": null,
        "dynamic_fields": null,
        "query_timezone": null,
        "client_id": query.slug,
        "slug": query.slug,
        "share_url": format!("/x/{}", query.slug),
        "expanded_share_url": explore,
        "url": explore,
        "has_table_calculations": false,
    });
    lay_over(&mut shown, Value::Object(query.rest.clone()));
    shown
}
