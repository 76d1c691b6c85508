//! Text that cannot be printed, logged or serialised by accident.
//!
//! [`SecretString`] has no `Display`, no `Serialize`, a `Debug` that shows nothing, and is wiped when dropped.
//! Reading one takes a call to `expose_secret`, and the test `tidy` lists the few files that may contain it.

pub use secrecy::{ExposeSecret, SecretString};

/// What stands in messages and traces where a secret would be.
pub const REDACTED: &str = "[redacted]";

/// The variables that hold a secret of embedctl's, whatever a profile says; the commands it starts do not get them, and
/// those that a profile names neither. The ledger's address may hold a password.
pub const SECRET_VARIABLES: [&str; 7] = [
    "EMBEDCTL_CLIENT_SECRET",
    "EMBEDCTL_EMBED_SECRET",
    "EMBEDCTL_EMULATOR_CLIENT_SECRET",
    "EMBEDCTL_EMULATOR_EMBED_SECRET",
    "EMBEDCTL_LEDGER",
    "LOOKERSDK_CLIENT_SECRET",
    "LOOKERSDK_EMBED_SECRET",
];
