//! Text that cannot be printed, logged or serialised by accident.
//!
//! [`SecretString`] has no `Display`, no `Serialize`, a `Debug` that shows nothing, and is wiped when dropped.
//! Reading one takes a call to `expose_secret`, and the test `tidy` lists the few files that may contain it.

pub use secrecy::{ExposeSecret, SecretString};

/// What stands in messages and traces where a secret would be.
pub const REDACTED: &str = "[redacted]";
