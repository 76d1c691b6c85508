//! What a person should see: a dashboard or a look, by its id or by the path that is embedded.

use url::{Url, form_urlencoded};

use crate::error::Error;
use crate::looker::ContentKind;

/// A dashboard or look, and the values that the path gives for its filters.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Target {
    pub(super) kind: ContentKind,
    pub(super) id: String,
    pub(super) filters: Vec<(String, String)>,
}

/// What the segments before an id stand for. `embed` in front of them is optional.
const PLACES: [(&str, ContentKind); 4] = [
    ("dashboards", ContentKind::Dashboard),
    ("dashboards-next", ContentKind::Dashboard),
    ("dashboards-legacy", ContentKind::Dashboard),
    ("looks", ContentKind::Look),
];

impl Target {
    pub(super) fn of(kind: ContentKind, id: &str) -> Self {
        Self {
            kind,
            id: id.to_owned(),
            filters: Vec::new(),
        }
    }

    /// The target of an embed path, or of a whole URL with one.
    pub(super) fn of_path(path: &str) -> Result<Self, Error> {
        let refused = || {
            Error::usage(format!("`{path}` is not the path of a dashboard or look"))
                .hint("write it as in `--path /embed/dashboards/12?Region=EMEA`, or use `--dashboard` or `--look`")
        };
        let base = Url::parse("https://looker.invalid/").map_err(Error::internal)?;
        let url = base.join(path.trim()).map_err(|_| refused())?;
        let segments = url.path().split('/').filter(|part| !part.is_empty());
        let mut segments = segments.skip_while(|part| *part == "embed");
        let place = segments.next().unwrap_or_default();
        let known = PLACES.iter().find(|(name, _)| *name == place);
        let (Some((_, kind)), Some(id), None) = (known, segments.next(), segments.next()) else {
            return Err(refused());
        };
        let id = percent_encoding::percent_decode_str(id).decode_utf8();
        let filters = form_urlencoded::parse(url.query().unwrap_or_default().as_bytes());
        Ok(Self {
            kind: *kind,
            id: id.map_err(|_| refused())?.into_owned(),
            filters: filters.into_owned().collect(),
        })
    }

    /// Whether it is a dashboard that is written in LookML, whose id is its model and its name.
    pub(super) fn is_lookml(&self) -> bool {
        // belief: lookml-dashboard-id
        self.lookml_model().is_some()
    }

    /// The model of a dashboard that is written in LookML.
    pub(super) fn lookml_model(&self) -> Option<&str> {
        let (model, _name) = self.id.split_once("::")?;
        (self.kind == ContentKind::Dashboard).then_some(model)
    }

    /// What it is called in messages.
    pub(super) fn words(&self) -> String {
        match self.kind {
            ContentKind::Dashboard if self.is_lookml() => format!("LookML dashboard `{}`", self.id),
            ContentKind::Dashboard => format!("dashboard {}", self.id),
            ContentKind::Look => format!("look {}", self.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Target;
    use crate::looker::ContentKind::{Dashboard, Look};

    #[test]
    fn a_path_names_a_dashboard_or_a_look_and_the_values_of_filters() {
        for (path, kind, id, filters) in [
            ("/embed/dashboards/12", Dashboard, "12", &[][..]),
            (
                "embed/dashboards-next/12?Region=EMEA%2CAPAC&x=",
                Dashboard,
                "12",
                &[("Region", "EMEA,APAC"), ("x", "")],
            ),
            (
                "/embed/dashboards/demo::orders",
                Dashboard,
                "demo::orders",
                &[],
            ),
            (
                "/embed/dashboards/demo%3A%3Aorders",
                Dashboard,
                "demo::orders",
                &[],
            ),
            ("https://acme.cloud.looker.com/looks/7", Look, "7", &[]),
        ] {
            let target = Target::of_path(path).unwrap();
            assert_eq!((target.kind, target.id.as_str()), (kind, id), "{path}");
            let given = target.filters.iter();
            let given: Vec<_> = given
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            assert_eq!(given, filters, "{path}");
        }
        for path in [
            "",
            "/embed/explore/demo/orders",
            "/embed/dashboards",
            "/alive",
            "/looks/1/2",
        ] {
            assert!(Target::of_path(path).is_err(), "{path}");
        }
    }
}
