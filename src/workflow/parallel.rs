//! Runs the same work for many items, some at a time, in stable order.

use tokio::task::JoinSet;

use crate::error::Error;

/// Run `work` for each of `items`, `width` at a time, and return the results in the order of the items. `done` is called
/// with the number of finished items.
///
/// # Errors
/// The first error of `work`; whatever is in flight then is cancelled.
pub(crate) async fn map<I, T, F>(
    items: Vec<I>,
    width: usize,
    work: impl Fn(I) -> F,
    done: impl Fn(usize),
) -> Result<Vec<T>, Error>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let mut results: Vec<Option<T>> = items.iter().map(|_| None).collect();
    let mut waiting = items.into_iter().enumerate();
    let mut flying = JoinSet::new();
    let mut count = 0;
    loop {
        while flying.len() < width.max(1) {
            let Some((place, item)) = waiting.next() else {
                break;
            };
            let working = work(item);
            flying.spawn(async move { (place, working.await) });
        }
        let Some(joined) = flying.join_next().await else {
            break;
        };
        let (place, result) =
            joined.map_err(|error| Error::internal(error).context("a task broke off"))?;
        if let Some(slot) = results.get_mut(place) {
            *slot = Some(result?);
        }
        count += 1;
        done(count);
    }
    Ok(results.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::map;
    use crate::error::Error;

    #[tokio::test]
    async fn what_comes_of_each_stands_in_the_order_of_the_items() {
        let work = |number: u64| async move {
            for _ in 0..(5 - number) {
                tokio::task::yield_now().await;
            }
            Ok(number * 10)
        };

        let done = map(vec![1, 2, 3, 4], 3, work, |_| {}).await.unwrap();

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

        let ended = map(vec![1, 2, 3], 1, work, |_| {}).await;

        assert_eq!(ended.unwrap_err().to_string(), "two");
    }
}
