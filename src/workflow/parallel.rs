//! Runs the same work for many items, some at a time.

use tokio::task::JoinSet;

use crate::error::{Error, Kind};
use crate::system::Interrupt;

/// Run `work` for each of `items`, `width` at a time, and pass each answer to `finished` as it arrives, with how many are
/// still in flight. Once the user asks to stop through `interrupt`, what is in flight is finished and nothing more is
/// begun; without one, dropping the future cancels what is in flight.
///
/// # Errors
/// What `finished` returns; [`Kind::Interrupted`] if an item was not begun.
pub(crate) async fn each<I, T, F>(
    items: impl IntoIterator<Item = I>,
    width: usize,
    interrupt: Option<&Interrupt>,
    work: impl Fn(I) -> F,
    mut finished: impl FnMut(T, usize) -> Result<(), Error>,
) -> Result<(), Error>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut waiting = items.into_iter();
    let mut flying = JoinSet::new();
    let stopped = || interrupt.is_some_and(|interrupt| interrupt.count() > 0);
    loop {
        // Never 0: without a single worker nothing would ever be done.
        while flying.len() < width.max(1) && !stopped() {
            let Some(item) = waiting.next() else {
                break;
            };
            flying.spawn(work(item));
        }
        let Some(joined) = flying.join_next().await else {
            break;
        };
        let answer = joined.map_err(|error| Error::internal(error).context("a task broke off"))?;
        // An error ends the loop, and dropping the set cancels what is in flight.
        finished(answer, flying.len())?;
    }
    // Everything that was begun is finished; an item that is left was not begun.
    match waiting.next() {
        Some(_) => Err(Error::new(Kind::Interrupted, "interrupted")),
        None => Ok(()),
    }
}

/// Like [`each`], but returns the results in the order of the items. `done` is told how many are done.
///
/// # Errors
/// The first error of `work`, which breaks off what was begun by then; and as for [`each`].
pub(crate) async fn map<I, T, F>(
    items: impl IntoIterator<Item = I>,
    width: usize,
    interrupt: Option<&Interrupt>,
    work: impl Fn(I) -> F,
    done: impl Fn(usize),
) -> Result<Vec<T>, Error>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let mut results = Vec::new();
    let place = |(place, item): (usize, I)| {
        let working = work(item);
        async move { (place, working.await) }
    };
    let finished = |(place, result): (usize, Result<T, Error>), _| {
        // The first error is passed on at once, so that no more is begun.
        results.push((place, result?));
        done(results.len());
        Ok(())
    };
    each(
        items.into_iter().enumerate(),
        width,
        interrupt,
        place,
        finished,
    )
    .await?;
    // Answers arrive in any order.
    results.sort_unstable_by_key(|(place, _)| *place);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::{each, map};
    use crate::error::{Error, Kind};
    use crate::system::Interrupt;

    #[tokio::test]
    async fn what_comes_of_each_stands_in_the_order_of_the_items() {
        let work = |number: u64| async move {
            for _ in 0..(5 - number) {
                tokio::task::yield_now().await;
            }
            Ok(number * 10)
        };

        let done = map([1, 2, 3, 4], 3, None, work, |_| {}).await.unwrap();

        assert_eq!(done, [10, 20, 30, 40]);
    }

    #[tokio::test]
    async fn the_first_error_ends_it() {
        let work = |number: u64| async move {
            match number {
                2 => Err(Error::usage("two")),
                number => Ok(number),
            }
        };

        let ended = map([1, 2, 3], 1, None, work, |_| {}).await;

        assert_eq!(ended.unwrap_err().to_string(), "two");
    }

    #[tokio::test]
    async fn once_the_user_asks_to_stop_what_was_begun_is_finished_and_no_more_is_begun() {
        let (interrupt, mut done) = (Interrupt::never(), Vec::new());
        let work = |number: u64| async move { number };
        let finished = |number, flying| {
            interrupt.trigger();
            done.push((number, flying));
            Ok(())
        };

        let ended = each(1..=9, 3, Some(&interrupt), work, finished).await;

        assert_eq!(ended.unwrap_err().kind(), Kind::Interrupted);
        done.sort_unstable();
        assert_eq!(
            done.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
            [1, 2, 3]
        );
        assert!(done.iter().any(|(_, flying)| *flying == 0));
    }
}
