//! Does the same for many, some at a time.

use tokio::task::JoinSet;

use crate::error::{Error, Kind};
use crate::system::Interrupt;

/// Do `work` for each of `items`, `width` at a time, and give every answer to `finished` as it comes. Once the user
/// asks to stop, what was begun is finished and nothing more is begun.
///
/// # Errors
/// What `finished` says; [`Kind::Interrupted`] where something was not begun.
pub(crate) async fn each<I, T, F>(
    items: Vec<I>,
    width: usize,
    interrupt: &Interrupt,
    work: impl Fn(I) -> F,
    mut finished: impl FnMut(T) -> Result<(), Error>,
) -> Result<(), Error>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut waiting = items.into_iter();
    let mut flying = JoinSet::new();
    loop {
        while flying.len() < width.max(1) && interrupt.count() == 0 {
            let Some(item) = waiting.next() else {
                break;
            };
            flying.spawn(work(item));
        }
        let Some(joined) = flying.join_next().await else {
            break;
        };
        finished(joined.map_err(|error| Error::internal(error).context("a task broke off"))?)?;
    }
    match waiting.next() {
        Some(_) => Err(Error::new(Kind::Interrupted, "interrupted")),
        None => Ok(()),
    }
}
