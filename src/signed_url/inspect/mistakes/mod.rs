//! Common mistakes in signing, each as a change to the correct way.

mod digest;
mod host;
mod json;
mod lines;
mod path;
mod secret;
mod sent;
mod unsigned;

use crate::signed_url::inspect::Expected;
use crate::signed_url::inspect::attempt::Attempt;
use crate::signed_url::inspect::url::Url;

/// A mistake that may explain a signature.
pub(super) struct Mistake {
    /// Its name, for programs.
    pub(super) name: &'static str,
    /// What was done.
    pub(super) message: String,
    /// What to change in the code that signs.
    pub(super) fix: String,
    /// Makes the mistake.
    pub(super) make: Box<dyn Fn(&mut Attempt)>,
}

impl Mistake {
    fn new(
        name: &'static str,
        message: impl Into<String>,
        fix: impl Into<String>,
        make: impl Fn(&mut Attempt) + 'static,
    ) -> Self {
        Self {
            name,
            message: message.into(),
            fix: fix.into(),
            make: Box::new(make),
        }
    }
}

/// All known mistakes, common ones first. `right` is the correctly signed URL, `url` the one that was sent.
pub(super) fn all(right: &Attempt, url: &Url<'_>, expected: &Expected) -> Vec<Mistake> {
    let mut mistakes = secret::mistakes(right, &expected.other_secrets);
    mistakes.extend(digest::mistakes());
    mistakes.extend(host::mistakes(&right.host, expected.host.as_deref()));
    mistakes.extend(path::mistakes(&right.path));
    mistakes.extend(lines::mistakes(right));
    mistakes.extend(sent::mistakes(right));
    mistakes.extend(json::mistakes(right));
    mistakes.extend(unsigned::mistakes(url));
    mistakes
}
