//! Repeats questions to which Looker gave no proper answer, so that one bad answer among thousands does not spoil the rest.

use crate::looker::LookerError;

/// How often a question is asked.
const TRIES: usize = 3;

/// The answer to `ask`, which must be safe to repeat.
///
/// # Errors
/// What Looker says, or the last of several improper answers.
pub(super) async fn persist<T, F>(ask: impl Fn() -> F) -> Result<T, LookerError>
where
    F: Future<Output = Result<T, LookerError>>,
{
    for _ in 1..TRIES {
        match ask().await {
            Err(error) if is_passing(&error) => {}
            answer => return answer,
        }
    }
    ask().await
}

/// Whether Looker answered improperly. A timeout is not repeated: the client has retried it already.
const fn is_passing(error: &LookerError) -> bool {
    error.took_effect_unknown()
        && !matches!(
            error,
            LookerError::Timeout { .. } | LookerError::TooLarge { .. }
        )
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{TRIES, persist};
    use crate::looker::LookerError;

    fn status(status: u16) -> LookerError {
        LookerError::Status {
            operation: "search_looks",
            status,
            message: String::new(),
        }
    }

    #[tokio::test]
    async fn a_bad_moment_is_waited_out_and_what_lasts_is_told() {
        for (bad, code, tries) in [(1, 500, 2), (2, 502, 3), (9, 500, TRIES), (9, 404, 1)] {
            let tried = Cell::new(0);
            let ask = || async {
                tried.set(tried.get() + 1);
                if tried.get() > bad {
                    Ok(())
                } else {
                    Err(status(code))
                }
            };

            let answer = persist(ask).await;

            assert_eq!((tried.get(), answer.is_ok()), (tries, bad < TRIES));
        }
    }
}
