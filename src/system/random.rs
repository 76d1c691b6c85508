//! Secure random bytes.

use std::fmt;
use std::io;
use std::sync::Arc;

/// The source of random bytes.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

type Fill = dyn Fn(&mut [u8]) -> io::Result<()> + Send + Sync;

impl Random {
    /// The operating system's secure generator.
    pub fn os() -> Self {
        Self(Arc::new(|bytes| {
            getrandom::fill(bytes).map_err(io::Error::other)
        }))
    }

    /// Bytes from `fill`, for tests that need known ones.
    pub fn from_fn(fill: impl Fn(&mut [u8]) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// Fill `bytes`; an error means that the system has no randomness available.
    pub fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.0(bytes)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
