//! Secure random bytes.

use std::fmt;
use std::io;
use std::sync::Arc;

/// Where random bytes come from.
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

    /// Bytes from `fill`, for tests that need to know them.
    pub fn from_fn(fill: impl Fn(&mut [u8]) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// Fill `bytes`; an error says that the system has no randomness to give.
    pub fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.0(bytes)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
