//! Says who will create keys, for the output of a plan.

use crate::commands::session::Session;
use crate::workflow::Authority;

/// Who will create keys, in a sentence.
pub(crate) fn sentence(session: &Session) -> &'static str {
    match session.keys.minter() {
        Authority::Caller => "Keys are created by the admin, as `embedctl doctor --probe` found.",
        Authority::Itself => {
            "Keys are created by each user itself, which is allowed to manage keys until then, as `embedctl doctor --probe` found."
        }
        Authority::Nobody => {
            "Keys can probably not be created: `embedctl doctor --probe` found that neither the admin nor a user may."
        }
        Authority::Unknown => {
            "Whether the admin or each user itself creates keys is found out with the first one; `embedctl doctor --probe` tells beforehand."
        }
    }
}
