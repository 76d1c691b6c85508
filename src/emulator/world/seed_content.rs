//! The content a new emulator starts with: the blank dashboard, and a dashboard and a look of the demo model.

use serde_json::json;

use crate::emulator::world::World;
use crate::emulator::world::content::Piece;
use crate::emulator::world::content_access::Thing;
use crate::emulator::world::dashboard_parts::Element;
use crate::emulator::world::folders::SHARED;
use crate::emulator::world::kinds::{ALL_USERS, PieceKind};

/// The administrator.
const ADMINISTRATOR: u32 = 1;

impl World {
    /// Add the blank dashboard, and a dashboard and a look that show something.
    pub(crate) fn add_demo_content(&mut self) {
        self.share_with_group(Thing::Folder(SHARED), ALL_USERS, false);
        let by_administrator = |title: &str, query| Piece {
            title: title.to_owned(),
            owner: Some(ADMINISTRATOR),
            folder: Some(SHARED),
            query,
            ..Piece::default()
        };
        self.add_piece(PieceKind::Dashboard, by_administrator("Blank", None));
        let fields = json!({ "fields": ["orders.created_month", "orders.count"] });
        let fields = fields.as_object().cloned().unwrap_or_default();
        let query = Some(self.ensure_query("demo", "orders", fields));
        let dashboard = self.add_piece(PieceKind::Dashboard, by_administrator("Orders", None));
        self.add_element(Element {
            dashboard,
            title: "Orders by month".to_owned(),
            query,
            ..Element::default()
        });
        self.add_piece(PieceKind::Look, by_administrator("Orders by month", query));
    }
}
