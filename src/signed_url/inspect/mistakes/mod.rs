//! Common mistakes in signing, each as a change to the correct way.

mod digest;
mod json;
mod lines;
mod place;
mod secret;

use crate::signed_url::inspect::attempt::Attempt;

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

/// All known mistakes, common ones first. `right` is the correctly signed URL, `host` Looker's own host.
pub(super) fn all(right: &Attempt, host: Option<&str>) -> Vec<Mistake> {
    let mut mistakes = secret::mistakes(right);
    mistakes.extend(digest::mistakes());
    mistakes.extend(place::mistakes(right, host));
    mistakes.extend(lines::mistakes(right));
    mistakes.extend(json::mistakes(right));
    mistakes
}
