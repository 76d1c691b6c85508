//! The sink that shows the key to the operator.

use std::fmt;
use std::io;

use crate::secret::{ExposeSecret as _, SecretString};
use crate::sink::{Answer, Held, Key, KeyName, Sink, SinkError, nothing};

/// The name of the sink that prints the key with the result.
pub(crate) const STDOUT: &str = "stdout";

/// Passes each key to the command, which prints it in its output format. Stores nothing.
pub struct Stdout {
    show: Show,
}

type Show = Box<dyn Fn(&KeyName, &str) -> io::Result<()> + Send + Sync>;

impl Stdout {
    /// A sink that shows each key and its secret with `show`, which returns once the output has taken them.
    pub fn new(show: impl Fn(&KeyName, &str) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self {
            show: Box::new(show),
        }
    }
}

impl Sink for Stdout {
    fn name(&self) -> String {
        STDOUT.to_owned()
    }

    fn probe(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn held<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Option<Held>> {
        nothing()
    }

    fn deliver<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Held>> {
        Box::pin(async move {
            let shown = (self.show)(&key.name, key.client_secret.expose_secret());
            shown.map(|()| None).map_err(|error| {
                SinkError::new("cannot print the key")
                    .hint("keep the reader of the output open, or use `--keys-to file:PATH`")
                    .caused(error)
            })
        })
    }

    fn holds<'a>(&'a self, _key: &'a KeyName) -> Answer<'a, Option<bool>> {
        Box::pin(async { Ok(None) })
    }
}

impl fmt::Debug for Stdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stdout")
    }
}

/// Show a secret that is not a key to the operator.
pub fn show<T>(secret: &SecretString, show: impl FnOnce(&str) -> T) -> T {
    show(secret.expose_secret())
}
