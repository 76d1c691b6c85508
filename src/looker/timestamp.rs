//! Timestamps from Looker.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// A timestamp from Looker, or none. One that cannot be parsed is known to exist and nothing more: nothing may be decided
/// by it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum When {
    /// Looker says nothing, or `""`, its value for what has not happened.
    #[default]
    Never,
    /// A known time.
    At(Timestamp),
    /// Looker's value has an unknown format.
    Unreadable,
}

impl When {
    /// The time, if there is one that can be read.
    pub const fn known(self) -> Option<Timestamp> {
        match self {
            Self::At(moment) => Some(moment),
            Self::Never | Self::Unreadable => None,
        }
    }

    /// Parse `text`; the recorded formats are `2023-03-07T12:28:32.000+00:00` and the same with another offset.
    pub(super) fn read(text: Option<&str>) -> Self {
        match text.map(str::trim) {
            None | Some("") => Self::Never,
            Some(text) => text.parse().map_or(Self::Unreadable, Self::At),
        }
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Never => serializer.serialize_none(),
            Self::At(moment) => moment.serialize(serializer),
            Self::Unreadable => serializer.serialize_str("unreadable"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::When;

    #[test]
    fn what_cannot_be_read_is_not_what_never_was() {
        let at = |text: &str| When::At(text.parse().unwrap());
        // Recorded by the Terraform provider's fixture (2023), Spectacles (2019) and the SDKs' Swift tests (2018).
        for (text, same) in [
            ("2023-03-07T12:28:32.000+00:00", "2023-03-07T12:28:32Z"),
            ("2019-11-16T02:18:31.829+00:00", "2019-11-16T02:18:31.829Z"),
            ("2018-03-15T13:16:34.692-07:00", "2018-03-15T20:16:34.692Z"),
        ] {
            assert_eq!(When::read(Some(text)), at(same));
        }
        assert_eq!(When::read(None), When::Never);
        assert_eq!(When::read(Some("")), When::Never);
        for text in ["yesterday", "1678192112", "2023-03-07", "03/07/2023 12:28"] {
            assert_eq!(When::read(Some(text)), When::Unreadable, "{text}");
        }
    }
}
