//! Who may manage API keys of embed users.

/// Who may perform an operation on keys.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Authority {
    /// Not tried yet.
    #[default]
    Unknown,
    /// The identity that the program logs in as: an admin, or a service account with the Admin role.
    Caller,
    /// The user who owns the keys.
    Itself,
    /// Neither.
    Nobody,
}

impl Authority {
    /// The word for it in JSON; `None` if it is unknown.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Unknown => None,
            Self::Caller => Some("admin"),
            Self::Itself => Some("user"),
            Self::Nobody => Some("nobody"),
        }
    }
}
