//! Who may do something with API keys of embed users.

/// Who may do something with keys.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Authority {
    /// Nobody has tried yet.
    #[default]
    Unknown,
    /// The identity that the program logs in as: an admin, or a service account with that role.
    Caller,
    /// The user whose keys they are.
    Itself,
    /// Neither.
    Nobody,
}

impl Authority {
    /// The word for it in JSON; `None` if it is not known.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Unknown => None,
            Self::Caller => Some("admin"),
            Self::Itself => Some("user"),
            Self::Nobody => Some("nobody"),
        }
    }
}
