//! The kinds of values that a switch can have, each readable from text and shown as the same text.

use std::fmt;

/// Which kind of Looker to be.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// Looker (original): administrators make keys for everyone.
    #[default]
    Original,
    /// Looker (Google Cloud core): users make their own keys, and only embed users can be impersonated.
    Core,
    /// A Looker without the embedding feature.
    NoEmbed,
}

/// A value that a switch can have.
pub(crate) trait Value {
    /// Take the value that `text` stands for.
    fn assign(&mut self, text: &str) -> Result<(), String>;
    /// The value as text.
    fn show(&self) -> String;
}

macro_rules! plain_values {
    ($($kind:ty),*) => {$(
        impl Value for $kind {
            fn assign(&mut self, text: &str) -> Result<(), String> {
                *self = text.parse().map_err(|error| format!("{error}"))?;
                Ok(())
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

plain_values!(bool, usize, u16, i64, String);

/// Words that a switch chooses among, each with the text that stands for it.
macro_rules! words {
    ($($(#[$about:meta])* $name:ident { $($(#[$case_about:meta])* $case:ident = $text:literal,)* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub enum $name {
            $($(#[$case_about])* $case,)*
        }

        impl $name {
            const ALL: &'static [(&'static str, Self)] = &[$(($text, Self::$case)),*];
        }

        impl Value for $name {
            fn assign(&mut self, text: &str) -> Result<(), String> {
                let found = Self::ALL.iter().find(|(known, _)| *known == text);
                let (_, value) = found.ok_or_else(|| {
                    let known: Vec<&str> = Self::ALL.iter().map(|(known, _)| *known).collect();
                    format!("it is one of {}", known.join(", "))
                })?;
                *self = *value;
                Ok(())
            }

            fn show(&self) -> String {
                let found = Self::ALL.iter().find(|(_, value)| value == self);
                found.map_or_else(String::new, |(text, _)| (*text).to_owned())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let mut value = Self::ALL.first().map(|(_, first)| *first).ok_or("no value")?;
                value.assign(text)?;
                Ok(value)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.show())
            }
        }
    )*};
}

words! {
    /// A release of Looker, as far as releases differ in what is served here.
    Release {
        /// Before the owners of dashboards and boards could be changed.
        V26_6 = "26.6",
        /// The release of the OpenAPI description that is followed.
        V26_12 = "26.12",
        /// The newest release that is known.
        V26_22 = "26.22",
    }

    /// Who may do something with a user's API keys. Keys of service accounts stay with administrators in any case.
    KeyRights {
        /// Administrators, and the user itself.
        Admin = "admin",
        /// The user itself, once `can_manage_api3_creds` is set.
        Itself = "self",
        /// Service accounts that are administrators.
        ServiceAccount = "service_account",
        /// No one.
        Nobody = "nobody",
    }

    /// A form in which the API may write times.
    TimeForm {
        /// `2023-03-07T12:28:32.000+00:00`: in whole seconds, as recorded in 2021 to 2023.
        Utc = "utc",
        /// `2019-11-16T02:18:31.829+00:00`, as recorded in 2016 to 2020.
        Millis = "millis",
        /// `2018-03-15T13:16:34.692-07:00`, as recorded in 2019.
        Offset = "offset",
        /// `2023-03-07T12:28:32Z`; never recorded.
        Zulu = "zulu",
        /// `2023/03/07 12:28`: what no rule explains.
        Garbage = "garbage",
    }

    /// What a list of users has in `credentials_api3`.
    ListedKeys {
        /// The keys.
        Listed = "listed",
        /// No such field.
        Absent = "absent",
        /// An empty list, whatever keys there are.
        Empty = "empty",
    }

    /// What a request for a token of a disabled user gives.
    DisabledSudo {
        /// Nothing.
        Refused = "refused",
        /// A token that is good for nothing.
        Token = "token",
        /// A token as of any other user.
        Works = "works",
    }

    /// Which search finds nothing, although another way shows what there is.
    BlindSearch {
        /// None.
        Nothing = "none",
        /// `search_boards`; `all_boards` shows them.
        Boards = "boards",
        /// `search_content_favorites` for another user; the user itself finds them.
        Favorites = "favorites",
        /// Scheduled plans of one other user; `all_users=true` and the user itself show them.
        Schedules = "schedules",
        /// `search_alerts` of an administrator; the user itself and `followed` show them.
        Alerts = "alerts",
    }
}

/// Rights that equal another switch's unless they are given.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OtherRights(pub Option<KeyRights>);

impl Value for OtherRights {
    fn assign(&mut self, text: &str) -> Result<(), String> {
        self.0 = match text {
            "same" => None,
            text => Some(text.parse()?),
        };
        Ok(())
    }

    fn show(&self) -> String {
        self.0
            .map_or_else(|| "same".to_owned(), |rights| rights.show())
    }
}

/// A feature that exists since a release, unless a switch says otherwise.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Since {
    first: Release,
    given: Option<bool>,
}

impl Release {
    /// What it is called in full. That of the OpenAPI description that is followed is known; the others' last parts are
    /// made up.
    pub(crate) const fn full(self) -> &'static str {
        match self {
            Self::V26_6 => "26.6.1",
            Self::V26_12 => "26.12.3",
            Self::V26_22 => "26.22.1",
        }
    }
}

impl Since {
    /// What releases have from `first` on.
    pub(crate) const fn release(first: Release) -> Self {
        Self { first, given: None }
    }

    /// Whether a Looker of this release has it.
    pub(crate) fn holds(self, release: Release) -> bool {
        self.given.unwrap_or(release >= self.first)
    }
}

impl Value for Since {
    fn assign(&mut self, text: &str) -> Result<(), String> {
        self.given = match text {
            "release" => None,
            text => Some(
                text.parse()
                    .map_err(|_error| "it is `release`, true or false")?,
            ),
        };
        Ok(())
    }

    fn show(&self) -> String {
        self.given
            .map_or_else(|| "release".to_owned(), |given| given.to_string())
    }
}
