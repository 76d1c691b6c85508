//! What dashboards and looks show: their queries, and the filters of a dashboard that these listen to.

use serde::Deserialize;

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::content::ContentKind;
use crate::looker::error::LookerError;
use crate::looker::fields;
use crate::looker::queries::Query;

/// A dashboard or a look, with what it shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Whether it is in the trash.
    pub deleted: bool,
    /// Its folder's id and name.
    pub folder: Option<(String, String)>,
    /// The id that access names it by.
    pub content_metadata_id: Option<String>,
    /// What it shows; texts and buttons are left out.
    pub tiles: Vec<Tile>,
    /// The filters of a dashboard.
    pub filters: Vec<DashboardFilter>,
}

/// A tile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tile {
    /// Its title.
    pub title: String,
    /// Its query; `None` for what is put together from several, or is of a kind that is not known.
    pub query: Option<Query>,
    /// The dashboard filters it listens to, each with the field that it filters.
    pub listens: Vec<(String, String)>,
}

/// A filter of a dashboard.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct DashboardFilter {
    /// Its name, which tiles and URLs use.
    #[serde(default, deserialize_with = "fields::text")]
    pub name: String,
    /// The value it has unless the URL gives another.
    #[serde(default, deserialize_with = "fields::optional")]
    pub default_value: Option<String>,
}

#[derive(Deserialize)]
struct Folder {
    #[serde(default, deserialize_with = "fields::text")]
    id: String,
    #[serde(default, deserialize_with = "fields::text")]
    name: String,
}

/// What a dashboard and a look have in common.
#[derive(Deserialize)]
struct Piece {
    #[serde(deserialize_with = "fields::id")]
    id: String,
    #[serde(default, deserialize_with = "fields::text")]
    title: String,
    #[serde(default, deserialize_with = "fields::flag")]
    deleted: bool,
    #[serde(default)]
    folder: Option<Folder>,
    #[serde(default, deserialize_with = "fields::optional")]
    content_metadata_id: Option<String>,
}

#[derive(Deserialize)]
struct Dashboard {
    #[serde(flatten)]
    piece: Piece,
    #[serde(default, deserialize_with = "fields::list")]
    dashboard_elements: Vec<Element>,
    #[serde(default, deserialize_with = "fields::list")]
    dashboard_filters: Vec<DashboardFilter>,
}

#[derive(Deserialize)]
struct Element {
    #[serde(default, rename = "type", deserialize_with = "fields::text")]
    kind: String,
    #[serde(default, deserialize_with = "fields::text")]
    title: String,
    #[serde(default)]
    query: Option<Query>,
    #[serde(default)]
    look: Option<Look>,
    #[serde(default)]
    result_maker: Option<ResultMaker>,
}

#[derive(Deserialize)]
struct ResultMaker {
    #[serde(default)]
    query: Option<Query>,
    #[serde(default, deserialize_with = "fields::list")]
    filterables: Vec<Filterable>,
}

#[derive(Deserialize)]
struct Filterable {
    #[serde(default, deserialize_with = "fields::list")]
    listen: Vec<Listen>,
}

#[derive(Deserialize)]
struct Listen {
    #[serde(default, deserialize_with = "fields::text")]
    dashboard_filter_name: String,
    #[serde(default, deserialize_with = "fields::text")]
    field: String,
}

#[derive(Deserialize)]
struct Look {
    #[serde(flatten)]
    piece: Piece,
    #[serde(default)]
    query: Option<Query>,
}

impl Client {
    /// A dashboard or look with what it shows, in the trash or not.
    pub async fn shown(&self, kind: ContentKind, id: &str) -> Result<Shown, LookerError> {
        match kind {
            ContentKind::Dashboard => {
                let call = Call::get("dashboard", "/dashboards/{dashboard_id}", &[id])?;
                self.json::<Dashboard>(call).await.map(Shown::from)
            }
            ContentKind::Look => {
                let call = Call::get("look", "/looks/{look_id}", &[id])?;
                self.json::<Look>(call).await.map(Shown::from)
            }
        }
    }
}

impl Piece {
    fn showing(self, tiles: Vec<Tile>, filters: Vec<DashboardFilter>) -> Shown {
        Shown {
            id: self.id,
            title: self.title,
            deleted: self.deleted,
            folder: self.folder.map(|folder| (folder.id, folder.name)),
            content_metadata_id: self.content_metadata_id,
            tiles,
            filters,
        }
    }
}

impl From<Dashboard> for Shown {
    fn from(dashboard: Dashboard) -> Self {
        let tiles = dashboard.dashboard_elements.into_iter();
        let tiles = tiles.filter_map(Element::tile).collect();
        dashboard.piece.showing(tiles, dashboard.dashboard_filters)
    }
}

impl From<Look> for Shown {
    fn from(look: Look) -> Self {
        let tile = Tile {
            title: look.piece.title.clone(),
            query: look.query,
            listens: Vec::new(),
        };
        look.piece.showing(vec![tile], Vec::new())
    }
}

impl Element {
    /// The tile, unless it shows no data.
    fn tile(self) -> Option<Tile> {
        // belief: tile-types
        if matches!(self.kind.as_str(), "text" | "button" | "extension") {
            return None;
        }
        let (title, of_look) = match self.look {
            Some(look) if self.title.is_empty() => (look.piece.title, look.query),
            Some(look) => (self.title, look.query),
            None => (self.title, None),
        };
        let (query, filterables) = match self.result_maker {
            Some(maker) => (maker.query, maker.filterables),
            None => (None, Vec::new()),
        };
        let listens = filterables.into_iter().flat_map(|one| one.listen);
        let listens = listens.map(|listen| (listen.dashboard_filter_name, listen.field));
        let named = |query: &Query| !query.model.is_empty() && !query.view.is_empty();
        Some(Tile {
            title,
            query: self.query.or(of_look).or(query).filter(named),
            listens: listens.collect(),
        })
    }
}
