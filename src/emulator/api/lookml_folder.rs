//! The folder of the dashboards of LookML files, which has a name for an id, and is empty here.

use serde_json::{Value, json};

use crate::emulator::api::usual::with_usual;

/// The folder that holds the dashboards of LookML files.
pub(super) const FOLDER: &str = "lookml";

/// That folder; it is the same for everyone who has one.
pub(super) fn folder_json() -> Value {
    let can = with_usual(
        "folder_can",
        json!({ "create": false, "destroy": false, "edit_content": false, "move_content": false, "update": false }),
    );
    let own = json!({ "can": can, "id": FOLDER, "name": "LookML Dashboards" });
    with_usual("lookml_folder", own)
}
